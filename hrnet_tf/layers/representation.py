"""HRNetV2's representation: all streams, at the finest one's size."""

from collections.abc import Sequence
from typing import Any

import keras

from hrnet_tf.layers.resize import ResizeLike
from hrnet_tf.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class StreamConcatenation(keras.layers.Layer):
    """Upsamples all streams to the size of the finest and concatenates them.

    Args:
        interpolation: see `ResizeLike`.
    Call arguments:
        inputs: list of tensors `[B, H / 2**i, W / 2**i, C_i]`, finest first.
    Returns:
        A tensor `[B, H, W, sum(C_i)]`.
    Reference:
        arXiv 1908.07919, section 3.3, figure 4 (b).
    """

    def __init__(self, interpolation: str = "bilinear", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.interpolation = interpolation
        self.resize = ResizeLike(interpolation, dtype=self.dtype_policy, name="resize")

    def build(self, input_shapes: Sequence[Shape]) -> None:
        if len(input_shapes) > 1:
            self.resize.build((input_shapes[1], input_shapes[0]))
        self.built = True

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        finest = inputs[0]
        resized = [self.resize((x, finest)) for x in inputs[1:]]
        return keras.ops.concatenate([finest, *resized], axis=-1)

    def compute_output_shape(self, input_shapes: Sequence[Shape]) -> Shape:
        shapes: list[Any] = [tuple(shape) for shape in input_shapes]
        return (*shapes[0][:-1], sum(shape[-1] for shape in shapes))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "interpolation": self.interpolation}
