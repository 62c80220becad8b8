"""Masks of boxes, put into the pixels of their images."""

from typing import Any

import numpy as np
import tensorflow as tf

from hrnet_tf.typing import Tensor

THRESHOLD = 0.5
# Pixels of masks that are held at once.
_MOST_PIXELS = 30_000_000


def paste_masks(masks: Tensor, boxes: Tensor, size: Tensor) -> Tensor:
    """Reads masks bilinearly at the middles of pixels, in a graph or eagerly.

    Beyond a mask is zero, as in mmdetection.

    Args:
        masks: float32 tensor `[N, m, m]`, 0..1, of the boxes' own places.
        boxes: float32 tensor `[N, 4]`, px of the image: left, top, right, bottom.
        size: int tensor `[2]`, (height, width) of the image.
    Returns:
        bool tensor `[N, height, width]`.
    """
    rows = _weights(boxes[:, 1], boxes[:, 3], size[0], tf.shape(masks)[1])
    columns = _weights(boxes[:, 0], boxes[:, 2], size[1], tf.shape(masks)[2])
    # A bilinear sample is a sum over rows of sums over columns.
    values = tf.matmul(tf.matmul(rows, masks), columns, transpose_b=True)
    return values >= THRESHOLD


def mask_runs(
    masks: np.ndarray, boxes: np.ndarray, size: tuple[int, int]
) -> list[dict[str, Any]]:
    """Returns pasted masks as COCO's runs, a list of `N` dicts; see `Detections`.

    Args:
        masks, boxes: arrays, see `paste_masks`.
        size: (height, width) of the image.
    """
    from pycocotools import mask as codec

    found: list[dict[str, Any]] = []
    step = max(1, _MOST_PIXELS // (size[0] * size[1]))
    for start in range(0, len(boxes), step):
        part = slice(start, start + step)
        inside = paste_masks(masks[part], boxes[part], tf.constant(size)).numpy()
        for drawn in inside:
            runs = codec.encode(np.asfortranarray(drawn.astype(np.uint8)))
            found.append({"size": list(size), "counts": runs["counts"].decode()})
    return found


def _weights(low, high, count, cells):
    """How much each of `m` cells counts at each of a side's pixels, `[N, count, m]`."""
    middles = tf.range(tf.cast(count, tf.float32)) + 0.5
    extent = tf.maximum(high - low, 1e-6)[:, None]
    number = tf.cast(cells, tf.float32)
    places = (middles - low[:, None]) / extent * number - 0.5
    distances = tf.abs(places[..., None] - tf.range(number))
    return tf.maximum(1.0 - distances, 0.0)
