"""What `hrnet train` does with weights to start from."""

from pathlib import Path
from typing import Annotated

import typer

_WEIGHTS = "Weights to start from"
WeightsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="WEIGHTS",
        help="A checkpoint of PyTorch, a .keras file, the folder of an exported"
        " SavedModel, or the name of published weights (`hrnet presets --weights`); of"
        " any task. The body is loaded as a whole, and of the head what both name"
        " alike.",
        show_default="random weights",
        rich_help_panel=_WEIGHTS,
    ),
]
WeightsNamesOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="What the outputs of the head of --weights are: same (those of this run,"
        " in their order), a keypoint or label set, its descriptor file, or of classes"
        " a file with a name a line.",
        show_default="what the weights say",
        rich_help_panel=_WEIGHTS,
    ),
]
BodyRateOption = Annotated[
    float | None,
    typer.Option(
        metavar="FACTOR",
        help="Multiply the learning rate of everything but the head, such as 0.1.",
        min=0.0,
        show_default="1",
        rich_help_panel=_WEIGHTS,
    ),
]


def starting_weights(
    weights: Path | None, names: str | None
) -> str | tuple[str, str] | None:
    """Returns what a recipe takes as `weights`.

    Args:
        weights: Path or None, of `--weights`.
        names: str or None, of `--weights-names`.
    Raises:
        ValueError: if names are given without weights.
    """
    if names is None:
        return None if weights is None else str(weights)
    if weights is None:
        raise ValueError(
            f"--weights-names {names} says what the outputs of --weights are, which"
            " is not given. Pass both, or none."
        )
    return str(weights), names
