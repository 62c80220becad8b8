"""Filling small maps up, for kernels that need so many cells."""

from typing import Any

import keras

from hrnet_tf.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class FillUp(keras.layers.Layer):
    """Adds rows below and columns on the right, of zeros, where there are too few.

    Args:
        least: int. Cells of each side at least.
    Call arguments:
        inputs: tensor `[B, H, W, C]`.
    Returns:
        A tensor `[B, max(H, least), max(W, least), C]`.
    """

    def __init__(self, least: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.least = least

    def call(self, inputs: Tensor) -> Tensor:
        ops = keras.ops
        below, right = (
            max(self.least - side, 0)
            if isinstance(side, int)
            else ops.maximum(self.least - side, 0)
            for side in ops.shape(inputs)[1:3]
        )
        return ops.pad(inputs, ((0, 0), (0, below), (0, right), (0, 0)))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, *sides, channels = input_shape
        sides = [None if side is None else max(side, self.least) for side in sides]
        return (batch, *sides, channels)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "least": self.least}
