"""What the heads of all tasks share: a body to stand on, and its mixed streams."""

from typing import Any, NamedTuple

import keras

from hrnet_tf.layers.conv_norm import ConvNorm
from hrnet_tf.layers.representation import StreamConcatenation
from hrnet_tf.layers.resize import ResizeLike
from hrnet_tf.models.backbone import HRNetBackbone
from hrnet_tf.typing import Tensor


class Body(NamedTuple):
    """A backbone called on a new input, for a head to be put on.

    Attributes:
        backbone: `HRNetBackbone`.
        inputs: Keras tensor `[B, H, W, 3]`.
        streams: list of Keras tensors, finest first.
        unit: dict. Keyword arguments of the head's layers (momentum, kernel
            initializer and dtype).
        arguments: dict. The backbone's arguments that models with a head share.
    """

    backbone: HRNetBackbone
    inputs: keras.KerasTensor
    streams: list
    unit: dict
    arguments: dict


def make_body(num_outputs: int = 4, **arguments: Any) -> Body:
    """Builds a backbone and calls it.

    Args:
        num_outputs, **arguments: see `HRNetBackbone`.
    Returns:
        A `Body`.
    """
    backbone = HRNetBackbone(num_outputs=num_outputs, **arguments)
    inputs = keras.Input(backbone.input_shape[1:], dtype="float32", name="image")
    shared = dict(backbone.arguments)
    del shared["num_outputs"], shared["first_output"]
    unit = {name: shared[name] for name in ("momentum", "kernel_initializer", "dtype")}
    return Body(backbone, inputs, list(backbone(inputs).values()), unit, shared)


def concatenate_streams(body: Body) -> Tensor:
    """Returns all streams at the finest one's size, `[B, H/4, W/4, 15 * width]`.

    Args:
        body: `Body`.
    """
    return StreamConcatenation(
        _interpolation(body),
        dtype=body.unit["dtype"],
        name="concatenation",
    )(body.streams)


def mix(body: Body, features: Tensor, name: str = "mixer") -> Tensor:
    """Returns HRNetV2's mixed features: a 1x1 convolution, normalised, and ReLU.

    Args:
        body: `Body`.
        features: Keras tensor `[B, H/4, W/4, C]`, of `concatenate_streams`.
        name: str. Name of the layer.
    """
    channels = features.shape[-1]
    return ConvNorm(channels, 1, use_bias=True, name=name, **body.unit)(features)


def predict(body: Body, features: Tensor, filters: int, name: str = "head") -> Tensor:
    """Returns float32 outputs of a 1x1 convolution with bias, `[B, H, W, filters]`.

    Args:
        body: `Body`.
        features: Keras tensor `[B, H, W, C]`.
        filters: int. Number of classes or heatmaps.
        name: str. Name of the layer.
    """
    return keras.layers.Conv2D(
        filters,
        1,
        kernel_initializer=body.unit["kernel_initializer"].clone(),
        dtype="float32",
        name=name,
    )(features)


def upsample(body: Body, outputs: Tensor, name: str = "upsample") -> Tensor:
    """Returns outputs resized to the size of the input image.

    Args:
        body: `Body`.
        outputs: Keras tensor `[B, H/4, W/4, C]`.
        name: str. Name of the layer.
    """
    return ResizeLike(_interpolation(body), dtype="float32", name=name)(
        (outputs, body.inputs)
    )


def _interpolation(body):
    # Heads upsample bilinearly even where the fusions do not.
    interpolation = body.arguments["interpolation"]
    return "bilinear" if interpolation == "nearest" else interpolation
