"""LiteRT files in whole numbers, by AI Edge Quantizer.

It is told by operation what to quantise; TensorFlow's converter would take the decoding
of keypoints, too, whose pixels have to stay exact.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from hrnet_tf.export.pictures import calibration_batches
from hrnet_tf.export.quiet import quiet
from hrnet_tf.extras import import_extra

# What HRNet is made of. Layers name their operations, such as .../conv1/conv/Relu;
# decoding does not.
_LAYERS = ".*/.*"
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_BETWEEN = (
    *("ADD", "PAD", "CONCATENATION", "MEAN", "RESHAPE"),
    *("RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR", "MAX_POOL_2D", "AVERAGE_POOL_2D"),
)
# What Lite-HRNet has besides: weights between 0 and 1, and shuffled channels. Not of
# pixels, which are normalised before.
_LIGHT_LAYERS = "^(?!.*normalize).*/.*"
_LIGHT = ("MUL", "LOGISTIC", "TRANSPOSE", "STRIDED_SLICE", "RELU")
# Maps below this are zero, and are taken to go up to that: runtimes refuse to divide by
# almost nothing.
_DEAD, _DEAD_RANGE = 1e-6, 1e-2


def with_whole_weights(content: bytes) -> bytes:
    """Returns a file whose weights are int8, computed with as the numbers come.

    Args:
        content: bytes of a float32 file.
    """
    quantizer, names = _quantizer(content)
    for name in _WEIGHTED:
        quantizer.add_dynamic_config(".*", names(name), num_bits=8)
    with quiet():
        return bytes(quantizer.quantize().quantized_model)


def quantized(
    content: bytes,
    signature: str,
    pictures: Iterable[np.ndarray] | None,
    batch_size: int = 1,
) -> bytes:
    """Returns a file whose network computes in int8; its decoding stays as it is.

    Args:
        content: bytes of a float32 file.
        signature: str, the name of its signature.
        pictures: iterable of uint8 arrays `[H, W, 3]`, as the network will see them.
        batch_size: int, of the file.
    Raises:
        ValueError: if there are no pictures.
    """
    fed = {signature: calibration_batches(pictures, batch_size)}
    quantizer, names = _quantizer(content)
    for name in (*_WEIGHTED, *_BETWEEN):
        quantizer.add_static_config(
            _LAYERS, names(name), activation_num_bits=8, weight_num_bits=8
        )
    for name in _LIGHT:
        quantizer.add_static_config(
            _LIGHT_LAYERS, names(name), activation_num_bits=8, weight_num_bits=8
        )
    with quiet():
        found = widened(quantizer.calibrate(fed))
        return bytes(quantizer.quantize(found).quantized_model)


def widened(ranges: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Returns the ranges of a network's maps, where none is empty.

    A map whose units are all dead has no range, and its numbers no size.

    Args:
        ranges: dict of maps' names to dicts with "min" and "max", arrays.
    """
    found = {}
    for name, known in ranges.items():
        known = dict(known)
        if "min" in known and "max" in known:
            reach = np.maximum(np.abs(known["min"]), np.abs(known["max"]))
            if reach.size and reach.max() < _DEAD:
                known["max"] = np.full_like(known["max"], _DEAD_RANGE)
        found[name] = known
    return found


def _quantizer(content):
    """A quantizer, and the function from an operation's name to what it calls it."""
    library = import_extra("ai_edge_quantizer", "The precision int8 of litert")
    return library.quantizer.Quantizer(bytearray(content)), (
        library.qtyping.TFLOperationName
    )
