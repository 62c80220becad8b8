"""ONNX files, for ONNX Runtime and all that reads its format."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrnet_tf.export import onnx_file
from hrnet_tf.export.graphs import description_text
from hrnet_tf.export.portable import (
    checked_pictures,
    portable_graph,
    portable_inference,
)
from hrnet_tf.extras import import_extra
from hrnet_tf.io import replacing
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    import numpy as np

    from hrnet_tf.models.base import HRNetModel


PRECISIONS = ("float32", "float16", "int8")
# Understood by runtimes since ONNX 1.13, of 2022.
_OPSET = 18


def export_onnx(
    model: "HRNetModel",
    path: PathLike,
    precision: str = "float32",
    batch_size: int | None = None,
    calibration: "Iterable[np.ndarray] | None" = None,
    **options: Any,
) -> Path:
    """Writes a model of a task as an ONNX file of standard operations.

    Its only signature is that of the task's inference which takes pixels: "crops" of
    poses, faces and classifiers, "images" of segmenters; texts are left out. The file
    appears only when complete.

    Args:
        model: `HRNetModel` of a task. Mixed precision is left out.
        path: str or path of the .onnx file; an existing one is replaced.
        precision: "float32"; "float16" stores the weights in half the size, and
            computes in float32; "int8" computes convolutions in whole numbers, which
            are fitted to the calibration's pictures.
        batch_size: int, or None for any number of crops or images in a call.
        calibration: iterable of uint8 arrays `[H, W, 3]` as the signature takes them,
            for "int8".
        **options: of the task's inference, such as `flip_test`; of segmenters
            `image_size`, (height, width), fixed; None takes the model's.
    Returns:
        The `Path` of the file.
    Raises:
        ValueError: if an argument is wrong, the model cannot be exported, or tf2onnx
            is not installed.
    """
    if precision not in PRECISIONS:
        raise ValueError(
            f"precision must be one of {PRECISIONS}. Received: precision={precision!r}."
        )
    tf2onnx = import_extra("tf2onnx", "The format onnx")
    onnx = import_extra("onnx", "The format onnx")
    inference = portable_inference(model, **options)
    name, graph = portable_graph(inference, batch_size)
    if precision == "int8":
        calibration = checked_pictures(graph, calibration)
    converted, _ = tf2onnx.convert.from_function(
        graph, input_signature=graph.input_signature, opset=_OPSET
    )
    if precision == "int8":
        from hrnet_tf.export.onnx_int8 import quantized

        converted = quantized(converted, calibration, batch_size)
    elif precision == "float16":
        onnx_file.store_in_float16(converted)
    text = description_text(inference, signature=name, precision=precision)
    onnx_file.describe(converted, text)
    with replacing(path) as beside:
        onnx.save(converted, str(beside))
    return Path(path)
