"""A comparison system of the papers: DeconvNet."""

from collections.abc import Sequence
from typing import Any

import keras

from hrnet_tf.layers.batch_norm import BatchNorm
from hrnet_tf.layers.crop_like import CropLike
from hrnet_tf.layers.fill_up import FillUp
from hrnet_tf.layers.max_pool_places import MaxPoolPlaces
from hrnet_tf.layers.max_unpool import MaxUnpool
from hrnet_tf.models import vgg
from hrnet_tf.models.presets import DECONVNETS
from hrnet_tf.models.series_segmenter import SeriesSegmenter

_SIDE = 7


@keras.saving.register_keras_serializable(package="hrnet_tf")
class DeconvNetSegmenter(SeriesSegmenter):
    """VGG16 with its linear layers as convolutions, and its mirror image.

    Maps are unpooled to where their maxima were, and convolved by transposed
    convolutions. All convolutions are normalised.

    Args:
        filters: ints. Channels of the stages.
        counts: ints. Convolutions of the stages.
        linear_filters: int. Channels of what were the linear layers; 4096 in VGG16.
        name: str. Name of the model.
        **shared: see `SeriesSegmenter`. Behind the last pooling images of 224 pixels
            have the seven cells that the largest kernel covers; maps of smaller ones
            are filled up with zeros.
    Call arguments:
        inputs: tensor `[B, H, W, 3]`.
        training: bool.
    Returns:
        Logits, float32 `[B, H, W, num_classes]`.
    Raises:
        ValueError: if an argument is out of its range.
    Reference:
        arXiv 1505.04366.
    """

    architectures = DECONVNETS

    def __init__(
        self,
        filters: Sequence[int] = vgg.VGG_FILTERS,
        counts: Sequence[int] = vgg.VGG16_COUNTS,
        linear_filters: int = 4096,
        name: str = "deconvnet_segmenter",
        **shared: Any,
    ) -> None:
        filters, counts = tuple(filters), tuple(counts)
        if len(filters) != len(counts) or not filters:
            raise ValueError(
                "filters and counts are of the same stages. Received:"
                f" filters={filters}, counts={counts}."
            )

        def body(x, unit, num_classes):
            return _deconvnet(x, unit, num_classes, filters, counts, linear_filters)

        own = {
            "filters": filters,
            "counts": counts,
            "linear_filters": linear_filters,
        }
        super().__init__(body, own, name=name, **shared)


def _deconvnet(x, unit, num_classes, filters, counts, linear_filters):
    policy, taken = unit["dtype"], []
    for s, (width, count) in enumerate(zip(filters, counts, strict=True)):
        x = vgg.stage(x, width, count, f"down{s}", unit, normalized=True)
        pooled, places = MaxPoolPlaces(dtype=policy, name=f"pool{s}")(x)
        taken.append((places, x))
        x = pooled
    small = None in x.shape[1:3] or min(x.shape[1:3]) < _SIDE
    if small:
        x = FillUp(_SIDE, dtype=policy, name="fill_up")(x)
    x = keras.layers.Conv2D(
        linear_filters,
        _SIDE,
        kernel_initializer=unit["kernel_initializer"].clone(),
        dtype=policy,
        name="linear0_conv",
    )(x)
    x = _norm(x, "linear0", unit)
    x = vgg.conv(x, linear_filters, 1, "linear1", unit, normalized=True)
    x = _transposed(x, filters[-1], _SIDE, "enlarge", unit, "valid")
    if small:
        x = CropLike(dtype=policy, name="crop")((x, pooled))
    for s in reversed(range(len(filters))):
        x = MaxUnpool(dtype=policy, name=f"unpool{s}")((x, *taken[s]))
        for k in range(counts[s] - 1):
            x = _transposed(x, filters[s], 3, f"up{s}_deconv{k}", unit)
        last = filters[max(s - 1, 0)]
        x = _transposed(x, last, 3, f"up{s}_last", unit)
    return vgg.head(x, num_classes, unit)


def _transposed(x, filters, kernel, name, unit, padding="same"):
    x = keras.layers.Conv2DTranspose(
        filters,
        kernel,
        padding=padding,
        kernel_initializer=unit["kernel_initializer"].clone(),
        dtype=unit["dtype"],
        name=f"{name}_conv",
    )(x)
    return _norm(x, name, unit)


def _norm(x, name, unit):
    x = BatchNorm(
        unit["momentum"],
        frozen_statistics=unit["frozen_statistics"],
        dtype=unit["dtype"],
        name=f"{name}_norm",
    )(x)
    return keras.layers.ReLU(dtype=unit["dtype"], name=f"{name}_relu")(x)
