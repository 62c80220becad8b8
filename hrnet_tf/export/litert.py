"""LiteRT (.tflite) files for phones and small devices."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from hrnet_tf.export.graphs import check_exportable, save_functions
from hrnet_tf.io import write_bytes
from hrnet_tf.tasks import make_inference
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.models.base import HRNetModel


PRECISIONS = ("float32", "float16")


def export_litert(
    model: "HRNetModel",
    path: PathLike,
    precision: str = "float32",
    batch_size: int = 1,
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
        precision: "float32", or "float16" to store the weights in half the size.
        batch_size: int. The number of crops or images of a call, fixed.
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
    if not isinstance(batch_size, int) or batch_size < 1:
        raise ValueError(
            "batch_size must be a positive integer."
            f" Received: batch_size={batch_size!r}."
        )
    check_exportable(model)
    if "image_size" in options and options["image_size"] is None:
        options["image_size"] = model.input_shape[1:3]
    inference = make_inference(_float32(model), **options)
    write_bytes(path, _convert(inference, batch_size, precision))
    return Path(path)


def _convert(inference, batch_size, precision):
    """Returns the content of a LiteRT file with one signature."""
    name = inference.portable
    function = inference.signatures[name]
    (spec,) = function.input_signature
    shape = (batch_size, *spec.shape[1:])

    def without_texts(images):
        found = function.python_function(images)
        return {key: x for key, x in found.items() if x.dtype != tf.string}

    graph = tf.function(
        without_texts,
        input_signature=[tf.TensorSpec(shape, spec.dtype, spec.name)],
        autograph=False,
    )
    # Only the way over a SavedModel keeps the names of inputs and outputs.
    with tempfile.TemporaryDirectory() as folder:
        save_functions([inference.model], folder, {name: graph})
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
