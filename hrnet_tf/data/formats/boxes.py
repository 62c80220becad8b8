"""Boxes of people whose annotations have none."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


# Of the longer side, and at least so many pixels: a point alone has no extent.
_MARGIN = 0.1
_LEAST = 8.0


def box_around(points: "ArrayLike", size: tuple | None = None) -> np.ndarray:
    """Returns a box around labelled points, with a margin of a tenth on each side.

    Args:
        points: float array `[N, 2]`, px, at least one.
        size: (height, width) of the image in px, which the box is cut to, or None.
    Returns:
        float64 array `[4]`: x, y, width, height in px.
    """
    points = np.asarray(points, np.float64)
    low, high = points.min(0), points.max(0)
    margin = max(_LEAST, _MARGIN * (high - low).max())
    low, high = low - margin, high + margin
    if size is not None:
        limit = np.array([size[1], size[0]])
        low, high = np.clip(low, 0, limit), np.clip(high, 0, limit)
    return np.concatenate([low, high - low])


def is_line_of(box: "ArrayLike", points: "ArrayLike") -> bool:
    """Whether a box has no area because it is the tight one of points in a line.

    Args:
        box: float array `[4]`: x, y, width, height in px.
        points: float array `[N, 2]`, px.
    """
    box, points = np.asarray(box), np.asarray(points, np.float64)
    if min(box[2:]) != 0 or not len(points):
        return False
    tight = np.concatenate([points.min(0), np.ptp(points, 0)])
    return bool(np.allclose(box, tight, atol=1))
