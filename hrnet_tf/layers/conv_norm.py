"""Convolution, batch normalisation and optional ReLU: HRNet's basic unit."""

from typing import Any

import keras

from hrnet_tf.layers.batch_norm import BatchNorm
from hrnet_tf.layers.convolution import Conv2D
from hrnet_tf.layers.normalized import NormalizedLayer
from hrnet_tf.typing import Initializer, Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class ConvNorm(NormalizedLayer):
    """Convolution, batch normalisation and, if asked, ReLU.

    Padding is symmetric, as in PyTorch: Keras' `padding="same"` shifts strided
    convolutions by a pixel, which ruins imported weights.

    Args:
        filters: int. Number of output channels.
        kernel_size: int, odd. Side of the kernel.
        strides: int. Stride of the convolution.
        activation: "relu" or None. Applied after the normalisation.
        momentum: float. Momentum of the batch normalisation (Keras convention).
        kernel_initializer: Keras initializer of the kernel.
        use_bias: bool. Gives the convolution a bias, which the normalisation makes
            useless; heads of official checkpoints have one.
        frozen_statistics: bool, of the batch normalisation; see `BatchNorm`.
    Call arguments:
        inputs: tensor `[B, H, W, C]`.
        training: bool.
    Returns:
        A tensor `[B, ceil(H / strides), ceil(W / strides), filters]`.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        strides: int = 1,
        activation: str | None = "relu",
        momentum: float = 0.9,
        kernel_initializer: Initializer = "he_normal",
        use_bias: bool = False,
        frozen_statistics: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(momentum, kernel_initializer, frozen_statistics, **kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.activation = activation
        self.use_bias = use_bias
        self.margin = (kernel_size - 1) // 2 if strides > 1 else 0
        self.conv = Conv2D(
            filters,
            kernel_size,
            strides,
            padding="valid" if strides > 1 else "same",
            use_bias=use_bias,
            # One initializer object draws the same values at each call.
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
        batch, *sides, channels = input_shape
        sides = [None if s is None else s + 2 * self.margin for s in sides]
        self.conv.build((batch, *sides, channels))
        self.norm.build((*input_shape[:-1], self.filters))
        self.built = True

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        x = inputs
        if self.margin:
            side = (self.margin, self.margin)
            x = keras.ops.pad(x, ((0, 0), side, side, (0, 0)))
        x = self.norm(self.conv(x), training=training)
        return keras.ops.relu(x) if self.activation == "relu" else x

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, *sides, _ = input_shape
        sides = [None if s is None else -(-s // self.strides) for s in sides]
        return (batch, *sides, self.filters)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "activation": self.activation,
            "use_bias": self.use_bias,
        }
