"""ShuffleNetV2's unit, of which the naive Lite-HRNet is made."""

import keras

from hrnet_tf.layers.conv_norm import ConvNorm
from hrnet_tf.layers.lite.depthwise_norm import DepthwiseNorm
from hrnet_tf.layers.lite.shuffle import halves, interleave
from hrnet_tf.layers.normalized import NormalizedLayer
from hrnet_tf.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class ShuffleUnit(NormalizedLayer):
    """1x1, depthwise 3x3 and 1x1 convolutions of half of the channels, shuffled.

    Args:
        **kwargs: see `NormalizedLayer`.
    Call arguments:
        inputs: tensor `[B, H, W, C]`, C even.
        training: bool.
    Returns:
        A tensor `[B, H, W, C]`.
    Reference:
        arXiv 2104.06403, section 3.1; arXiv 1807.11164.
    """

    def build(self, input_shape: Shape) -> None:
        assert input_shape[-1] is not None
        half = input_shape[-1] // 2
        shape = (*input_shape[:-1], half)
        options = self.unit_options
        self.reduce = ConvNorm(half, 1, name="reduce", **options)
        self.depthwise = DepthwiseNorm(name="depthwise", **options)
        self.expand = ConvNorm(half, 1, name="expand", **options)
        for unit in (self.reduce, self.depthwise, self.expand):
            unit.build(shape)
        self.built = True

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        passing, x = halves(inputs)
        for unit in (self.reduce, self.depthwise, self.expand):
            x = unit(x, training=training)
        return interleave(passing, x)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)
