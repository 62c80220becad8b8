"""LiteRT (.tflite) files for phones and small devices."""

import os
import tempfile
from pathlib import Path

import tensorflow as tf

from hrnet_tf.export.signatures import (
    PoseSignatures,
    check_exportable,
    save_functions,
)

PRECISIONS = ("float32", "float16")


def export_litert(model, path, precision="float32", batch_size=1, flip_test=False):
    """Writes a pose model as a LiteRT file, made of built-in operations only.

    Its only signature, "crops", takes and gives what
    `PoseSignatures.crops` does. The file appears only when complete.

    Args:
        model: `HRNetPose` with a fixed `image_size`. Mixed precision is left out: the
            file computes in float32.
        path: str or path of the .tflite file; an existing one is replaced.
        precision: "float32", or "float16" to store the weights in half the size.
        batch_size: int. The number of crops of a call, fixed.
        flip_test: bool. True averages with the mirrored crop, for twice the time.
    Returns:
        The `Path` of the file.
    Raises:
        ValueError: if an argument is wrong or the model cannot be exported.
    """
    if precision not in PRECISIONS:
        raise ValueError(
            f"precision must be one of {PRECISIONS}. Received: precision={precision!r}."
        )
    if not isinstance(batch_size, int) or batch_size < 1:
        raise ValueError(
            "batch_size must be a positive integer."
            f" Received: batch_size={batch_size!r}."
        )
    check_exportable(model)
    signatures = PoseSignatures(_float32(model), flip_test)
    content = _convert(signatures, batch_size, precision)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _convert(signatures, batch_size, precision):
    """Returns the content of a LiteRT file with the signature "crops"."""
    shape = (batch_size, *signatures.crop_spec.shape[1:])
    crops = tf.function(
        signatures.crops,
        input_signature=[tf.TensorSpec(shape, tf.uint8, "images")],
        autograph=False,
    )
    # Only the way over a SavedModel keeps the names of inputs and outputs.
    with tempfile.TemporaryDirectory() as folder:
        save_functions(signatures.model, folder, {"crops": crops})
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        if precision == "float16":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.target_spec.supported_types = [tf.float16]
        return converter.convert()


def _float32(model):
    """Returns the model, rebuilt without mixed precision if it has that."""
    policy = getattr(model, "arguments", {}).get("dtype")
    if policy is None or policy.compute_dtype == "float32":
        return model
    rebuilt = type(model).from_config({**model.get_config(), "dtype": "float32"})
    rebuilt.set_weights(model.get_weights())
    return rebuilt
