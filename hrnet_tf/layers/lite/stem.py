"""Lite-HRNet's stem: to a quarter of the size."""

from typing import Any

import keras

from hrnet_tf.layers.conv_norm import ConvNorm
from hrnet_tf.layers.lite.depthwise_norm import DepthwiseNorm
from hrnet_tf.layers.lite.shuffle import halves, interleave
from hrnet_tf.layers.normalized import NormalizedLayer
from hrnet_tf.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class LiteStem(NormalizedLayer):
    """A strided convolution and a strided shuffle unit.

    Args:
        width: int, even. Channels of the convolution and of the output.
        **kwargs: see `NormalizedLayer`.
    Call arguments:
        inputs: tensor `[B, H, W, C]`.
        training: bool.
    Returns:
        A tensor `[B, ceil(H / 4), ceil(W / 4), width]`.
    Reference:
        arXiv 2104.06403, table 1.
    """

    def __init__(self, width: int = 32, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.width = width
        options = self.unit_options
        self.conv = ConvNorm(width, strides=2, name="conv", **options)
        self.left_depthwise = DepthwiseNorm(2, name="left_depthwise", **options)
        self.left = ConvNorm(width // 2, 1, name="left", **options)
        self.expand = ConvNorm(width, 1, name="expand", **options)
        self.depthwise = DepthwiseNorm(2, name="depthwise", **options)
        self.right = ConvNorm(width // 2, 1, name="right", **options)

    def build(self, input_shape: Shape) -> None:
        self.conv.build(input_shape)
        shape = self.conv.compute_output_shape(input_shape)
        half = (*shape[:-1], self.width // 2)
        for units in (
            (self.left_depthwise, self.left),
            (self.expand, self.depthwise, self.right),
        ):
            shape = half
            for unit in units:
                unit.build(shape)
                shape = unit.compute_output_shape(shape)
        self.built = True

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        left, right = halves(self.conv(inputs, training=training))
        for unit in (self.left_depthwise, self.left):
            left = unit(left, training=training)
        for unit in (self.expand, self.depthwise, self.right):
            right = unit(right, training=training)
        return interleave(left, right)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        shape = self.conv.compute_output_shape(input_shape)
        return self.left_depthwise.compute_output_shape(shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "width": self.width}
