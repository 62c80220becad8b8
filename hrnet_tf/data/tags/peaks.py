"""The highest points of heatmaps, and the tags there.

`top_peaks` is for graphs, `find_peaks` for arrays: where few cells pass the threshold
it looks at those alone.
"""

from typing import NamedTuple

import numpy as np

from hrnet_tf.typing import Tensor

# Of all cells, above which looking at each one is slower than at the whole map.
_DENSE = 0.05


class Peaks(NamedTuple):
    """The peaks of one image, the highest first.

    Attributes:
        values: float32 `[K, N]`; 0 where there are no more.
        xy: int32 `[K, N, 2]`, x, y in cells.
        tags: float32 `[K, N, T]`.
    """

    values: np.ndarray
    xy: np.ndarray
    tags: np.ndarray


def top_peaks(
    heatmaps: Tensor, tags: Tensor, count: int = 30, kernel: int = 5
) -> dict[str, Tensor]:
    """Finds the highest peaks of heatmaps; graph code.

    A cell is a peak if none is higher in a square around it.

    Args:
        heatmaps: float32 tensor `[B, H, W, K]`, whose `K` is known.
        tags: float32 tensor `[B, H, W, K, T]`, whose `T` is known.
        count: int, `N`. Of equal values the first one by rows counts first.
        kernel: int, odd. The square's side in cells.
    Returns:
        A dict of float32 "values" `[B, K, N]`, int32 "cells" `[B, K, N, 2]` (x, y) and
        float32 "tags" `[B, K, N, T]`. Where there are fewer peaks values are 0, or
        negative.
    """
    import tensorflow as tf

    shape = tf.shape(heatmaps)
    width, keypoints = shape[2], heatmaps.shape[3]
    # Rows, then columns: a tenth of the comparisons.
    highest = tf.nn.max_pool2d(heatmaps, (kernel, 1), 1, "SAME")
    highest = tf.nn.max_pool2d(highest, (1, kernel), 1, "SAME")
    peaks = tf.where(heatmaps >= highest, heatmaps, 0.0)
    peaks = tf.transpose(peaks, [0, 3, 1, 2])
    peaks = tf.reshape(peaks, [shape[0], keypoints, -1])
    missing = tf.maximum(count - tf.shape(peaks)[-1], 0)
    values, places = tf.math.top_k(
        tf.pad(peaks, [[0, 0], [0, 0], [0, missing]], constant_values=-1.0), count
    )
    places = tf.minimum(places, tf.shape(peaks)[-1] - 1)
    num_tags = tags.shape[4]
    flat = tf.reshape(tags, [shape[0], shape[1] * width, keypoints, num_tags])
    owners = tf.broadcast_to(tf.range(keypoints)[:, None], tf.shape(places)[1:])
    owners = tf.broadcast_to(owners, tf.shape(places))
    found = tf.gather_nd(flat, tf.stack([places, owners], -1), batch_dims=1)
    cells = tf.stack([places % width, places // width], -1)
    return {"values": values, "cells": cells, "tags": found}


def find_peaks(
    heatmaps: np.ndarray,
    tags: np.ndarray,
    count: int = 30,
    kernel: int = 5,
    threshold: float = 0.1,
) -> Peaks:
    """Finds the highest peaks of one image's heatmaps that pass a threshold.

    Args:
        heatmaps: float32 array `[K, H, W]`.
        tags: float32 array `[K, H, W, T]`.
        count, kernel: see `top_peaks`.
        threshold: float. Peaks have to be higher.
    Returns:
        `Peaks`, 0 where fewer pass.
    """
    keypoints, height, width = heatmaps.shape
    values = np.zeros((keypoints, count), np.float32)
    cells = np.zeros((keypoints, count), np.int64)
    for k in range(keypoints):
        found = _peaks_of(heatmaps[k], kernel, threshold)
        heights = heatmaps[k].ravel()[found]
        # Stable: of equal ones the first by rows.
        best = np.argsort(-heights, kind="stable")[:count]
        values[k, : len(best)], cells[k, : len(best)] = heights[best], found[best]
    xy = np.stack([cells % width, cells // width], -1).astype(np.int32)
    found = tags[np.arange(keypoints)[:, None], xy[..., 1], xy[..., 0]]
    return Peaks(values, xy, np.where(values[..., None] > 0, found, np.float32(0)))


def _peaks_of(heatmap, kernel, threshold):
    """Flat places of the peaks of a map `[H, W]`, by rows."""
    from scipy.ndimage import maximum_filter

    reach = kernel // 2
    high = np.flatnonzero(heatmap.ravel() > threshold)
    if len(high) > _DENSE * heatmap.size:
        highest = maximum_filter(heatmap, kernel, mode="constant", cval=-np.inf)
        return high[(heatmap >= highest).ravel()[high]]
    height, width = heatmap.shape
    flat = heatmap.ravel()
    # Most cells have a higher neighbour at once, so that few are looked at again.
    for row in sorted(range(-reach, reach + 1), key=abs):
        for column in sorted(range(-reach, reach + 1), key=abs):
            if row == column == 0:
                continue
            y, x = high // width + row, high % width + column
            inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
            around = flat[np.where(inside, y * width + x, high)]
            high = high[flat[high] >= around]
    return high
