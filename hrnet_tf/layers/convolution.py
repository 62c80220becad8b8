"""The convolution of all layers."""

from typing import Any

import keras

from hrnet_tf.typing import Tensor

# Of the numbers of channels that oneDNN's kernels take at once, the largest.
_CHANNELS_AT_ONCE = 16


@keras.saving.register_keras_serializable(package="hrnet_tf")
class Conv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` whose kernel is rounded where it is used.

    In mixed precision Keras reads a rounded copy of the kernel; here the kernel is read
    as it is, and rounded by the convolution, so that TensorFlow does not make the
    copies of all layers at a step's begin.

    Strided 1x1 convolutions of few channels leave out the positions between the strides
    first: oneDNN, TensorFlow's library on x86, computes the gradient of such kernels
    wrongly with fewer input channels than it takes at once.
    """

    def add_weight(self, *args: Any, name: str | None = None, **kwargs: Any) -> Any:
        if name == "kernel":
            kwargs["autocast"] = False
        return super().add_weight(*args, name=name, **kwargs)

    def convolution_op(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        return self.convolve(inputs, keras.ops.cast(kernel, self.compute_dtype))

    def convolve(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """Convolves a tensor by a kernel of its type, without the bias."""
        if not self.thins():
            return super().convolution_op(inputs, kernel)
        return keras.ops.conv(
            self.thinned(inputs), kernel, padding="valid", data_format=self.data_format
        )

    def thins(self) -> bool:
        """Whether positions are left out first, as no kernel may stride over them."""
        return (
            self.kernel_size == (1, 1)
            and max(self.strides) > 1
            and self.data_format == "channels_last"
            and self.kernel.shape[2] < _CHANNELS_AT_ONCE
        )

    def thinned(self, inputs: Tensor) -> Tensor:
        """The positions `[B, H', W', C]` of inputs that a strided 1x1 kernel reads."""
        rows, columns = self.strides
        return inputs[:, ::rows, ::columns]
