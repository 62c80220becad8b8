"""Depthwise separable convolution, normalised twice."""

from typing import Any

import keras

from hrnet_tf.layers.conv_norm import ConvNorm
from hrnet_tf.layers.lite.depthwise_norm import DepthwiseNorm
from hrnet_tf.layers.normalized import NormalizedLayer
from hrnet_tf.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class SeparableNorm(NormalizedLayer):
    """Depthwise 3x3 convolution, then 1x1 convolution, each with a normalisation.

    Args:
        filters: int. Number of output channels.
        strides: int. Stride of the depthwise convolution.
        activation: "relu" or None. Applied at the end.
        **kwargs: see `NormalizedLayer`.
    Call arguments:
        inputs: tensor `[B, H, W, C]`.
        training: bool.
    Returns:
        A tensor `[B, ceil(H / strides), ceil(W / strides), filters]`.
    """

    def __init__(
        self,
        filters: int,
        strides: int = 1,
        activation: str | None = "relu",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = filters
        self.strides = strides
        self.activation = activation
        options = self.unit_options
        self.depthwise = DepthwiseNorm(strides, name="depthwise", **options)
        self.pointwise = ConvNorm(
            filters, 1, activation=activation, name="pointwise", **options
        )

    def build(self, input_shape: Shape) -> None:
        self.depthwise.build(input_shape)
        self.pointwise.build(self.depthwise.compute_output_shape(input_shape))
        self.built = True

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        x = self.depthwise(inputs, training=training)
        return self.pointwise(x, training=training)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*self.depthwise.compute_output_shape(input_shape)[:-1], self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "strides": self.strides,
            "activation": self.activation,
        }
