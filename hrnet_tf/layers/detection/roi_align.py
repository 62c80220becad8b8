"""RoIAlign: the same number of features of boxes of any size."""

from collections.abc import Sequence

import numpy as np

from hrnet_tf.layers.detection.convention import Convention
from hrnet_tf.typing import Tensor

# Boxes of this side (the root of their area), and twice it, lie on the finest level.
FINEST_SIDE = 56


def roi_levels(boxes: Tensor, num_levels: int, convention: Convention) -> Tensor:
    """Returns the level whose map a box is read from, int32 `[...]`.

    Args:
        boxes: float32 `[..., 4]`, corners x1, y1, x2, y2 in pixels.
        num_levels: int.
        convention: `Convention`.
    """
    import tensorflow as tf

    width = boxes[..., 2] - boxes[..., 0] + convention.extent
    height = boxes[..., 3] - boxes[..., 1] + convention.extent
    # Reversed corners give the level of an empty box.
    side = tf.sqrt(tf.maximum(width * height, 0.0))
    level = tf.floor(tf.math.log(side / FINEST_SIDE + 1e-6) / np.log(2.0))
    return tf.cast(tf.clip_by_value(level, 0, num_levels - 1), tf.int32)


def roi_align(
    maps: Sequence[Tensor],
    boxes: Tensor,
    strides: Sequence[int],
    size: int,
    convention: Convention,
) -> Tensor:
    """Returns the features of boxes, each from the map of its level.

    Bins are averages of bilinear samples, as many for each box as its convention says.

    Args:
        maps: list of float tensors `[B, h, w, C]`, finest first.
        boxes: float32 `[B, R, 4]`, corners x1, y1, x2, y2 in pixels. No gradient flows
            to them.
        strides: list of int, of the maps.
        size: int. Bins along each side.
        convention: `Convention`.
    Returns:
        A tensor `[B, R, size, size, C]` in the type of the maps. Boxes without any
        sample, as empty ones have with one a cell, give zeros.
    """
    import tensorflow as tf

    boxes = tf.stop_gradient(tf.cast(boxes, tf.float32))
    batch, count = tf.shape(boxes)[0], tf.shape(boxes)[1]
    images = tf.repeat(tf.range(batch), count)
    flat = tf.reshape(boxes, [-1, 4])
    levels = roi_levels(flat, len(maps), convention)
    found, places = [], []
    for level, (level_map, stride) in enumerate(zip(maps, strides, strict=True)):
        chosen = tf.where(levels == level)[:, 0]
        regions = _regions(tf.gather(flat, chosen), stride, convention)
        groups = _align_level(
            level_map, regions, tf.gather(images, chosen), size, convention
        )
        found.append(groups)
        places.append(chosen)
    order = tf.argsort(tf.concat(places, 0))
    features = tf.gather(tf.concat(found, 0), order)
    channels = maps[0].shape[-1]
    features = tf.reshape(features, [batch, count, size, size, channels])
    return tf.cast(features, maps[0].dtype)


def _regions(boxes, stride, convention):
    """First places and sizes `[N, 2]` (y, x) of boxes, in cells of a map."""
    import tensorflow as tf

    scale = 1.0 / stride
    shift = 0.5 if convention.aligned else 0.0
    first = boxes[:, 1::-1] * scale - shift
    last = (boxes[:, :1:-1] + convention.extent) * scale - shift
    return first, tf.maximum(last - first, 0.0)


def _align_level(level_map, regions, images, size, convention):
    """Features `[N, size, size, C]` of the boxes of a level, in float32."""
    import tensorflow as tf

    first, extent = regions
    padded = tf.pad(
        tf.cast(level_map, tf.float32), ((0, 0), (1, 1), (1, 1), (0, 0)), "SYMMETRIC"
    )
    sides = tf.cast(tf.shape(level_map)[1:3], tf.float32)
    if convention.samples is not None:
        counts = tf.fill(tf.shape(first), convention.samples)
    else:
        counts = tf.cast(tf.math.ceil(extent / size), tf.int32)
    # Boxes of equal numbers of samples are taken at once.
    keys, groups = tf.unique(counts[:, 0] * 65536 + counts[:, 1])
    channels = level_map.shape[-1]

    def step(index, found, order):
        members = tf.where(groups == index)[:, 0]
        rows, columns = keys[index] // 65536, keys[index] % 65536
        per_side = tf.stack([rows, columns])
        start, whole = tf.gather(first, members), tf.gather(extent, members)
        crop = tf.maximum(per_side, 1) * size
        # The first and the last sample; the padding is a cell.
        gap = whole / tf.cast(crop, tf.float32)
        begin = (start + 0.5 * gap + 1.0) / (sides + 1.0)
        end = (start + whole - 0.5 * gap + 1.0) / (sides + 1.0)
        samples = tf.image.crop_and_resize(
            padded, tf.concat([begin, end], 1), tf.gather(images, members), crop
        )
        shape = [-1, size, crop[0] // size, size, crop[1] // size, channels]
        bins = tf.reduce_mean(tf.reshape(samples, shape), axis=(2, 4))
        bins *= tf.cast(rows * columns > 0, tf.float32)
        return index + 1, tf.concat([found, bins], 0), tf.concat([order, members], 0)

    start = (
        tf.constant(0),
        tf.zeros([0, size, size, channels]),
        tf.zeros([0], tf.int64),
    )
    _, found, order = tf.while_loop(
        lambda index, *_: index < tf.size(keys),
        step,
        start,
        shape_invariants=(
            tf.TensorShape([]),
            tf.TensorShape([None, size, size, channels]),
            tf.TensorShape([None]),
        ),
    )
    return tf.gather(found, tf.argsort(order))
