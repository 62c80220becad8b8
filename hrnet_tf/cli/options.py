"""Arguments that several commands take."""

import enum
from pathlib import Path
from typing import Annotated

import typer

from hrnet_tf.cli.tasks import TITLES


def flag(name, help):
    """Returns a `typer.Option` that is on if it is given."""
    return typer.Option(name, metavar="", help=help)


def task_option(*names, task, **arguments):
    """Returns a `typer.Option` in the help's panel of its task.

    Args:
        *names: str, its names, if not the argument's own.
        task: str. A key of `tasks.TITLES`, or the panel's title.
        **arguments: of `typer.Option`.
    """
    panel = (TITLES.get(task) or task).capitalize()
    return typer.Option(*names, rich_help_panel=panel, **arguments)


class Format(str, enum.Enum):
    """Formats of annotations."""

    coco = "coco"
    mpii = "mpii"


Annotations = Annotated[
    Path,
    typer.Option(
        metavar="FILE.json",
        show_default=False,
        help="Annotations of the people, see --format.",
    ),
]
Images = Annotated[
    Path,
    typer.Option(
        metavar="DIR",
        show_default=False,
        help="Folder which the file names in the annotations are relative to.",
    ),
]
AnnotationFormat = Annotated[
    Format,
    typer.Option(
        "--format",
        help="coco: COCO's json, with any keypoints. mpii: the json of the official"
        " pose code.",
    ),
]
Debug = Annotated[
    bool,
    typer.Option(
        "--debug",
        metavar="",
        envvar="HRNET_DEBUG",
        help="Show where an error comes from (Python's traceback).",
    ),
]
SkipBad = Annotated[
    bool,
    flag(
        "--skip-bad",
        "Leave out damaged or contradictory images and people, and say which, instead"
        " of stopping at the first.",
    ),
]
