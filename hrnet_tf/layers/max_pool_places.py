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
        places = ops.cast(_first_of_the_largest(x), self.compute_dtype)
        return [ops.sum(x * places, axis=3), places]

    def compute_output_shape(self, input_shape: Shape) -> list[Shape]:
        batch, *sides, channels = input_shape
        sides = [None if side is None else -(-side // 2) for side in sides]
        return [(batch, *sides, channels), (batch, *sides, 4, channels)]


def _first_of_the_largest(x):
    """bool `[B, h, w, 4, C]`, True at one of each four.

    By comparisons alone: LiteRT does not have all operations of Keras' argmax.
    """
    ops = keras.ops
    cells = [x[:, :, :, k] for k in range(4)]
    chosen = []
    taken = ops.zeros_like(cells[0], dtype="bool")
    for k, cell in enumerate(cells):
        is_largest = ops.logical_not(taken)
        for later in cells[k + 1 :]:
            is_largest = ops.logical_and(is_largest, cell >= later)
        chosen.append(is_largest)
        taken = ops.logical_or(taken, is_largest)
    return ops.stack(chosen, axis=3)
