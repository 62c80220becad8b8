"""Data of the user's own as a recipe file names them."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hrnet_tf.own.choices import evaluate_every
from hrnet_tf.own.reading import UserData, read_data
from hrnet_tf.own.split import with_validation
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.typing import PathLike


def load_for_recipe(
    kind: str,
    data: PathLike,
    images: PathLike | None = None,
    format: str | None = None,
    split: PathLike | None = None,
    work: PathLike | None = None,
    skip_bad: bool = False,
) -> "UserData":
    """Reads the data of a recipe.

    Args:
        kind: str, see `OwnData.reads`.
        data, images, format, work, skip_bad: see `read_data`.
        split: path of the file that divides them; None where the data tell it.
    Returns:
        `UserData` with "train" and "val".
    Raises:
        ValueError: if the file that divides the data is gone, or the data are bad.
    """
    found = read_data(data, kind, images, format, skip_bad, work=work)
    if split is not None and "val" not in found.splits and not Path(split).is_file():
        raise ValueError(
            f"There is no file {split}, which says what pictures of {data} are put"
            " aside for validation. Put it back, or give the recipe split=None and the"
            " data a val of their own."
        )
    return with_validation(found, split)[0]


def on_own_data(task: str, kind: str) -> Callable[..., Callable[..., Recipe]]:
    """Makes an `OwnData.recipe` of a function that takes data which are read.

    The function takes the `UserData`; `run`, a dict of what names the run (preset,
    batch_size, epochs and data); and all other settings, among them those that builders
    of recipes have in common: name, evaluate_every, same_pictures and skip_bad.

    Args:
        task: str, its name.
        kind: str, see `OwnData.reads`.
    """

    def decorate(make):
        @functools.wraps(make)
        def recipe(
            data: PathLike,
            images: PathLike | None = None,
            format: str | None = None,
            split: PathLike | None = None,
            work: PathLike | None = None,
            loaded: UserData | None = None,
            *,
            preset: str,
            batch_size: int,
            epochs: int,
            skip_bad: bool = False,
            **settings: Any,
        ) -> Recipe:
            source = loaded or load_for_recipe(
                kind, data, images, format, split, work, skip_bad
            )
            run = {"preset": preset, "batch_size": batch_size, "epochs": epochs}
            return make(
                source,
                {**run, "data": str(data)},
                name=f"own_{task}_{source.name}",
                evaluate_every=evaluate_every(epochs),
                same_pictures="error",
                skip_bad=skip_bad,
                **settings,
            )

        return recipe

    return decorate
