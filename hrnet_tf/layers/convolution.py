"""The convolution of all layers."""

from typing import Any

import keras

from hrnet_tf.typing import Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class Conv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` whose kernel is rounded where it is used.

    In mixed precision Keras reads a rounded copy of the kernel; here the kernel is read
    as it is, and rounded by the convolution, so that TensorFlow does not make the
    copies of all layers at a step's begin.
    """

    def add_weight(self, *args: Any, name: str | None = None, **kwargs: Any) -> Any:
        if name == "kernel":
            kwargs["autocast"] = False
        return super().add_weight(*args, name=name, **kwargs)

    def convolution_op(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        kernel = keras.ops.cast(kernel, self.compute_dtype)
        return super().convolution_op(inputs, kernel)
