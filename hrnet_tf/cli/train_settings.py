"""Other arguments of a recipe's function, in `hrnet train`."""

import ast
from collections.abc import Iterable
from typing import Annotated, Any

import typer

SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        show_default=False,
        help="Any other argument of the recipe's function, such as codec=udp or"
        " learning_rate=1e-3; may be repeated.",
    ),
]


def set_arguments(texts: Iterable[str]) -> dict[str, Any]:
    """Returns the arguments (dict) of texts such as "codec=udp".

    Args:
        texts: iterable of str; numbers and the like are read as such.
    Raises:
        ValueError: if a text is of another form.
    """
    arguments = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise ValueError(
                f"--set takes NAME=VALUE, such as codec=udp. Received: {text!r}."
            )
        try:
            arguments[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            arguments[name] = value
    return arguments
