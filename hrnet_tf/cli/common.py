"""What the commands share: consoles, progress bars, errors and warnings."""

import contextlib
import functools
import inspect
import os
import re
import traceback
import warnings
from pathlib import Path

import typer

from hrnet_tf.cli.task_options import merged_options
from hrnet_tf.launch import exit_codes
from hrnet_tf.tasks.base import count_text  # noqa: F401

ROOT = Path(__file__).parent.parent
_GPU_DEVICES = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")


def console(stderr=False):
    """Returns a rich console; results go to stdout, all else to stderr."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)


def command(interrupted="Stopped."):
    """Makes a function a command that ends with a line and an exit code.

    Bad input (ValueError, OSError) becomes `error: ...` on stderr and exit code 1, or
    the error's own `exit_code`; Ctrl-C the text `interrupted` and exit code 130. The
    function gets `debug=True` where the user wants Python's traceback instead. All
    other errors are for a bug report: they keep it, with exit code 70.

    Args:
        interrupted: str. What is said after Ctrl-C.
    """

    def decorate(function):
        @functools.wraps(function)
        def run(**arguments):
            _set_environment()
            try:
                with _readable_warnings():
                    return function(**arguments)
            except KeyboardInterrupt:
                _say("", f"\n{interrupted}", "yellow")
                raise typer.Exit(exit_codes.INTERRUPTED) from None
            except (typer.Exit, typer.Abort, typer.BadParameter):
                raise
            except (ValueError, OSError) as error:
                if arguments.get("debug"):
                    traceback.print_exc()
                else:
                    _say("error: ", _describe(error, _flags(function)), "red")
                code = getattr(error, "exit_code", exit_codes.EXPLAINED)
                raise typer.Exit(code) from None
            except Exception:
                traceback.print_exc()
                raise typer.Exit(exit_codes.UNEXPECTED) from None

        return run

    return decorate


@contextlib.contextmanager
def progress(description, unit=""):
    """Shows a progress bar on stderr, gone when done.

    Args:
        description: str. What is being done.
        unit: str. What is counted, such as "images".
    Yields:
        A callable `(num_done, num_total)`.
    """
    from rich import progress as bars

    shown = console(stderr=True)
    bar = bars.Progress(
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.MofNCompleteColumn(),
        bars.TextColumn(unit),
        bars.TimeRemainingColumn(),
        console=shown,
        transient=True,
        disable=not shown.is_terminal,
    )
    with bar:
        task = bar.add_task(description, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def spinner(description):
    """Returns a context that shows a spinner on stderr, gone when done."""
    return console(stderr=True).status(description)


def print_facts(facts):
    """Prints what a command has done, a line each; long paths stay in one piece.

    Args:
        facts: dict of str to values.
    """
    from rich.text import Text

    width = max(map(len, facts))
    for name, value in facts.items():
        line = Text.assemble((name.ljust(width), "dim"), "  ", str(value))
        console().print(line, soft_wrap=True)


def show_report(report, title=None, output=None):
    """Prints what a report tells people.

    Args:
        report: `hrnet_tf.tasks.base.Report`.
        title: str, of the first table, or None.
        output: rich console; None means standard output.
    """
    output = output or console()
    for shown in report.shown:
        if isinstance(shown, str):
            output.print(shown, markup=False, soft_wrap=True)
        else:
            show_table(shown, title, output)
            title = None


def show_table(table, title=None, output=None):
    """Prints a `hrnet_tf.tasks.base.Table`, with a title if it has none itself."""
    from rich.table import Table
    from rich.text import Text

    title = table.title or title
    shown = Table(*table.columns, title=title, title_justify="left")
    for i, column in enumerate(shown.columns):
        if i not in table.texts:
            column.justify = "right"
    for i, row in enumerate(table.rows):
        if i == table.section:
            shown.add_section()
        style = "bold" if i == table.bold else None
        shown.add_row(*map(Text, row), style=style)
    (output or console()).print(shown)


def size_text(num_bytes):
    """Returns a size as people read it, such as "3.4 MB"."""
    unit, factor = ("kB", 1e3) if num_bytes < 1e6 else ("MB", 1e6)
    return f"{num_bytes / factor:.1f} {unit}"


def _set_environment():
    """Sets what TensorFlow reads when it is imported; the user's settings win."""
    # Without a GPU TensorFlow's CUDA reports its absence as an error.
    has_gpu = any(map(os.path.exists, _GPU_DEVICES))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2" if has_gpu else "3")
    # Where the CPU has no AVX-512 TensorFlow leaves this off, though a training step
    # is slower without.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


@contextlib.contextmanager
def _readable_warnings():
    """Prints warnings for users as lines, without the source code they come from."""
    with warnings.catch_warnings():
        default = warnings.showwarning

        def show(message, category, filename, lineno, file=None, line=None):
            if category is UserWarning:
                _say("warning: ", str(message), "yellow")
            else:
                default(message, category, filename, lineno, file, line)

        warnings.showwarning = show
        yield


def _say(label, text, color):
    from rich.text import Text

    line = Text.assemble((label, f"bold {color}"), (text, color))
    console(stderr=True).print(line, soft_wrap=True)


def _flags(function):
    """The options of a command by the names of its arguments."""
    flags = {}
    if hasattr(function, "task_command"):
        merged = merged_options(function.task_command)
        flags = {name: options[0].flag for name, options in merged.items()}
    for name, parameter in inspect.signature(function).parameters.items():
        for fact in getattr(parameter.annotation, "__metadata__", ()):
            if isinstance(fact, typer.models.OptionInfo):
                written = (fact.param_decls or [f"--{name.replace('_', '-')}"])[0]
                flags[name] = written.partition("/")[0]
    return flags


def _describe(error, flags):
    """The text of an error, and how to learn more where it is not one of ours."""
    text = str(error).strip() or type(error).__name__
    # The library names `arguments`.
    text = re.sub(r"`(\w+)`", lambda found: flags.get(found[1], found[0]), text)
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, OSError) or Path(frames[-1].filename).is_relative_to(ROOT):
        return text
    return f"{text} (Pass --debug to see where this comes from.)"
