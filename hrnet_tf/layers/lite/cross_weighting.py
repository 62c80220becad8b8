"""Weights of all streams' channels, from all streams."""

from collections.abc import Sequence
from typing import Any

import keras

from hrnet_tf.layers.conv_norm import ConvNorm
from hrnet_tf.layers.normalized import NormalizedLayer
from hrnet_tf.layers.resize import ResizeLike
from hrnet_tf.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class CrossResolutionWeighting(NormalizedLayer):
    """Multiplies each stream by weights that are computed of all streams together.

    The streams are averaged to the coarsest one's size; two 1x1 convolutions make a
    weight in 0..1 for each place and channel, which is repeated to a stream's size.

    Args:
        widths: sequence of int. Channels of each stream, finest first.
        reduction: int. How many times fewer channels there are in between.
        **kwargs: see `NormalizedLayer`.
    Call arguments:
        inputs: list of tensors `[B, H / 2**i, W / 2**i, widths[i]]`, whose sides are
            divisible.
        training: bool.
    Returns:
        A list of tensors of the same shapes.
    Reference:
        arXiv 2104.06403, section 3.2.
    """

    def __init__(
        self, widths: Sequence[int], reduction: int = 8, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.widths = tuple(widths)
        self.reduction = reduction
        options = self.unit_options
        total = sum(self.widths)
        self.conv1 = ConvNorm(total // reduction, 1, name="conv1", **options)
        self.conv2 = ConvNorm(total, 1, activation=None, name="conv2", **options)
        self.resize = ResizeLike("nearest", dtype=self.dtype_policy, name="resize")

    def build(self, input_shapes: Sequence[Shape]) -> None:
        shape = (*input_shapes[-1][:-1], sum(self.widths))
        self.conv1.build(shape)
        self.conv2.build(self.conv1.compute_output_shape(shape))
        self.built = True

    def call(
        self, inputs: Sequence[Tensor], training: bool | None = None
    ) -> list[Tensor]:
        ops = keras.ops
        last = len(inputs) - 1
        small = [self._averaged(x, 2 ** (last - i)) for i, x in enumerate(inputs)]
        x = self.conv1(ops.concatenate(small, axis=-1), training=training)
        x = ops.sigmoid(self.conv2(x, training=training))
        outputs, begin = [], 0
        for stream, width in zip(inputs, self.widths, strict=True):
            weights = x[..., begin : begin + width]
            if stream is not inputs[-1]:
                weights = self.resize((weights, stream))
            outputs.append(stream * weights)
            begin += width
        return outputs

    @staticmethod
    def _averaged(x, side):
        if side == 1:
            return x
        return keras.ops.average_pool(
            x, side, side, "valid", data_format="channels_last"
        )

    def compute_output_shape(self, input_shapes: Sequence[Shape]) -> list[Shape]:
        return [tuple(shape) for shape in input_shapes]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "widths": self.widths,
            "reduction": self.reduction,
        }
