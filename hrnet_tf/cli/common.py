"""What the commands share: consoles, progress bars, errors and warnings."""

import contextlib
import functools
import inspect
import os
import re
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from hrnet_tf.cli.quiet_import import quiet_tensorflow
from hrnet_tf.cli.task_options import merged_options
from hrnet_tf.data.bad_examples import SkippedExamples
from hrnet_tf.io import disk_full_code
from hrnet_tf.launch import exit_codes
from hrnet_tf.notes import PictureNote
from hrnet_tf.typing import Progress
from hrnet_tf.words import count_text  # noqa: F401

if TYPE_CHECKING:
    from rich.console import Console

    from hrnet_tf.tasks.base import Report, Table


ROOT = Path(__file__).parent.parent
# Arguments of the library that are options of another name here.
_ALIASES = {"num_workers": "workers", "options": "beam_option"}
_QUOTES = "'\""
_GPU_DEVICES = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")


def console(stderr: bool = False) -> "Console":
    """Returns a rich console; results go to stdout, all else to stderr."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)


def command(
    interrupted: str = "Stopped.",
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a function a command that ends with a line and an exit code.

    Bad input (ValueError, OSError) becomes `error: ...` on stderr and exit code 1, or
    the error's own `exit_code`; Ctrl-C the text `interrupted` and exit code 130. The
    function gets `debug=True` where the user wants Python's traceback instead. All
    other errors are for a bug report: they keep it, with exit code 70.

    Where the library's texts speak of arguments, in backticks, the user reads the
    command's options: "`overwrite=True`" becomes "--overwrite".

    Args:
        interrupted: str. What is said after Ctrl-C.
    """

    def decorate(function):
        @functools.wraps(function)
        def run(**arguments):
            _set_environment()
            options = _options_of(function)
            try:
                with _readable_warnings(options):
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
                    _say("error: ", _as_options(_describe(error), options), "red")
                code = getattr(error, "exit_code", exit_codes.EXPLAINED)
                raise typer.Exit(code) from None
            except Exception:
                traceback.print_exc()
                raise typer.Exit(exit_codes.UNEXPECTED) from None

        return run

    return decorate


@contextlib.contextmanager
def until_interrupted(waits: bool) -> Iterator[Callable[[], bool]]:
    """Lets Ctrl-C end a loop after what it is at, rather than the command.

    Args:
        waits: bool. False: Ctrl-C ends the command, as ever.
    Yields:
        A function that says whether Ctrl-C was pressed.
    """
    pressed: list[int] = []
    if not waits:
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def progress(description: str, unit: str = "") -> Iterator[Progress]:
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


def spinner(description: str) -> AbstractContextManager[Any]:
    """Returns a context that shows a spinner on stderr, gone when done."""
    return console(stderr=True).status(description)


def print_facts(facts: dict[str, Any]) -> None:
    """Prints what a command has done, a line each; long paths stay in one piece.

    Args:
        facts: dict of str to values.
    """
    from rich.text import Text

    width = max(map(len, facts))
    for name, value in facts.items():
        line = Text.assemble((name.ljust(width), "dim"), "  ", str(value))
        console().print(line, soft_wrap=True)


def show_report(
    report: "Report", title: str | None = None, output: "Console | None" = None
) -> None:
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


def show_table(
    table: "Table", title: str | None = None, output: "Console | None" = None
) -> None:
    """Prints a `hrnet_tf.tasks.base.Table`, with a title if it has none itself.

    One that is wider than the terminal comes in pieces, each with the names of the
    rows: what they are is to be read whole.
    """
    from rich.table import Table
    from rich.text import Text

    output = output or console()
    title = table.title or title
    if title is not None:
        # A table's own is broken at its width, in the middle of a path, say.
        output.print(Text(title, style="italic"), soft_wrap=True)
    for columns in _pieces(table, output.width):
        shown = Table()
        for i, width in zip(
            columns, _fitted(table, columns, output.width), strict=True
        ):
            shown.add_column(
                table.columns[i],
                justify="left" if i in table.texts else "right",
                no_wrap=i == 0 and columns != [0],
                width=width,
            )
        for i, row in enumerate(table.rows):
            if i == table.section:
                shown.add_section()
            style = "bold" if i == table.bold else None
            shown.add_row(*(Text(row[column]) for column in columns), style=style)
        output.print(shown)


def _fitted(table, columns, width):
    """The width of each column of a piece; None of texts where they do not fit.

    Rich shrinks all columns in proportion, and cuts off at the right what is too wide.
    """
    least = [_widths(table, i) for i in columns]
    most = [
        max(len(cell) for cell in (table.columns[i], *(row[i] for row in table.rows)))
        for i in columns
    ]
    # Two blanks and a line each, and the last line.
    free = width - sum(least) - 3 * len(columns) - 1
    if free < 0:
        texts = [i in table.texts for i in columns]
        return [None if t else n for t, n in zip(texts, least, strict=True)]
    for _ in range(free):
        lacking = [m - now for m, now in zip(most, least, strict=True)]
        if max(lacking) <= 0:
            break
        least[lacking.index(max(lacking))] += 1
    return least


def _widths(table, column):
    """The characters that a column needs: texts can be wrapped, numbers cannot."""
    # The names of the rows are not wrapped, nor is what stands above them.
    words = table.columns[column].split() if column else table.columns[:1]
    cells = [row[column] for row in table.rows]
    if column in table.texts and column:
        cells = [word for cell in cells for word in cell.split()]
    return max(map(len, (*words, *cells, "")))


def _pieces(table, width):
    """Lists of columns that fit into a width together; the first is in each."""
    # Two blanks and a line each, and the last line.
    first = _widths(table, 0) + 3 + 1
    pieces, free = [[0]], width - first
    for column in range(1, len(table.columns)):
        needed = _widths(table, column) + 3
        if needed > free and len(pieces[-1]) > 1:
            pieces.append([0])
            free = width - first
        pieces[-1].append(column)
        free -= needed
    return pieces


def size_text(num_bytes: float) -> str:
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
    quiet_tensorflow()


@contextlib.contextmanager
def _readable_warnings(options):
    """Prints warnings for users as lines, without the source code they come from."""
    with warnings.catch_warnings():
        default = warnings.showwarning

        def show(message, category, filename, lineno, file=None, line=None):
            if category in (UserWarning, PictureNote, SkippedExamples):
                _say("warning: ", _as_options(str(message), options), "yellow")
            else:
                default(message, category, filename, lineno, file, line)

        warnings.showwarning = show
        yield


def _options_of(function):
    """The options of a command's function, by the names of its arguments."""
    options = {}
    if hasattr(function, "task_command"):
        merged = merged_options(function.task_command)
        options = {name: of_tasks[0].flag for name, of_tasks in merged.items()}
    for name, parameter in inspect.signature(function).parameters.items():
        for option in getattr(parameter.annotation, "__metadata__", ()):
            if isinstance(option, typer.models.OptionInfo):
                given = [text for text in option.param_decls if text.startswith("--")]
                options[name] = given[0] if given else f"--{name.replace('_', '-')}"
    return options


def as_options(text: str, function: Callable[..., Any]) -> str:
    """Names a command's options in a text (str) instead of arguments in backticks.

    Args:
        text: str.
        function: the command.
    """
    return _as_options(text, _options_of(function))


def _as_options(text, options):
    """Names the command's options instead of the arguments in backticks."""

    def replaced(match):
        name, value = match[1], match[2]
        option = options.get(name) or options.get(_ALIASES.get(name))
        if option is None or value == "False":
            return match[0]
        return option if value in (None, "True") else f"{option} {value.strip(_QUOTES)}"

    return re.sub(r"`(\w+)(?:=([^`]*))?`", replaced, text)


def _say(label, text, color):
    from rich.text import Text

    line = Text.assemble((label, f"bold {color}"), (text, color))
    console(stderr=True).print(line, soft_wrap=True)


def _describe(error):
    """The text of an error, and how to learn more where it is not one of ours."""
    text = str(error).strip() or type(error).__name__
    if disk_full_code(error) is not None and getattr(error, "filename", None):
        return (
            f"{error.filename} could not be written: {error.strerror}. Make room there,"
            " and run the command again."
        )
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, OSError) or Path(frames[-1].filename).is_relative_to(ROOT):
        return text
    return f"{text} (Pass --debug to see where this comes from.)"
