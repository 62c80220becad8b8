"""A linear layer over the features of regions."""

import math
from typing import Any

import keras

from hrnet_tf.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class RegionDense(keras.layers.Layer):
    """A linear layer over all places and channels of a small map.

    Its kernel keeps the axes of the map, so that its weights are those of other
    frameworks whatever order these have their axes in.

    Args:
        units: int. Number of outputs.
    Call arguments:
        inputs: tensor `[N, h, w, C]`.
    Returns:
        A tensor `[N, units]`.
    """

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape: Shape) -> None:
        _, height, width, channels = input_shape
        assert height and width and channels
        # Glorot's limits of the whole map, not those of a convolution's.
        limit = math.sqrt(6 / (height * width * channels + self.units))
        self.kernel = self.add_weight(
            (height, width, channels, self.units),
            initializer=keras.initializers.RandomUniform(-limit, limit),
            name="kernel",
        )
        self.bias = self.add_weight((self.units,), initializer="zeros", name="bias")
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        ops = keras.ops
        places = math.prod(self.kernel.shape[:-1])
        x = ops.reshape(inputs, (-1, places))
        return ops.matmul(x, ops.reshape(self.kernel, (places, self.units))) + self.bias

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.units)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}
