"""Finds the maxima of heatmaps, and places them more finely than a cell.

Reference: deep-high-resolution-net.pytorch, lib/core/inference.py;
HRNet-Facial-Landmark-Detection, lib/core/evaluation.py; DARK, arXiv 1910.06278; UDP,
arXiv 1911.07524, both as OpenMMLab's mmpose has them.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from hrnet_tf.typing import Tensor

# The neighbours (x, y) that the steps below read.
_CROSS = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1))
_DIAGONAL = ((1, 1), (-1, -1), (1, -1), (-1, 1))
_FAR = ((2, 0), (-2, 0), (0, 2), (0, -2))


class Peaks(NamedTuple):
    """The maxima of heatmaps.

    Attributes:
        maps: float32 tensor `[B, K, H, W]`, the heatmaps.
        x, y: int32 tensors `[B, K]`, the cells of the maxima.
        scores: float32 tensor `[B, K]`, the maxima.
    """

    maps: tf.Tensor
    x: tf.Tensor
    y: tf.Tensor
    scores: tf.Tensor

    @property
    def cells(self) -> Tensor:
        """The cells as float32 points `[B, K, 2]`, (0, 0) where none is positive."""
        cells = tf.cast(tf.stack([self.x, self.y], -1), tf.float32)
        return cells * self.positive

    @property
    def positive(self) -> Tensor:
        """float32 `[B, K, 1]`: 1 where the maximum is positive, else 0."""
        return tf.cast(self.scores > 0, tf.float32)[..., None]

    def inner(self, before: int, after: int) -> Tensor:
        """float32 `[B, K, 1]`: 1 where the maximum keeps a distance to the borders.

        Args:
            before: int. Cells that there are at least above and on the left.
            after: int. Cells that there are at least below and on the right.
        """
        height, width = self.maps.shape[2:]
        inner = (self.x >= before) & (self.x < width - after)
        inner &= (self.y >= before) & (self.y < height - after) & (self.scores > 0)
        return tf.cast(inner, tf.float32)[..., None]


def find_peaks(heatmaps: Tensor) -> Peaks:
    """Returns the `Peaks` of heatmaps, a float32 tensor `[B, H, W, K]`."""
    _, height, width, num_keypoints = heatmaps.shape
    flat = tf.transpose(heatmaps, [0, 3, 1, 2])
    flat = tf.reshape(flat, [-1, num_keypoints, height * width])
    index = tf.argmax(flat, axis=2, output_type=tf.int32)
    return Peaks(
        tf.reshape(flat, [-1, num_keypoints, height, width]),
        index % width,
        index // width,
        tf.reduce_max(flat, axis=2),
    )


def quarter_step(peaks: Peaks, before: int = 2) -> Tensor:
    """Moves maxima by a quarter of a cell towards the higher neighbours.

    Args:
        peaks: `Peaks`.
        before: int. Maxima with fewer cells above or on the left stay: 2 for the
            official pose code, 1 for the official face code.
    Returns:
        Points float32 `[B, K, 2]` in cells.
    """
    values = _values(peaks, peaks.maps, _CROSS[1:])
    right, left, below, above = tf.unstack(values, 4, -1)
    slope = tf.stack([right - left, below - above], -1)
    return peaks.cells + 0.25 * tf.sign(slope) * peaks.inner(before, 1)


def center_of_mass(peaks: Peaks, reach: int) -> Tensor:
    """Returns the centres `[B, K, 2]` of maps within `reach` cells of the maxima."""

    def window(position, size):
        offsets = tf.range(size) - position[..., None]
        return tf.cast(tf.abs(offsets) <= reach, tf.float32)

    maps, x, y, _ = peaks
    height, width = maps.shape[2:]
    near = maps * window(y, height)[..., :, None] * window(x, width)[..., None, :]
    columns, rows = tf.reduce_sum(near, 2), tf.reduce_sum(near, 3)
    mass = tf.maximum(tf.reduce_sum(columns, 2), 1e-12)
    moments = [
        tf.reduce_sum(columns * tf.range(width, dtype=tf.float32), 2),
        tf.reduce_sum(rows * tf.range(height, dtype=tf.float32), 2),
    ]
    return tf.stack(moments, -1) / mass[..., None]


def dark_step(peaks: Peaks, kernel_size: int) -> Tensor:
    """Moves maxima to the top of the Gaussian around them, as DARK does.

    Args:
        peaks: `Peaks`.
        kernel_size: int, odd. Width of the blur, in cells.
    Returns:
        Points float32 `[B, K, 2]` in cells. Maxima less than two cells from a border
        stay.
    """
    offsets = _CROSS + _DIAGONAL + _FAR
    values = tf.maximum(_blurred_values(peaks, offsets, kernel_size), 1e-10)
    values = tf.unstack(tf.math.log(values), len(offsets), -1)
    middle, right, left, below, above, *others = values
    right_below, left_above, right_above, left_below, *far = others
    slope = 0.5 * tf.stack([right - left, below - above], -1)
    xx = 0.25 * (far[0] - 2 * middle + far[1])
    yy = 0.25 * (far[2] - 2 * middle + far[3])
    xy = 0.25 * (right_below - right_above - left_below + left_above)
    return peaks.cells + _newton(slope, xx, xy, yy, kernel_size) * peaks.inner(2, 2)


def udp_step(peaks: Peaks, kernel_size: int) -> Tensor:
    """Moves maxima to the top of the Gaussian around them, as UDP does.

    It differs from DARK's in its derivatives and limits, and in that maxima at the
    border are moved too.

    Args:
        peaks: `Peaks`.
        kernel_size: int, odd. Width of the blur, in cells.
    Returns:
        Points float32 `[B, K, 2]` in cells.
    """
    offsets = _CROSS + _DIAGONAL[:2]
    values = _blurred_values(peaks, offsets, kernel_size)
    values = tf.clip_by_value(values, 1e-3, 50.0)
    values = tf.unstack(tf.math.log(values), len(offsets), -1)
    middle, right, left, below, above, right_below, left_above = values
    slope = 0.5 * tf.stack([right - left, below - above], -1)
    # Against maps that are flat.
    epsilon = np.finfo(np.float32).eps
    xx = right - 2 * middle + left + epsilon
    yy = below - 2 * middle + above + epsilon
    xy = 0.5 * (right_below - right - below + 2 * middle - left - above + left_above)
    return peaks.cells + _newton(slope, xx, xy, yy, kernel_size) * peaks.positive


def _newton(slope, xx, xy, yy, kernel_size):
    """Steps `[B, K, 2]` to where a quadratic has no slope; 0 if that is far away."""
    determinant = xx * yy - xy * xy
    x, y = slope[..., 0], slope[..., 1]
    step = tf.stack([xy * y - yy * x, xy * x - xx * y], -1)
    step /= tf.where(determinant == 0, np.inf, determinant)[..., None]
    # Maps without a peak give steps of any length, out of the picture and to infinity;
    # the quadratic says nothing beyond what has been blurred together.
    near = tf.reduce_all(tf.abs(step) <= max(kernel_size // 2, 1), -1)
    return tf.where(near[..., None], step, 0.0)


def _values(peaks, maps, offsets):
    """Values `[B, K, N]` of maps beside the maxima, the border's beyond the border."""
    height, width = maps.shape[2:]
    steps = np.array(offsets, np.int32)
    x = tf.clip_by_value(peaks.x[..., None] + steps[:, 0], 0, width - 1)
    y = tf.clip_by_value(peaks.y[..., None] + steps[:, 1], 0, height - 1)
    flat = tf.reshape(maps, [-1, maps.shape[1], height * width])
    return tf.gather(flat, y * width + x, batch_dims=2)


def _blurred_values(peaks, offsets, kernel_size):
    """As `_values`, of the maps blurred by a Gaussian and scaled to the same maxima."""
    _, num_keypoints, height, width = peaks.maps.shape
    maps = tf.reshape(peaks.maps, [-1, width]) @ _blur_matrix(width, kernel_size)
    maps = _blur_matrix(height, kernel_size) @ tf.reshape(maps, [-1, height, width])
    maps = tf.reshape(maps, [-1, num_keypoints, height, width])
    # A map that is negative nearly everywhere may have no positive blurred maximum.
    largest = tf.maximum(tf.reduce_max(maps, [2, 3]), 1e-12)
    return _values(peaks, maps, offsets) * (peaks.scores / largest)[..., None]


def _blur_matrix(size, kernel_size):
    """The blur along an axis of `size` cells as a float32 matrix `[size, size]`."""
    # The standard deviation that OpenCV takes for a width.
    sigma = 0.3 * (0.5 * (kernel_size - 1) - 1) + 0.8
    offsets = np.arange(kernel_size) - kernel_size // 2
    kernel = np.exp(-(offsets**2) / (2 * sigma**2))
    distances = np.abs(np.subtract.outer(np.arange(size), np.arange(size)))
    weights = np.append(kernel[kernel_size // 2 :] / kernel.sum(), 0.0)
    return weights[np.minimum(distances, len(weights) - 1)].astype(np.float32)
