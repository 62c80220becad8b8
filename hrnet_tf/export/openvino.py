"""OpenVINO's files (.xml and .bin), for Intel's and other processors."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrnet_tf.export import openvino_file
from hrnet_tf.export.graphs import description_text, save_functions
from hrnet_tf.export.openvino_layout import channels_first
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


PRECISIONS = ("float16", "float32", "bfloat16", "int8")


def export_openvino(
    model: "HRNetModel",
    path: PathLike,
    precision: str = "float16",
    batch_size: int | None = None,
    calibration: "Iterable[np.ndarray] | None" = None,
    **options: Any,
) -> Path:
    """Writes a model of a task as an OpenVINO file, and its weights beside it.

    Its only signature is that of the task's inference which takes pixels: "crops" of
    poses, faces and classifiers, "images" of segmenters; texts are left out.

    Args:
        model: `HRNetModel` of a task. Mixed precision is left out.
        path: str or path of the .xml file; an existing one, and its .bin, are replaced.
        precision: "float16" or "bfloat16" store the weights in half the size, and the
            runtime computes in what is fastest on the processor; "float32" keeps the
            weights, and computes in float32; "int8" computes convolutions in whole
            numbers, which NNCF fits to the calibration's pictures.
        batch_size: int, or None for any number of crops or images in a call.
        calibration: iterable of uint8 arrays `[H, W, 3]` as the signature takes them,
            for "int8".
        **options: of the task's inference, such as `flip_test`; of segmenters
            `image_size`, (height, width), fixed; None takes the model's.
    Returns:
        The `Path` of the .xml file.
    Raises:
        ValueError: if an argument is wrong, the model cannot be exported, or OpenVINO
            is not installed.
    """
    if precision not in PRECISIONS:
        raise ValueError(
            f"precision must be one of {PRECISIONS}. Received: precision={precision!r}."
        )
    openvino = import_extra("openvino", "The format openvino")
    inference = portable_inference(model, **options)
    name, graph = portable_graph(inference, batch_size)
    if precision == "int8":
        calibration = checked_pictures(graph, calibration)
    with tempfile.TemporaryDirectory() as folder:
        save_functions([inference.model], folder, {name: graph})
        converted = openvino.convert_model(folder)
    _name_outputs(converted, graph)
    channels_first(converted)
    if precision == "int8":
        from hrnet_tf.export.openvino_int8 import quantized

        converted = quantized(converted, calibration, batch_size)
    elif precision == "bfloat16":
        openvino_file.store_in_bfloat16(converted)
    text = description_text(inference, signature=name, precision=precision)
    openvino_file.describe(converted, text)
    _save(openvino, converted, Path(path), precision == "float16")
    return Path(path)


def _name_outputs(converted, graph):
    """Leaves inputs and outputs the names of the signature alone."""
    wanted = set(graph.get_concrete_function().structured_outputs)
    for port in (*converted.inputs, *converted.outputs):
        names = port.get_names()
        (name,) = names & (wanted | {"images"})
        port.get_tensor().set_names({name})


def _save(openvino, converted, path, in_float16):
    """Writes both files. Between the two there is no .xml, so that none is of another's
    weights.
    """
    weights = path.with_suffix(".bin")
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder, "model.xml")
        openvino.save_model(converted, str(written), compress_to_fp16=in_float16)
        with replacing(path) as beside, replacing(weights) as weights_beside:
            beside.write_bytes(written.read_bytes())
            weights_beside.write_bytes(written.with_suffix(".bin").read_bytes())
            path.unlink(missing_ok=True)
