"""RoIAlign in operations that XLA compiles.

A sparse matrix has as many entries as the boxes' sizes say; XLA wants to know shapes
before. Here the lines of all windows are gone through, one row and column of each bin
at a time: how often depends on the boxes, and no shape does.
"""

from collections.abc import Callable
from typing import Any

from hrnet_tf.layers.detection.convention import Convention
from hrnet_tf.layers.detection.roi_bins import (
    Bins,
    Regions,
    largest,
    line_shares,
    make_bins,
)
from hrnet_tf.typing import Tensor


def gather_features(
    table: Tensor, regions: Regions, size: int, convention: Convention
) -> Tensor:
    """Returns the averages of the bins of regions; gradients flow to the table.

    Args:
        table: float32 `[cells, C]`, the cells of all maps.
        regions: `Regions`.
        size: int. Bins along each side.
        convention: `Convention`.
    Returns:
        float32 `[N, size, size, C]`.
    """
    import tensorflow as tf

    bins = make_bins(regions, size, convention)

    @tf.custom_gradient
    def collect(table):
        def add(total, cells, shares):
            return total + tf.gather(table, cells) * shares[..., None]

        shape = [tf.shape(regions.first)[0], size, size, table.shape[1]]

        def gradient(upstream):
            def spread(total, cells, shares):
                return tf.tensor_scatter_nd_add(
                    total, cells[..., None], upstream * shares[..., None]
                )

            return _each_cell(spread, tf.zeros_like(table), regions, bins)

        return _each_cell(add, tf.zeros(shape), regions, bins), gradient

    return collect(table)


def _each_cell(
    look: Callable[..., Any], total: Tensor, regions: Regions, bins: Bins
) -> Tensor:
    """Goes through the cells of all bins' windows, one cell of each bin at a time.

    `look` takes the total so far, the cells int32 `[N, size, size]` and their shares in
    the bins, and returns the new total.
    """
    import tensorflow as tf

    most = [largest(bins.spans[:, axis]) for axis in (0, 1)]

    def line(axis, offset):
        own = Bins(*(x[:, axis : axis + 1] for x in bins))
        lines = own.start + tf.cast(offset, tf.float32)
        shares = line_shares(own, lines[..., None])[:, 0, :, 0]
        # Beyond the border shares are zero.
        last = regions.sides[:, axis, None] - 1
        return tf.minimum(tf.cast(lines[:, 0], tf.int32), last), shares

    def row(y, total):
        rows, heights = line(0, y)
        begins = regions.origin[:, None] + rows * regions.sides[:, 1, None]

        def cell(x, total):
            columns, widths = line(1, x)
            cells = begins[:, :, None] + columns[:, None]
            return x + 1, look(total, cells, heights[:, :, None] * widths[:, None])

        _, total = tf.while_loop(lambda x, _: x < most[1], cell, (0, total))
        return y + 1, total

    return tf.while_loop(lambda y, _: y < most[0], row, (0, total))[1]
