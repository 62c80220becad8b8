"""Some pictures of a test, labelled and found beside each other."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hrnet_tf.pictures.sheet import save_image
from hrnet_tf.typing import PathLike


def evenly_spread(count: int, total: int) -> set[int]:
    """Returns the numbers (set of int) of so many examples of a test, or of all.

    Args:
        count: int. How many are wanted.
        total: int. Examples of the test.
    """
    count = min(count, total)
    return {i * total // count for i in range(count)}


class TestedPictures:
    """Draws some of a test's pictures, evenly spread; called for each in turn.

    Args:
        folder: path, where pictures/ is made.
        draw: `(example, found) -> uint8 array [H, W, 3]`.
        count: int. So many are drawn.
        total: int. Examples of the test.
    """

    def __init__(
        self, folder: PathLike, draw: Callable[..., np.ndarray], count: int, total: int
    ) -> None:
        self.folder = Path(folder) / "pictures"
        self.draw = draw
        self.drawn = evenly_spread(count, total)
        self.done = 0

    def __call__(self, example: Any, found: Any) -> None:
        if self.done in self.drawn:
            name = f"{self.done:05d}_{Path(example.image_path).stem}.jpg"
            save_image(self.draw(example, found), self.folder / name)
        self.done += 1


def tested_pictures(
    out: PathLike | None, draw: Callable[..., np.ndarray], count: int, total: int
) -> TestedPictures | None:
    """Returns what draws a test's pictures where its results are written.

    Args:
        out: path of a folder; of a json file, or None, there are no pictures.
        draw, count, total: see `TestedPictures`.
    """
    if out is None or Path(out).suffix == ".json":
        return None
    return TestedPictures(out, draw, count, total)
