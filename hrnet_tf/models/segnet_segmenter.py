"""A comparison system of the papers: SegNet."""

from collections.abc import Sequence
from typing import Any

import keras

from hrnet_tf.layers.max_pool_places import MaxPoolPlaces
from hrnet_tf.layers.max_unpool import MaxUnpool
from hrnet_tf.models import vgg
from hrnet_tf.models.presets import SEGNETS
from hrnet_tf.models.series_segmenter import SeriesSegmenter


@keras.saving.register_keras_serializable(package="hrnet_tf")
class SegNetSegmenter(SeriesSegmenter):
    """SegNet: VGG16's convolutions, and their mirror image on maps that are unpooled.

    Each maximum goes back to where it was.

    Args:
        filters: ints. Channels of the stages.
        counts: ints. Convolutions of the stages.
        name: str. Name of the model.
        **shared: see `SeriesSegmenter`.
    Call arguments:
        inputs: tensor `[B, H, W, 3]`.
        training: bool.
    Returns:
        Logits, float32 `[B, H, W, num_classes]`.
    Raises:
        ValueError: if an argument is out of its range.
    Reference:
        arXiv 1511.00561.
    """

    architectures = SEGNETS

    def __init__(
        self,
        filters: Sequence[int] = vgg.VGG_FILTERS,
        counts: Sequence[int] = vgg.VGG16_COUNTS,
        name: str = "segnet_segmenter",
        **shared: Any,
    ) -> None:
        filters, counts = tuple(filters), tuple(counts)
        if len(filters) != len(counts) or not filters:
            raise ValueError(
                "filters and counts are of the same stages. Received:"
                f" filters={filters}, counts={counts}."
            )

        def body(x, unit, num_classes):
            return _segnet(x, unit, num_classes, filters, counts)

        own = {"filters": filters, "counts": counts}
        super().__init__(body, own, name=name, **shared)


def _segnet(x, unit, num_classes, filters, counts):
    policy, taken = unit["dtype"], []
    for s, (width, count) in enumerate(zip(filters, counts, strict=True)):
        x = vgg.stage(x, width, count, f"down{s}", unit, normalized=True)
        pooled, places = MaxPoolPlaces(dtype=policy, name=f"pool{s}")(x)
        taken.append((places, x))
        x = pooled
    for s in reversed(range(len(filters))):
        x = MaxUnpool(dtype=policy, name=f"unpool{s}")((x, *taken[s]))
        # The last convolution of a stage has the channels of the one before; of the
        # first stage it makes the classes.
        x = vgg.stage(x, filters[s], counts[s] - 1, f"up{s}", unit, normalized=True)
        if s:
            x = vgg.conv(x, filters[s - 1], 3, f"up{s}_last", unit, normalized=True)
    return keras.layers.Conv2D(
        num_classes,
        3,
        padding="same",
        kernel_initializer=unit["kernel_initializer"].clone(),
        dtype="float32",
        name="head",
    )(x)
