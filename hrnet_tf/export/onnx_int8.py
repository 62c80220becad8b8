"""ONNX models in whole numbers, by ONNX Runtime."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from hrnet_tf.export.pictures import calibration_batches
from hrnet_tf.export.quiet import quiet
from hrnet_tf.extras import import_extra

# What HRNet is made of; between convolutions numbers then stay whole.
_OPERATIONS = ("Conv", "MatMul", "Add", "Relu", "Resize", "MaxPool", "Concat")
_WEIGHTED = ("Conv", "MatMul")


def quantized(
    model: Any, pictures: Iterable[np.ndarray] | None, batch_size: int | None = None
) -> Any:
    """Returns a model whose network computes in int8; its decoding stays as it is.

    Args:
        model: `onnx.ModelProto` with one input, "images".
        pictures: iterable of uint8 arrays `[H, W, 3]`, as the network will see them.
        batch_size: int or None, of the model.
    Raises:
        ValueError: if there are no pictures, or ONNX Runtime is not installed.
    """
    tools = import_extra("onnxruntime.quantization", "The precision int8 of onnx")
    onnx = import_extra("onnx", "The precision int8 of onnx")
    fed = calibration_batches(pictures, batch_size)

    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "before.onnx"), Path(folder, "after.onnx")
        onnx.save(model, str(before))
        with quiet():
            tools.quantize_static(
                str(before),
                str(after),
                _Pictures(fed),
                quant_format=tools.QuantFormat.QDQ,
                op_types_to_quantize=list(_OPERATIONS),
                per_channel=True,
                # Processors without VNNI add pairs of products in 16 bits, which 8 bits
                # of a weight may exceed.
                reduce_range=True,
                nodes_to_exclude=_behind_the_network(model),
            )
        return onnx.load(str(after))


class _Pictures:
    """What ONNX Runtime asks for inputs until there are no more."""

    def __init__(self, fed):
        self._left = iter(fed)

    def get_next(self):
        return next(self._left, None)


def _behind_the_network(model):
    """Names of the operations that nothing of the network is computed from."""
    nodes = model.graph.node
    makers = {output: node for node in nodes for output in node.output}
    # Decoding has none of them.
    waiting = [node for node in nodes if node.op_type in _WEIGHTED]
    inside = set()
    while waiting:
        node = waiting.pop()
        if node.name not in inside:
            inside.add(node.name)
            waiting += [makers[name] for name in node.input if name in makers]
    return [node.name for node in nodes if node.name not in inside]
