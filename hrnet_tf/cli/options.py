"""Arguments that several commands take."""

from typing import Annotated, Any

import typer


def flag(name: str, help: str) -> Any:
    """Returns a `typer.Option` that is on if it is given."""
    return typer.Option(name, metavar="", help=help)


Debug = Annotated[
    bool,
    typer.Option(
        "--debug",
        metavar="",
        envvar="HRNET_DEBUG",
        help="Show where an error comes from (Python's traceback).",
    ),
]
