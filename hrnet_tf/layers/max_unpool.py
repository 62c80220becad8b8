"""The way back of max pooling: each value where its maximum was."""

from collections.abc import Sequence

import keras

from hrnet_tf.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class MaxUnpool(keras.layers.Layer):
    """Puts values where the maxima were that `MaxPoolPlaces` took; zeros elsewhere.

    Call arguments:
        inputs: `(x, places, like)`: values `[B, h, w, C]`, places `[B, h, w, 4, C]`,
            and the map `[B, H, W, C]` that was pooled, whose size the output has.
    Returns:
        A tensor `[B, H, W, C]`.
    Reference:
        arXiv 1511.00561, section 3; arXiv 1505.04366.
    """

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        ops = keras.ops
        x, places, like = inputs
        rows, columns = ops.shape(x)[1:3]
        channels = x.shape[-1]
        x = ops.expand_dims(x, 3) * places
        x = ops.reshape(x, (-1, rows, columns, 2, 2, channels))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        x = ops.reshape(x, (-1, 2 * rows, 2 * columns, channels))
        height, width = ops.shape(like)[1:3]
        return x[:, :height, :width]

    def compute_output_shape(self, input_shapes: Sequence[Shape]) -> Shape:
        return (*tuple(input_shapes[2])[:3], input_shapes[0][-1])
