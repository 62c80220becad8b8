"""LiteRT (.tflite) files for phones and small devices."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from hrnet_tf.export import litert_int8
from hrnet_tf.export.graphs import description_text, save_functions
from hrnet_tf.export.litert_file import DESCRIPTION, add_files
from hrnet_tf.export.portable import (
    checked_pictures,
    portable_graph,
    portable_inference,
)
from hrnet_tf.io import replacing
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    import numpy as np

    from hrnet_tf.models.base import HRNetModel


PRECISIONS = ("float32", "float16", "dynamic_int8", "int8")


def export_litert(
    model: "HRNetModel",
    path: PathLike,
    precision: str = "float32",
    batch_size: int = 1,
    calibration: "Iterable[np.ndarray] | None" = None,
    **options: Any,
) -> Path:
    """Writes a model of a task as a LiteRT file of built-in operations only.

    Its only signature is that of the task's inference which takes pixels: "crops" of
    poses, faces and classifiers, "images" of segmenters; texts are left out. The file
    appears only when complete.

    Args:
        model: `HRNetModel` of a task. Mixed precision is left out: the file computes in
            float32.
        path: str or path of the .tflite file; an existing one is replaced.
        precision: "float32"; "float16" stores the weights in half the size, and
            computes in float32; "dynamic_int8" stores them in a quarter, and computes
            with numbers rounded as they come; "int8" computes the network in whole
            numbers that are fitted to the calibration's pictures.
        batch_size: int. The number of crops or images of a call, fixed.
        calibration: iterable of uint8 arrays `[H, W, 3]` as the signature takes them,
            for "int8".
        **options: of the task's inference, such as `flip_test` (True averages with the
            mirrored image, for twice the time); of segmenters `image_size`, (height,
            width), fixed; None takes the model's.
    Returns:
        The `Path` of the file.
    Raises:
        ValueError: if an argument is wrong or the model cannot be exported.
    """
    if precision not in PRECISIONS:
        raise ValueError(
            f"precision must be one of {PRECISIONS}. Received: precision={precision!r}."
        )
    inference = portable_inference(model, **options)
    description = description_text(inference)
    with replacing(path) as beside:
        beside.write_bytes(_convert(inference, batch_size, precision, calibration))
        add_files(beside, {DESCRIPTION: description, **inference.assets})
    return Path(path)


def _convert(inference, batch_size, precision, calibration):
    """Returns the content of a LiteRT file with one signature."""
    name, graph = portable_graph(inference, batch_size)
    if precision == "int8":
        calibration = checked_pictures(graph, calibration)
    # Only the way over a SavedModel keeps the names of inputs and outputs.
    with tempfile.TemporaryDirectory() as folder:
        save_functions([inference.model], folder, {name: graph})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if precision == "float16":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
        content = converter.convert()
    if precision == "dynamic_int8":
        return litert_int8.with_whole_weights(content)
    if precision == "int8":
        return litert_int8.quantized(content, name, calibration, batch_size)
    return content
