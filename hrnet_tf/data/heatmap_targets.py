"""Where the training targets' Gaussians lie, and on which cells they are drawn.

Reference: deep-high-resolution-net.pytorch, lib/dataset/JointsDataset.py;
HRNet-Facial-Landmark-Detection, lib/utils/transforms.py; DARK, arXiv 1910.06278; UDP,
arXiv 1911.07524.
"""

import math
from typing import NamedTuple

import tensorflow as tf

from hrnet_tf.typing import Tensor


class Placement(NamedTuple):
    """The Gaussians of keypoints; `[..., K, 2]` are x and y in cells.

    Attributes:
        centers: float32 tensor `[..., K, 2]`, the means.
        middles: float32 tensor `[..., K, 2]`, the middles of the windows that they are
            drawn in; zero outside.
        reach: float32 tensor `[..., K, 2]`, cells from a middle to its window's last
            one; infinite if nothing is cut.
        inside: bool tensor `[..., K]`, whether any of the window is on the heatmap.
    """

    centers: tf.Tensor
    middles: tf.Tensor
    reach: tf.Tensor
    inside: tf.Tensor


def place(
    points: Tensor, heatmap_size: tuple[int, int], sigma: float, kind: str
) -> Placement:
    """Places the Gaussians of keypoints.

    Args:
        points: float32 tensor `[..., K, 2]`, (x, y) in cells.
        heatmap_size: (height, width) in cells.
        sigma: float, in cells.
        kind: "cell" (on the nearest cell: the official pose code), "exact" (on the
            point, cut at three sigma), "cell_window" (on the point, drawn in the window
            of the nearest cell: UDP), "whole_map" (on the point, never cut: DARK) or
            "truncated" (on the cell that the point lies in: the official face code).
    Returns:
        `Placement`.
    """
    limits = tf.constant(heatmap_size[::-1])
    if kind == "whole_map":
        reach = 3 * sigma
        limits = tf.cast(limits, tf.float32)
        inside = (points - reach < limits) & (points + reach + 1 >= 0)
        everywhere = tf.fill(tf.shape(points), math.inf)
        return Placement(points, points, everywhere, tf.reduce_all(inside, -1))
    if kind == "truncated":
        return _place_truncated(points, limits, 3 * sigma)
    # int() truncates towards zero in the official code; so does tf.cast.
    cells = tf.cast(points + 0.5, tf.int32)
    reach = int(3 * sigma)
    inside = tf.reduce_all((cells - reach < limits) & (cells + reach + 1 >= 0), axis=-1)
    middles = tf.cast(cells, tf.float32)
    return Placement(
        centers=middles if kind == "cell" else points,
        middles=points if kind == "exact" else middles,
        reach=tf.fill(tf.shape(points), float(reach)),
        inside=inside,
    )


def _place_truncated(points, limits, size):
    """The official face code's Gaussians, `size` = three sigma cells to each side."""
    cells = _truncate(points)
    # Where three sigma are no whole number the window is cut on the right, and the
    # centre moves by a cell near the left and upper border: int() truncates there.
    first = _truncate(cells - size)
    end = _truncate(cells + size + 1)
    inside = (first < tf.cast(limits, tf.float32)) & (end >= 0)
    return Placement(
        centers=first + float((2 * size + 1) // 2),
        middles=(first + end - 1) / 2,
        reach=(end - 1 - first) / 2,
        inside=tf.reduce_all(inside, -1),
    )


def _truncate(values):
    """Rounds towards zero, as int() does."""
    return tf.cast(tf.cast(values, tf.int32), tf.float32)


def draw(
    placement: Placement, heatmap_size: tuple[int, int], sigma: float
) -> list[Tensor]:
    """Draws Gaussians of peak 1.

    Args:
        placement: `Placement` of `[..., K]` keypoints.
        heatmap_size: (height, width) in cells.
        sigma: float, in cells.
    Returns:
        Their profiles along y, float32 `[..., height, K]`, and along x, `[..., width,
        K]`. Their products are the heatmaps.
    """
    return [
        _profile(placement, axis, size, sigma)
        for axis, size in zip((1, 0), heatmap_size, strict=True)
    ]


def _profile(placement, axis, size, sigma):
    """One-dimensional Gaussians `[..., size, K]`, zero beyond their window."""
    cells = tf.range(size, dtype=tf.float32)[:, None]
    offsets = cells - placement.centers[..., None, :, axis]
    values = tf.exp(offsets * offsets / (-2 * sigma**2))
    distances = tf.abs(cells - placement.middles[..., None, :, axis])
    return tf.where(distances < placement.reach[..., None, :, axis] + 0.5, values, 0.0)
