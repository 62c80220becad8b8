"""The bins of boxes in RoIAlign, and which share each of a map's lines has in them."""

from typing import Any, NamedTuple

from hrnet_tf.layers.detection.convention import Convention
from hrnet_tf.typing import Tensor


class Regions(NamedTuple):
    """Where boxes lie, in cells of their own maps: y before x.

    Attributes:
        first, extent: float32 `[N, 2]`, the first corners and the sizes.
        sides: int32 `[N, 2]`, those of the maps.
        origin: int32 `[N]`, the maps' first cells among all cells.
    """

    first: Any
    extent: Any
    sides: Any
    origin: Any


class Bins(NamedTuple):
    """The bins of regions along each axis.

    Attributes:
        corners: float32 `[N, 2, size]`, where they begin.
        start: float32 `[N, 2, size]`, the first line that a sample touches.
        gap: float32 `[N, 2]`, between samples.
        counts: float32 `[N, 2]`, samples of a bin.
        spans: float32 `[N, 2]`, lines that a bin's samples touch at most.
        limits: float32 `[N, 2]`, the last lines of the maps.
    """

    corners: Any
    start: Any
    gap: Any
    counts: Any
    spans: Any
    limits: Any


def make_bins(regions: Regions, size: int, convention: Convention) -> Bins:
    """Returns the `Bins` of regions.

    Args:
        regions: `Regions`.
        size: int. Bins along each side.
        convention: `Convention`.
    """
    import tensorflow as tf

    bin_size = regions.extent / size
    if convention.samples is None:
        counts = tf.math.ceil(bin_size)
    else:
        counts = tf.fill(tf.shape(bin_size), float(convention.samples))
    gap = tf.math.divide_no_nan(bin_size, counts)
    limits = tf.cast(regions.sides - 1, tf.float32)
    corners = regions.first[..., None] + bin_size[..., None] * tf.range(
        size, dtype=tf.float32
    )
    # `gap` apart, samples touch as many lines at most.
    spans = tf.math.ceil((counts - 1.0) * gap) + 2.0
    places = corners + 0.5 * gap[..., None]
    start = tf.floor(tf.clip_by_value(places, 0.0, limits[..., None]))
    return Bins(corners, start, gap, counts, spans, limits)


def line_shares(bins: Bins, lines: Tensor) -> Tensor:
    """Returns the shares of lines in the averages of bins.

    Args:
        bins: `Bins`.
        lines: float32 `[N, 2, size, L]`, numbers of rows or columns.
    Returns:
        float32 of that shape.
    """
    import tensorflow as tf

    limits, gap = bins.limits[..., None], bins.gap[..., None]

    def add(sample, weights):
        place = bins.corners + (tf.cast(sample, tf.float32) + 0.5) * gap
        # Samples up to a cell outside have the value of the border, others none.
        counted = (place >= -1.0) & (place <= limits + 1.0)
        counted &= tf.cast(sample, tf.float32) < bins.counts[..., None]
        place = tf.clip_by_value(place, 0.0, limits)[..., None]
        share = tf.maximum(1.0 - tf.abs(place - lines), 0.0)
        return sample + 1, weights + tf.where(counted[..., None], share, 0.0)

    most = largest(bins.counts)
    _, weights = tf.while_loop(
        lambda sample, _: sample < most, add, (0, tf.zeros_like(lines))
    )
    return tf.math.divide_no_nan(weights, bins.counts[..., None, None])


def largest(values: Tensor) -> Tensor:
    """Returns the largest of float values as an int32, 0 where there are none."""
    import tensorflow as tf

    return tf.cast(tf.maximum(tf.reduce_max(values), 0.0), tf.int32)
