"""Arguments that several commands take."""

import enum
from pathlib import Path
from typing import Annotated

import typer


def flag(name, help):
    """Returns a `typer.Option` that is on if it is given."""
    return typer.Option(name, metavar="", help=help)


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
