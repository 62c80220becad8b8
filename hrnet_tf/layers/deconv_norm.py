"""Transposed convolution, batch normalisation and ReLU: doubling the resolution."""

from typing import Any

import keras

from hrnet_tf.layers.batch_norm import BatchNorm
from hrnet_tf.layers.normalized import NormalizedLayer
from hrnet_tf.typing import Initializer, Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class DeconvNorm(NormalizedLayer):
    """Bias-free 4x4 transposed convolution of stride 2, normalisation and ReLU.

    Args:
        filters: int. Number of output channels.
        momentum: float. Momentum of the batch normalisation (Keras convention).
        kernel_initializer: Keras initializer of the kernel.
        frozen_statistics: bool, of the batch normalisation; see `BatchNorm`.
    Call arguments:
        inputs: tensor `[B, H, W, C]`.
        training: bool.
    Returns:
        A tensor `[B, 2 * H, 2 * W, filters]`.
    """

    def __init__(
        self,
        filters: int,
        momentum: float = 0.9,
        kernel_initializer: Initializer = "he_normal",
        frozen_statistics: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(momentum, kernel_initializer, frozen_statistics, **kwargs)
        self.filters = filters
        # Of the 4x4 kernel "same" crops one pixel on every side, as padding=1 does.
        self.conv = keras.layers.Conv2DTranspose(
            filters,
            4,
            strides=2,
            padding="same",
            use_bias=False,
            kernel_initializer=self.kernel_initializer.clone(),
            dtype=self.dtype_policy,
            name="conv",
        )
        self.norm = BatchNorm(
            momentum,
            frozen_statistics=frozen_statistics,
            dtype=self.dtype_policy,
            name="norm",
        )

    def build(self, input_shape: Shape) -> None:
        self.conv.build(input_shape)
        self.norm.build(self.compute_output_shape(input_shape))
        self.built = True

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        return keras.ops.relu(self.norm(self.conv(inputs), training=training))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, *sides, _ = input_shape
        sides = [None if side is None else 2 * side for side in sides]
        return (batch, *sides, self.filters)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "filters": self.filters}
