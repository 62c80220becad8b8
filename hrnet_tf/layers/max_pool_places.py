"""Max pooling that tells where the maxima were."""

import keras

from hrnet_tf.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class MaxPoolPlaces(keras.layers.Layer):
    """The largest of four neighbours, and which of the four it was.

    Of equal ones the first counts. Maps of odd sides are filled up by their last row
    and column.

    Call arguments:
        inputs: tensor `[B, H, W, C]`.
    Returns:
        A list: the maxima `[B, ceil(H / 2), ceil(W / 2), C]`, and for `MaxUnpool` their
        places `[B, ceil(H / 2), ceil(W / 2), 4, C]`, 1 at the maximum and else 0.
    Reference:
        arXiv 1511.00561, section 3; arXiv 1505.04366.
    """

    def call(self, inputs: Tensor) -> list[Tensor]:
        ops = keras.ops
        height, width = ops.shape(inputs)[1:3]
        channels = inputs.shape[-1]
        x = ops.pad(
            inputs, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), "symmetric"
        )
        rows, columns = (height + 1) // 2, (width + 1) // 2
        x = ops.reshape(x, (-1, rows, 2, columns, 2, channels))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        x = ops.reshape(x, (-1, rows, columns, 4, channels))
        places = ops.one_hot(ops.argmax(x, axis=3), 4, axis=3, dtype=self.compute_dtype)
        return [ops.sum(x * places, axis=3), places]

    def compute_output_shape(self, input_shape: Shape) -> list[Shape]:
        batch, *sides, channels = input_shape
        sides = [None if side is None else -(-side // 2) for side in sides]
        return [(batch, *sides, channels), (batch, *sides, 4, channels)]
