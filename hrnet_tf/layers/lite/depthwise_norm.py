"""Depthwise convolution and batch normalisation."""

from typing import Any

import keras

from hrnet_tf.layers.batch_norm import BatchNorm
from hrnet_tf.layers.lite.depthwise_conv import DepthwiseConv2D
from hrnet_tf.layers.normalized import NormalizedLayer
from hrnet_tf.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class DepthwiseNorm(NormalizedLayer):
    """A 3x3 kernel for each channel, and batch normalisation, without a ReLU.

    Args:
        strides: int. Stride of the convolution.
        **kwargs: see `NormalizedLayer`.
    Call arguments:
        inputs: tensor `[B, H, W, C]`.
        training: bool.
    Returns:
        A tensor `[B, ceil(H / strides), ceil(W / strides), C]`.
    """

    def __init__(self, strides: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.strides = strides
        self.conv = DepthwiseConv2D(
            strides=strides,
            kernel_initializer=self.kernel_initializer.clone(),
            dtype=self.dtype_policy,
            name="conv",
        )
        self.norm = BatchNorm(
            self.momentum,
            frozen_statistics=self.unit_options["frozen_statistics"],
            dtype=self.dtype_policy,
            name="norm",
        )

    def build(self, input_shape: Shape) -> None:
        self.conv.build(input_shape)
        self.norm.build(self.compute_output_shape(input_shape))
        self.built = True

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        return self.norm(self.conv(inputs), training=training)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.conv.compute_output_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "strides": self.strides}
