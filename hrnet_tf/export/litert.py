"""LiteRT (.tflite) files for phones and small devices."""

import os
import tempfile
from pathlib import Path

import tensorflow as tf

from hrnet_tf.models.ocr_segmenter import HRNetOCRSegmenter
from hrnet_tf.models.segmenter import HRNetSegmenter
from hrnet_tf.tasks.pose.inference import (
    PoseSignatures,
    check_exportable,
    save_functions,
)
from hrnet_tf.tasks.segmentation.inference import SegmentationSignatures

PRECISIONS = ("float32", "float16")


def export_litert(
    model,
    path,
    precision="float32",
    batch_size=1,
    flip_test=False,
    image_size=None,
):
    """Writes a pose model or segmenter as a LiteRT file of built-in operations only.

    Its only signature takes and gives what `PoseSignatures.crops` does ("crops"), or
    `SegmentationSignatures.images` ("images"). The file appears only when complete.

    Args:
        model: `HRNetPose` with a fixed `image_size`, or `HRNetSegmenter`. Mixed
            precision is left out: the file computes in float32.
        path: str or path of the .tflite file; an existing one is replaced.
        precision: "float32", or "float16" to store the weights in half the size.
        batch_size: int. The number of crops or images of a call, fixed.
        flip_test: bool. True averages with the mirrored image, for twice the time.
        image_size: (height, width) of a segmenter's images, fixed; None takes the
            model's.
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
    if isinstance(model, (HRNetSegmenter, HRNetOCRSegmenter)):
        size = _segmenter_size(model, image_size)
        signatures = SegmentationSignatures(_float32(model), flip_test, size)
        graph = "images", signatures.images, signatures.images_spec
    elif image_size is not None:
        raise ValueError(
            f"image_size is for segmenters. Received: image_size={image_size} for a"
            f" {type(model).__name__}."
        )
    else:
        signatures = PoseSignatures(_float32(model), flip_test)
        graph = "crops", signatures.crops, signatures.crop_spec
    content = _convert(signatures.model, *graph, batch_size, precision)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _segmenter_size(model, image_size):
    if isinstance(model, HRNetOCRSegmenter):
        raise ValueError(
            "LiteRT has no built-in operation for the attention of an"
            " HRNetOCRSegmenter. Export it as a SavedModel, or train an HRNetSegmenter."
        )
    size = image_size or model.input_shape[1:3]
    if None in size:
        raise ValueError(
            "A LiteRT file takes images of one size, but the model"
            f" {model.name!r} is made for any. Pass image_size=(height, width)."
        )
    return tuple(size)


def _convert(model, name, function, spec, batch_size, precision):
    """Returns the content of a LiteRT file with one signature."""
    shape = (batch_size, *spec.shape[1:])
    graph = tf.function(
        function,
        input_signature=[tf.TensorSpec(shape, spec.dtype, spec.name)],
        autograph=False,
    )
    # Only the way over a SavedModel keeps the names of inputs and outputs.
    with tempfile.TemporaryDirectory() as folder:
        save_functions(model, folder, {name: graph})
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
