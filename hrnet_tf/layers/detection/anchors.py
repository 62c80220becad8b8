"""Anchors of two-stage detectors, and points of one-stage ones."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from hrnet_tf.layers.detection.convention import Convention
from hrnet_tf.typing import Tensor

RATIOS = (0.5, 1.0, 2.0)
SCALES = (8.0,)


def base_anchors(
    stride: int,
    convention: Convention,
    ratios: Sequence[float] = RATIOS,
    scales: Sequence[float] = SCALES,
) -> np.ndarray:
    """Returns the anchors of a level's first cell.

    Args:
        stride: int. Pixels between cells.
        convention: `Convention`.
        ratios: floats. Heights divided by widths.
        scales: floats. Sides of square anchors, in cells.
    Returns:
        float32 `[len(ratios) * len(scales), 4]`, corners x1, y1, x2, y2 in pixels, of
        the first ratio first.
    """
    # In the steps and the precision of the code that weights come from.
    roots = np.sqrt(np.asarray(ratios, "float32"))[:, None]
    sides = np.asarray(scales, "float32")[None]
    widths = (np.float32(stride) * (1 / roots) * sides).reshape(-1)
    heights = (np.float32(stride) * roots * sides).reshape(-1)
    centre = np.float32(0.5 * (stride - 1) if convention.legacy_anchors else 0)
    extent = np.float32(convention.extent)
    half = [0.5 * (widths - extent), 0.5 * (heights - extent)]
    anchors = np.stack(
        [centre - half[0], centre - half[1], centre + half[0], centre + half[1]], -1
    ).astype("float32")
    return np.round(anchors) if convention.legacy_anchors else anchors


def make_anchors(size: tuple[Any, Any], stride: int, convention: Convention) -> Tensor:
    """Returns the anchors of a level.

    Args:
        size: pair of int or int scalars. Rows and columns of the level's map.
        stride: int. Pixels between cells.
        convention: `Convention`.
    Returns:
        float32 `[rows, columns, A, 4]`, corners x1, y1, x2, y2 in pixels.
    """
    ops = keras.ops
    rows, columns = (ops.arange(s, dtype="float32") * stride for s in size)
    y, x = ops.meshgrid(rows, columns, indexing="ij")
    corners = ops.stack([x, y, x, y], axis=-1)
    base = ops.convert_to_tensor(base_anchors(stride, convention))
    return corners[:, :, None] + base


def make_points(size: tuple[Any, Any], stride: int) -> Tensor:
    """Returns the centres of a level's cells.

    Args:
        size: pair of int or int scalars. Rows and columns of the level's map.
        stride: int, even. Pixels between cells.
    Returns:
        float32 `[rows, columns, 2]`, x and y in pixels.
    """
    ops = keras.ops
    rows, columns = (ops.arange(s, dtype="float32") * stride + stride / 2 for s in size)
    y, x = ops.meshgrid(rows, columns, indexing="ij")
    return ops.stack([x, y], axis=-1)
