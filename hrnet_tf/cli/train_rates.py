"""What `hrnet train` does with learning rates and profiles."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hrnet_tf.cli import common

if TYPE_CHECKING:
    from rich.console import Console

    from hrnet_tf.training.recipe import Recipe


_RATES = "Learning rate"
ScaleRateOption = Annotated[
    bool,
    typer.Option(
        "--scale-lr",
        metavar="",
        help="Multiply the recipe's learning rate by --batch-size over the batch that"
        " it is stated for, and say so.",
        rich_help_panel=_RATES,
    ),
]
WarmupOption = Annotated[
    float,
    typer.Option(
        metavar="N",
        help="Let the learning rate rise linearly in the first N epochs, on top of"
        " what the recipe does.",
        min=0.0,
        rich_help_panel=_RATES,
    ),
]
FindRateOption = Annotated[
    bool,
    typer.Option(
        "--find-lr",
        metavar="",
        help="Train nothing, but try rising learning rates in 100 steps, and draw the"
        " losses as OUT/learning_rate.png.",
        rich_help_panel=_RATES,
    ),
]
ProfileOption = Annotated[
    str | None,
    typer.Option(
        metavar="FIRST:LAST",
        show_default=False,
        help="Profile these steps, counted from 1, for TensorBoard.",
    ),
]


def print_found_rate(
    recipe: "Recipe", out: Path, seed: int, console: "Console"
) -> None:
    """Looks for the learning rate, and prints what was found.

    Args:
        recipe: `Recipe`.
        out: Path, folder of the curve and the table.
        seed: int.
        console: rich console.
    """
    from hrnet_tf.training.find_rate import find_rate

    found = find_rate(recipe, out, seed, console=console)
    facts: dict[str, Any] = {
        "curve": out / "learning_rate.png",
        "table": out / "learning_rate.csv",
    }
    if found.steepest is None:
        console.print("The loss never fell, so that no learning rate suggests itself.")
    else:
        facts = {
            "steepest descent": f"{found.steepest:.2g}",
            "a tenth of the minimum's": f"{found.tenth:.2g}",
            **facts,
        }
    common.print_facts(facts)


def profiled_steps(text: str | None) -> tuple[int, int] | None:
    """Returns the steps of a text such as "10:20", a pair of int; None for None.

    Raises:
        ValueError: if it is no such text.
    """
    if text is None:
        return None
    try:
        first, last = map(int, text.split(":"))
    except ValueError:
        first = last = 0
    if not 1 <= first <= last:
        raise ValueError(
            "--profile takes FIRST:LAST, steps counted from 1, such as 10:20."
            f" Received: {text!r}."
        )
    return first, last
