"""A convolution of each channel by a kernel of its own."""

from typing import Any

import keras

from hrnet_tf.typing import Initializer, Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class DepthwiseConv2D(keras.layers.Layer):
    """Depthwise convolution without a bias, with PyTorch's symmetric padding.

    The kernel is `[k, k, 1, C]`, that of a convolution in C groups: so its fan-in is
    what its initializer expects, and it is exchanged with PyTorch as all kernels are.

    Args:
        kernel_size: int, odd. Side of the kernels.
        strides: int. Stride of the convolution.
        kernel_initializer: Keras initializer of the kernels.
    Call arguments:
        inputs: tensor `[B, H, W, C]`.
    Returns:
        A tensor `[B, ceil(H / strides), ceil(W / strides), C]`.
    """

    def __init__(
        self,
        kernel_size: int = 3,
        strides: int = 1,
        kernel_initializer: Initializer = "he_normal",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kernel_size = kernel_size
        self.strides = strides
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape: Shape) -> None:
        side, channels = self.kernel_size, input_shape[-1]
        self.kernel = self.add_weight(
            name="kernel",
            shape=(side, side, 1, channels),
            initializer=self.kernel_initializer.clone(),
        )
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        x, padding = inputs, "same"
        if self.strides > 1:
            margin = ((self.kernel_size - 1) // 2,) * 2
            x = keras.ops.pad(x, ((0, 0), margin, margin, (0, 0)))
            padding = "valid"
        kernel = keras.ops.transpose(self.kernel, (0, 1, 3, 2))
        return keras.ops.depthwise_conv(
            x, kernel, self.strides, padding, data_format="channels_last"
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, *sides, channels = input_shape
        sides = [None if s is None else -(-s // self.strides) for s in sides]
        return (batch, *sides, channels)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
