"""OpenVINO models in whole numbers, by NNCF."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from hrnet_tf.export.pictures import calibration_batches
from hrnet_tf.export.quiet import quiet
from hrnet_tf.extras import import_extra

# Operations with weights, which whole numbers make faster.
_WEIGHTED = ("Convolution", "MatMul")


def quantized(
    model: Any, pictures: Iterable[np.ndarray] | None, batch_size: int | None = None
) -> Any:
    """Returns a model whose network computes in int8; its decoding stays as it is.

    Args:
        model: `openvino.Model` with one input, "images".
        pictures: iterable of uint8 arrays `[H, W, 3]`, as the network will see them.
        batch_size: int or None, of the model.
    Raises:
        ValueError: if there are no pictures, or NNCF is not installed.
    """
    nncf = import_extra("nncf", "The precision int8 of openvino")
    fed = calibration_batches(pictures, batch_size)
    ignored = nncf.IgnoredScope(names=_behind_the_network(model), validate=False)
    with quiet():
        return nncf.quantize(
            model,
            nncf.Dataset(fed),
            subset_size=len(fed),
            preset=nncf.QuantizationPreset.MIXED,
            ignored_scope=ignored,
            # Processors without VNNI add pairs of products in 16 bits, which 8 bits of
            # a weight may exceed.
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                overflow_fix=nncf.OverflowFix.ENABLE
            ),
        )


def _behind_the_network(model):
    """Names of the operations that nothing of the network is computed from."""
    operations = model.get_ordered_ops()
    # Decoding has none of them.
    waiting = [op for op in operations if op.get_type_name() in _WEIGHTED]
    inside = set()
    while waiting:
        op = waiting.pop()
        if op.get_friendly_name() not in inside:
            inside.add(op.get_friendly_name())
            waiting += [source.get_node() for source in op.input_values()]
    kept = ("Constant", "Parameter", "Result")
    return [
        op.get_friendly_name()
        for op in operations
        if op.get_friendly_name() not in inside and op.get_type_name() not in kept
    ]
