"""What bottom-up networks learn from: heatmaps of all people, and where tags lie.

Reference: HigherHRNet-Human-Pose-Estimation, lib/dataset/target_generators.
"""

import tensorflow as tf

from hrnet_tf.typing import Tensor


def draw_people(
    points: Tensor, visible: Tensor, size: tuple[int, int], sigmas: Tensor
) -> Tensor:
    """Draws the Gaussians of all people, of which the largest counts.

    Their centres are the cells that the points lie in; towards zero, so that one up to
    a cell left of the map or above it is drawn in its first one, as officially.

    Args:
        points: float64 tensor `[N, K, 2]`, x, y in cells.
        visible: bool tensor `[N, K]`.
        size: (height, width) of the map.
        sigmas: float64 tensor `[N]`, the standard deviation for each person, in cells.
    Returns:
        float32 tensor `[H, W, K]`.
    """
    cells, inside = _cells(points, visible, size)
    centers = tf.cast(cells, tf.float64)
    sigmas = sigmas[:, None, None]
    # A square patch around the cell, of whole cells for any width: officially it begins
    # at a rounded place, which would shift Gaussians of 1.5 cells by half a cell.
    reach = tf.floor(3 * sigmas + 1e-6) + 1
    shown = tf.cast(inside, tf.float32)[:, :, None]

    def profile(axis, length):
        places = tf.range(length, dtype=tf.float64)
        offsets = places - centers[..., axis, None]
        values = tf.exp(-(offsets**2) / (2 * sigmas**2))
        return tf.cast(tf.where(tf.abs(offsets) <= reach, values, 0.0), tf.float32)

    rows = tf.transpose(profile(1, size[0]) * shown, [0, 2, 1])
    columns = tf.transpose(profile(0, size[1]), [0, 2, 1])
    count = points.shape[1]

    def add(maps, person):
        drawn = person[0][:, None] * person[1][None]
        return tf.maximum(maps, drawn)

    return tf.foldl(add, (rows, columns), tf.zeros((*size, count)))


def tag_cells(points: Tensor, visible: Tensor, size: tuple[int, int]) -> Tensor:
    """Returns where the tags of keypoints lie, int32 `[N, K]`; see `TagLoss`.

    Args:
        points, visible, size: see `draw_people`.
    """
    cells, inside = _cells(points, visible, size)
    count = points.shape[1]
    flat = (cells[..., 1] * size[1] + cells[..., 0]) * count + tf.range(count)
    return tf.where(inside, flat, -1)


def _cells(points, visible, size):
    """The cells of points, towards zero, and which of them are on the map."""
    # Far away points have no cell that int32 holds.
    cells = tf.cast(tf.clip_by_value(points, -1e6, 1e6), tf.int32)
    limits = tf.constant(size[::-1])
    inside = tf.reduce_all((cells >= 0) & (cells < limits), -1)
    return cells, inside & visible
