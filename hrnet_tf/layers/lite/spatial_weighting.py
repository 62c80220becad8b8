"""Weights of a stream's channels, from the whole stream."""

from typing import Any

import keras

from hrnet_tf.layers.convolution import Conv2D
from hrnet_tf.typing import Initializer, Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class SpatialWeighting(keras.layers.Layer):
    """Multiplies each channel by a weight in 0..1 that is computed of all means.

    Args:
        reduction: int. How many times fewer channels there are in between.
        kernel_initializer: Keras initializer of the kernels.
    Call arguments:
        inputs: tensor `[B, H, W, C]`.
    Returns:
        A tensor `[B, H, W, C]`.
    Reference:
        arXiv 2104.06403, section 3.2.
    """

    def __init__(
        self,
        reduction: int = 4,
        kernel_initializer: Initializer = "he_normal",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.reduction = reduction
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape: Shape) -> None:
        channels = input_shape[-1]
        assert channels is not None
        shape = (input_shape[0], 1, 1, channels)
        for name, filters in (
            ("conv1", channels // self.reduction),
            ("conv2", channels),
        ):
            conv = Conv2D(
                filters,
                1,
                kernel_initializer=self.kernel_initializer.clone(),
                dtype=self.dtype_policy,
                name=name,
            )
            conv.build(shape)
            shape = (*shape[:-1], filters)
            setattr(self, name, conv)
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        ops = keras.ops
        x = ops.mean(inputs, axis=(1, 2), keepdims=True)
        x = ops.relu(self.conv1(x))
        return inputs * ops.sigmoid(self.conv2(x))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "reduction": self.reduction,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
