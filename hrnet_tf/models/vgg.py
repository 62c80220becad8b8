"""The stages of VGG's networks, of which several comparison systems are made."""

from typing import Any

import keras

from hrnet_tf.layers.conv_norm import ConvNorm
from hrnet_tf.layers.convolution import Conv2D
from hrnet_tf.typing import Tensor

# Channels of the five stages, and convolutions of VGG16's.
VGG_FILTERS = (64, 128, 256, 512, 512)
VGG16_COUNTS = (2, 2, 3, 3, 3)


def conv(
    x: Tensor,
    filters: int,
    kernel_size: int,
    name: str,
    unit: dict[str, Any],
    normalized: bool,
    padding: str = "same",
) -> Tensor:
    """Returns ReLU of a convolution with a bias, with a normalisation if asked.

    Args:
        x: Keras tensor `[B, H, W, C]`.
        filters, kernel_size: int.
        name: str. Name of the layer.
        unit: dict. Keyword arguments of layers, see `SeriesSegmenter`.
        normalized: bool. Whether a batch normalisation follows, with padding "same".
        padding: "same" or "valid".
    """
    if normalized:
        return ConvNorm(filters, kernel_size, use_bias=True, name=name, **unit)(x)
    return Conv2D(
        filters,
        kernel_size,
        padding=padding,
        activation="relu",
        kernel_initializer=unit["kernel_initializer"].clone(),
        dtype=unit["dtype"],
        name=name,
    )(x)


def stage(
    x: Tensor,
    filters: int,
    count: int,
    name: str,
    unit: dict[str, Any],
    normalized: bool,
) -> Tensor:
    """Returns a map after `count` 3x3 convolutions of a stage.

    Args:
        x, filters, unit, normalized: see `conv`.
        count: int.
        name: str. What the names of the layers begin with.
    """
    for k in range(count):
        x = conv(x, filters, 3, f"{name}_conv{k}", unit, normalized)
    return x


def pool(x: Tensor, name: str, unit: dict[str, Any]) -> Tensor:
    """Returns the maxima of four neighbours; sides are rounded up."""
    layer = keras.layers.MaxPooling2D(
        2, 2, padding="same", dtype=unit["dtype"], name=name
    )
    return layer(x)


def head(x: Tensor, filters: int, unit: dict[str, Any], name: str = "head") -> Tensor:
    """Returns float32 outputs of a 1x1 convolution with a bias."""
    return Conv2D(
        filters,
        1,
        kernel_initializer=unit["kernel_initializer"].clone(),
        dtype="float32",
        name=name,
    )(x)
