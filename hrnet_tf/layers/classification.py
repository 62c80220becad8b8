"""The classification head: coarse streams gather all the finer ones."""

from collections.abc import Sequence
from typing import Any

import keras

from hrnet_tf.layers.conv_norm import ConvNorm
from hrnet_tf.layers.normalized import NormalizedLayer
from hrnet_tf.layers.residual import Bottleneck
from hrnet_tf.typing import Initializer, Shape, Tensor

# The narrowest bottleneck that widens a stream, the same for all published networks;
# the last convolution has so many times as many filters.
WIDTH = 32
_FINAL_FACTOR = 64


@keras.saving.register_keras_serializable(package="hrnet_tf")
class StreamGathering(NormalizedLayer):
    """Widens every stream, adds the finer to the coarser ones and mixes the last.

    Args:
        width: int. Width of the bottleneck of the finest stream; each coarser one has
            twice as many, and the last convolution 64 times.
        momentum: float. Momentum of the batch normalisations.
        kernel_initializer: Keras initializer of the kernels.
        frozen_statistics: bool, of the batch normalisations; see `BatchNorm`.
    Call arguments:
        inputs: list of four tensors `[B, H / 2**i, W / 2**i, C_i]`, finest first.
        training: bool.
    Returns:
        A tensor `[B, H / 8, W / 8, 64 * width]`, officially of 2048 channels.
    Reference:
        arXiv 1908.07919, appendix; HRNet-Image-Classification.
    """

    def __init__(
        self,
        width: int = WIDTH,
        momentum: float = 0.9,
        kernel_initializer: Initializer = "he_normal",
        frozen_statistics: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(momentum, kernel_initializer, frozen_statistics, **kwargs)
        options = self.unit_options
        self.width = width
        widths = [width * 2**i for i in range(4)]
        self.increase = [
            Bottleneck(filters, name=f"increase{i}", **options)
            for i, filters in enumerate(widths)
        ]
        self.downsample = [
            ConvNorm(
                Bottleneck.expansion * filters,
                3,
                strides=2,
                use_bias=True,
                name=f"downsample{i}",
                **options,
            )
            for i, filters in enumerate(widths[1:])
        ]
        self.final = ConvNorm(
            _FINAL_FACTOR * width, 1, use_bias=True, name="final", **options
        )

    def build(self, input_shapes: Sequence[Shape]) -> None:
        shapes = []
        for block, shape in zip(self.increase, input_shapes, strict=True):
            block.build(tuple(shape))
            shapes.append(block.compute_output_shape(tuple(shape)))
        for conv, shape in zip(self.downsample, shapes[:-1], strict=True):
            conv.build(shape)
        self.final.build(shapes[-1])
        self.built = True

    def call(self, inputs: Sequence[Tensor], training: bool | None = None) -> Tensor:
        widened = [
            block(x, training=training)
            for block, x in zip(self.increase, inputs, strict=True)
        ]
        total = widened[0]
        for conv, x in zip(self.downsample, widened[1:], strict=True):
            total = x + conv(total, training=training)
        return self.final(total, training=training)

    def compute_output_shape(self, input_shapes: Sequence[Shape]) -> Shape:
        return (*input_shapes[-1][:-1], _FINAL_FACTOR * self.width)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "width": self.width}
