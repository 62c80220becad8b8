"""How much arithmetic a network is."""

import math
from typing import TYPE_CHECKING

import tensorflow as tf

if TYPE_CHECKING:
    from hrnet_tf.models.base import HRNetModel

# Operations whose filters say how many products each output is a sum of.
_CONVOLUTIONS = ("Conv2D", "DepthwiseConv2dNative")


def image_operations(model: "HRNetModel", image_size: tuple[int, int]) -> float:
    """Counts the floating point operations of a network for an image.

    Counted are convolutions and products of matrices, two operations for each
    multiply-add; what lies between them is a small part.

    Args:
        model: `HRNetModel`.
        image_size: (height, width), divisible by 32.
    """
    spec = tf.TensorSpec((1, *image_size, 3), tf.float32)
    graph = tf.function(lambda images: model(images, training=False))
    operations = graph.get_concrete_function(spec).graph.get_operations()
    return 2.0 * sum(map(_products, operations))


def _products(operation):
    """Multiply-adds of an operation of a graph of known shapes."""
    if operation.type in _CONVOLUTIONS:
        height, width, inputs, _ = operation.inputs[1].shape
        each = height * width * (inputs if operation.type == "Conv2D" else 1)
        return each * math.prod(operation.outputs[0].shape)
    if operation.type == "Conv2DBackpropInput":
        # A transposed convolution: each input is spread by the filter.
        height, width, outputs, _ = operation.inputs[1].shape
        return height * width * outputs * math.prod(operation.inputs[2].shape)
    if operation.type in ("MatMul", "BatchMatMulV2"):
        shape = operation.inputs[0].shape
        transposed = operation.get_attr(
            "transpose_a" if operation.type == "MatMul" else "adj_x"
        )
        inner = shape[-2] if transposed else shape[-1]
        return (inner or 0) * math.prod(
            side or 1 for side in operation.outputs[0].shape
        )
    return 0
