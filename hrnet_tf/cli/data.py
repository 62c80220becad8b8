"""`hrnet data check`."""

import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from hrnet_tf import tasks
from hrnet_tf.cli import common
from hrnet_tf.cli.help_flag import Command, Group
from hrnet_tf.cli.options import Debug, flag
from hrnet_tf.cli.task_options import arguments_for, task_options, with_task_options
from hrnet_tf.cli.train_own import FormatOption, ImagesOption, facts
from hrnet_tf.typing import PathLike

_COLORS = {"error": "red", "warning": "yellow", "note": "dim"}

DataArgument = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        show_default=False,
        help="A description (data.yaml), a folder, or an annotation file.",
    ),
]
TaskOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        show_default="told by the data",
        help="The task that the data are for: "
        + ", ".join(task.name for task in tasks.TASKS)
        + ".",
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        show_default=False,
        help="Write report.html, report.json and sheet.jpg (pictures with their labels)"
        " into this folder.",
    ),
]
DecodeOption = Annotated[
    bool,
    flag("--decode/--no-decode", "Whether to decode every picture, to find damage."),
]


@common.command()
@task_options("check")
def check(
    data: DataArgument,
    given: dict[str, Any],
    task: TaskOption = None,
    images: ImagesOption = None,
    format: FormatOption = None,
    out: OutOption = None,
    decode: DecodeOption = True,
    debug: Debug = False,
) -> None:
    """Look through data of your own before training on them.

    Told is how many pictures and labels there are, what is left out and why, and what
    is wrong: errors stop a training, warnings cost some of the result. The exit code is
    1 if there are errors.

    Example:
      hrnet data check data/mice --out reports/mice
    """
    from hrnet_tf.own.examine import examine
    from hrnet_tf.own.report import write_report

    chosen = chosen_task(data, task, images, format)
    with common.spinner("loading TensorFlow"):
        chosen.parts  # noqa: B018
    where = {"data": str(data), "images": images, "format": format}
    asked = arguments_for(chosen, "check", given, str(data))
    # Outlines are painted as label maps, to be looked at.
    with tempfile.TemporaryDirectory() as scratch:
        where["work"] = (out or Path(scratch)) / "label_maps"
        found = examine(chosen, where, asked, decode, common.progress)
        _tell(found, None if out is None else write_report(out, chosen, found))
    if found.count("error"):
        raise typer.Exit(1)


def _tell(found, report):
    output = common.console()
    # What was left out, and notes, are among the findings.
    for line in facts(found.data, short=True):
        output.print(line, markup=False, soft_wrap=True)
    for title, table in found.facts.items():
        common.show_table(table, title)
    for finding in found.findings:
        _say(output, finding)
    if not found.findings:
        output.print("Nothing to complain of.")
    if report is not None:
        common.print_facts({"report": report})


def chosen_task(
    data: Path,
    name: str | None = None,
    images: PathLike | None = None,
    format: str | None = None,
) -> Any:
    """Returns the `Task` that data are for.

    Args:
        data, images, format: see `read_data`.
        name: str or None, what the user says.
    Raises:
        ValueError: if there is no such task, or nothing tells.
    """
    from hrnet_tf.own.layout import kind_of

    names = [task.name for task in tasks.TASKS]
    if name is not None and name not in names:
        raise ValueError(
            f"There is no task {name!r}. Pass one of {', '.join(names)} as `task`."
        )
    if name is None:
        name, kind = kind_of(data, images, format)
        if name not in names:
            for task in tasks.TASKS:
                own = task.parts.own_data
                if own is not None and own.reads == kind:
                    return task
            raise ValueError(
                f"Nothing tells which task {data} is for. Pass one of"
                f" {', '.join(names)} as `task`."
            )
    return tasks.task_named(name)


def _say(output, finding):
    from rich.text import Text

    color = _COLORS[finding.level]
    said = common.as_options(str(finding), check)
    text = Text.assemble((f"{finding.level}: ", f"bold {color}"), said)
    output.print(text, soft_wrap=True)


def make_data_app() -> typer.Typer:
    """Returns the commands `hrnet data ...`, with the options of all tasks."""
    made = typer.Typer(
        name="data",
        cls=Group,
        no_args_is_help=True,
        help="Look through data of your own.",
    )
    text = str(check.__doc__).split("\n\n    Example")[0]
    made.command(cls=Command, help=" ".join(text.split()))(with_task_options(check))
    return made
