"""A comparison system of the papers: U-Net."""

from typing import Any

import keras

from hrnet_tf.layers.crop_like import CropLike
from hrnet_tf.models import vgg
from hrnet_tf.models.base import check_count
from hrnet_tf.models.presets import UNETS
from hrnet_tf.models.series_segmenter import SeriesSegmenter


@keras.saving.register_keras_serializable(package="hrnet_tf")
class UNetSegmenter(SeriesSegmenter):
    """U-Net: down by max pooling, up by transposed convolutions, joined at each size.

    Convolutions keep the size of their maps, where the paper's lose a border.

    Args:
        filters: int. Channels of the first size; each further one has twice as many.
        depth: int. How often the sides are halved.
        normalized: bool. Whether batch normalisations follow the 3x3 convolutions; the
            paper's network, 31 million parameters, has none.
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
        arXiv 1505.04597.
    """

    architectures = UNETS

    def __init__(
        self,
        filters: int = 64,
        depth: int = 4,
        normalized: bool = True,
        name: str = "unet_segmenter",
        **shared: Any,
    ) -> None:
        check_count(filters=filters)
        check_count(depth=depth)

        def body(x, unit, num_classes):
            return _unet(x, unit, num_classes, filters, depth, normalized)

        own = {"filters": filters, "depth": depth, "normalized": normalized}
        super().__init__(body, own, name=name, **shared)


def _unet(x, unit, num_classes, filters, depth, normalized):
    skips = []
    for level in range(depth):
        x = vgg.stage(x, filters * 2**level, 2, f"down{level}", unit, normalized)
        skips.append(x)
        x = vgg.pool(x, f"pool{level}", unit)
    x = vgg.stage(x, filters * 2**depth, 2, "middle", unit, normalized)
    for level in reversed(range(depth)):
        x = keras.layers.Conv2DTranspose(
            filters * 2**level,
            2,
            strides=2,
            kernel_initializer=unit["kernel_initializer"].clone(),
            dtype=unit["dtype"],
            name=f"enlarge{level}",
        )(x)
        # Odd sides are rounded up by the pooling.
        x = CropLike(dtype=unit["dtype"], name=f"crop{level}")((x, skips[level]))
        x = keras.layers.Concatenate(dtype=unit["dtype"], name=f"join{level}")(
            [skips[level], x]
        )
        x = vgg.stage(x, filters * 2**level, 2, f"up{level}", unit, normalized)
    return vgg.head(x, num_classes, unit)
