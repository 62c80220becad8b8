"""Cutting a map to the size of another one."""

from collections.abc import Sequence
from typing import Any

import keras

from hrnet_tf.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class CropLike(keras.layers.Layer):
    """Leaves out the last rows and columns that another map does not have.

    Args:
        stride: int. How many times larger the sides of the other map are.
    Call arguments:
        inputs: pair `(x, like)` shaped `[B, h, w, C]` and `[B, H, W, D]`; x has the
            rows and columns that are left, at least.
    Returns:
        A tensor `[B, ceil(H / stride), ceil(W / stride), C]`.
    """

    def __init__(self, stride: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stride = stride

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        x, like = inputs
        height, width = (self._cells(side) for side in keras.ops.shape(like)[1:3])
        return x[:, :height, :width]

    def _cells(self, side):
        return (side + self.stride - 1) // self.stride

    def compute_output_shape(self, input_shapes: Sequence[Shape]) -> Shape:
        x, like = (tuple(shape) for shape in input_shapes)
        sides = [None if side is None else self._cells(side) for side in like[1:3]]
        return (like[0], *sides, x[3])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "stride": self.stride}
