"""RoIAlign: the same number of features of boxes of any size."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from hrnet_tf.layers.detection.convention import Convention
from hrnet_tf.layers.detection.roi_bins import (
    Regions,
    largest,
    line_shares,
    make_bins,
)
from hrnet_tf.layers.detection.roi_gather import gather_features
from hrnet_tf.typing import Tensor

# Boxes of this side (the root of their area), and twice it, lie on the finest level.
FINEST_SIDE = 56
# Parts of the boxes whose features are computed at the same time.
_NUM_PARTS = 4


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
    maps: "Sequence[Tensor] | Cells",
    boxes: Tensor,
    strides: Sequence[int],
    size: int,
    convention: Convention,
    static: bool = False,
) -> Tensor:
    """Returns the features of boxes, each from the map of its level.

    Bins are averages of bilinear samples, as many for each box as its convention says.
    They are linear in the maps: a sparse matrix of the cells' shares is built, and
    multiplied with the cells. So boxes of all numbers of samples are computed at once,
    and exactly; `tf.image.crop_and_resize` has one number for all of them.

    Args:
        maps: list of float tensors `[B, h, w, C]`, finest first; or `Cells` of them,
            for several calls.
        boxes: float32 `[B, R, 4]`, corners x1, y1, x2, y2 in pixels. No gradient flows
            to them.
        strides: list of int, of the maps.
        size: int. Bins along each side.
        convention: `Convention`.
        static: bool. True leaves out what XLA cannot compile, see `roi_gather`; the
            features differ by rounding.
    Returns:
        A tensor `[B, R, size, size, C]` in the type of the maps. Boxes without any
        sample, as empty ones have with one a cell, give zeros.
    """
    import tensorflow as tf

    cells = maps if isinstance(maps, Cells) else cells_of(maps)
    batch, count = tf.shape(boxes)[0], tf.shape(boxes)[1]
    channels = cells.table.shape[-1]
    flat = tf.reshape(tf.stop_gradient(tf.cast(boxes, tf.float32)), [-1, 4])
    regions = _place(cells.sides, flat, batch, count, strides, convention)
    if static:
        features = gather_features(cells.table, regions, size, convention)
    else:
        features = _in_parts(cells.table, regions, size, convention)
    features = tf.reshape(features, [batch, count, size, size, channels])
    features = tf.ensure_shape(features, (*boxes.shape[:2], size, size, channels))
    return tf.cast(features, cells.dtype)


class Cells(NamedTuple):
    """All cells of several maps.

    Attributes:
        table: float32 `[cells, C]`, map by map and image by image.
        sides: int32 `[L, 2]`, heights and widths of the maps.
        dtype: the type of the maps.
    """

    table: Any
    sides: Any
    dtype: Any


def cells_of(maps: Sequence[Tensor]) -> Cells:
    """Returns the `Cells` of maps `[B, h, w, C]`, finest first."""
    import tensorflow as tf

    channels = maps[0].shape[-1]
    cells = [tf.cast(tf.reshape(x, [-1, channels]), tf.float32) for x in maps]
    sides = tf.stack([tf.shape(x)[1:3] for x in maps])
    return Cells(tf.concat(cells, 0), sides, maps[0].dtype)


def _place(sides, boxes, batch, count, strides, convention):
    """`Regions` of boxes `[B * R, 4]`."""
    import tensorflow as tf

    levels = roi_levels(boxes, len(strides), convention)
    scales = tf.gather(tf.constant([1.0 / s for s in strides]), levels)[:, None]
    shift = 0.5 if convention.aligned else 0.0
    first = boxes[:, 1::-1] * scales - shift
    last = (boxes[:, :1:-1] + convention.extent) * scales - shift
    areas = sides[:, 0] * sides[:, 1]
    begins = tf.cumsum(areas * batch, exclusive=True)
    images = tf.repeat(tf.range(batch), count)
    origin = tf.gather(begins, levels) + images * tf.gather(areas, levels)
    extent = tf.maximum(last - first, 0.0)
    return Regions(first, extent, tf.gather(sides, levels), origin)


def _in_parts(table, regions, size, convention):
    """Features `[N * size * size, C]`, by matrices of some of the regions each."""
    import tensorflow as tf

    total = tf.shape(regions.first)[0]
    parts = []
    for part in range(_NUM_PARTS):
        begin, end = (total * k // _NUM_PARTS for k in (part, part + 1))
        own = Regions(*(x[begin:end] for x in regions))
        shares = _shares(own, size, convention, tf.shape(table)[0])
        parts.append(_multiply(shares, table))
    return tf.concat(parts, 0)


def _shares(regions, size, convention, num_cells):
    """The sparse matrix `[N * size * size, cells]` of the bins' averages."""
    import tensorflow as tf

    start, reach, weights = _windows(regions, size, convention)
    widest = tf.shape(weights)[-1]
    # Of each box as many entries as its bins have cells in their windows.
    per_bin = reach[:, 0] * reach[:, 1]
    entries = size * size * per_bin
    owner = tf.repeat(tf.range(tf.shape(entries)[0]), entries)
    begins = tf.cumsum(entries, exclusive=True)
    within = tf.range(tf.shape(owner)[0]) - tf.gather(begins, owner)
    width = tf.gather(reach[:, 1], owner)
    area = tf.gather(per_bin, owner)
    bins, place = within // area, within % area
    offsets = (place // width, place % width)
    shares, cells = [], []
    for axis, (index, offset) in enumerate(
        zip((bins // size, bins % size), offsets, strict=True)
    ):
        line = (owner * 2 + axis) * size + index
        shares.append(tf.gather(tf.reshape(weights, [-1]), line * widest + offset))
        cell = tf.gather(tf.reshape(start, [-1]), line) + offset
        # Beyond the border shares are zero.
        cells.append(tf.minimum(cell, tf.gather(regions.sides[:, axis], owner) - 1))
    columns = cells[0] * tf.gather(regions.sides[:, 1], owner) + cells[1]
    columns += tf.gather(regions.origin, owner)
    rows = owner * (size * size) + bins
    return tf.SparseTensor(
        tf.cast(tf.stack([rows, columns], 1), tf.int64),
        shares[0] * shares[1],
        tf.cast([tf.shape(entries)[0] * size * size, num_cells], tf.int64),
    )


def _windows(regions, size, convention):
    """Of each bin's rows and columns: the first, how many, and their shares.

    int32 `[N, 2, size]`, int32 `[N, 2]`, and float32 `[N, 2, size, longest]`.
    """
    import tensorflow as tf

    bins = make_bins(regions, size, convention)
    lines = tf.range(largest(bins.spans))
    lines = bins.start[..., None] + tf.cast(lines, tf.float32)
    reach = tf.cast(tf.where(bins.counts > 0, bins.spans, 0.0), tf.int32)
    return tf.cast(bins.start, tf.int32), reach, line_shares(bins, lines)


def _multiply(shares, table):
    """The product of a sparse matrix and `[cells, C]`, whose gradient flows."""
    import tensorflow as tf

    @tf.custom_gradient
    def multiply(table):
        def gradient(upstream):
            # TensorFlow's own would be that of the shares too.
            return tf.sparse.sparse_dense_matmul(shares, upstream, adjoint_a=True)

        return tf.sparse.sparse_dense_matmul(shares, table), gradient

    return multiply(table)
