"""Multiply-adds of any network, from its graph."""

import math
from typing import Any

# Operations whose inputs are (map, kernel), and what is counted of them.
_CONVOLUTIONS = ("Conv2D", "DepthwiseConv2dNative")


def count_multiply_adds(model: Any) -> int:
    """Counts the multiply-adds (int) of a model for one image.

    Convolutions, transposed ones and linear layers are counted, as
    `hrnet_tf.models.counting` does without building anything. A convolution that is
    computed twice counts twice. It needs the TensorFlow backend.

    Args:
        model: `keras.Model` of a known input size.
    Raises:
        ValueError: if its input has no fixed size.
    """
    import tensorflow as tf

    shape = (1, *model.input_shape[1:])
    if None in shape:
        raise ValueError(
            f"Multiply-adds are of one size of images. Received: {model.name}, which"
            f" takes {model.input_shape[1:]}. Build it with image_size=(height, width)."
        )

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32)])
    def run(images):
        return model(images, training=False)

    graph = run.get_concrete_function().graph
    return sum(_count(operation) for operation in _operations(graph))


def _operations(graph):
    """The operations of a graph and of the functions that it calls."""
    functions = {f.name: f for f in graph._functions.values()}
    for operation in graph.get_operations():
        yield operation
        if operation.type in ("PartitionedCall", "StatefulPartitionedCall"):
            called = functions.get(operation.get_attr("f").name)
            if called is not None:
                yield from _operations(called.graph)


def _output(operation):
    """The map that a convolution makes.

    TensorFlow cuts what is convolved with dilation into maps of its own, which it fills
    up, and puts these together again.
    """
    (made,) = operation.outputs
    joined = [x.outputs[0] for x in made.consumers() if x.type == "BatchToSpaceND"]
    return joined[0] if joined else made


def _count(operation):
    kind = operation.type
    if kind in _CONVOLUTIONS:
        kernel = operation.inputs[1].shape.as_list()
        places = math.prod(_output(operation).shape.as_list()[:3])
        # A depthwise kernel is [h, w, channels, outputs of each].
        return places * math.prod(kernel)
    if kind == "Conv2DBackpropInput":
        kernel = operation.inputs[1].shape.as_list()
        return math.prod(operation.inputs[2].shape.as_list()[:3]) * math.prod(kernel)
    if kind == "MatMul":
        rows, columns = operation.outputs[0].shape.as_list()
        return rows * columns * operation.inputs[0].shape.as_list()[1]
    return 0
