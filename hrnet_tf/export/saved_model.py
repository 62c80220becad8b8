"""SavedModels in the layout of TensorFlow Serving."""

import json
import os
import shutil
from pathlib import Path

import tensorflow as tf

import hrnet_tf
from hrnet_tf.models.classifier import HRNetClassifier
from hrnet_tf.models.ocr_segmenter import HRNetOCRSegmenter
from hrnet_tf.models.segmenter import HRNetSegmenter
from hrnet_tf.tasks.classification.inference import (
    ClassificationSignatures,
    ExportedClassification,
)
from hrnet_tf.tasks.pose.inference import (
    NAMES_FILE,
    ExportedPose,
    PoseSignatures,
    check_exportable,
    save_functions,
)
from hrnet_tf.tasks.segmentation.inference import (
    ExportedSegmentation,
    SegmentationSignatures,
)

# TensorFlow Serving reserves this folder for files that it leaves alone.
_EXTRA = "assets.extra"
_DESCRIPTION = "hrnet.json"
_EXPORTED = {
    "pose": ExportedPose,
    "segmentation": ExportedSegmentation,
    "classification": ExportedClassification,
}


def export_saved_model(
    model, directory, version=1, flip_test=False, overwrite=False, crop_fraction=None
):
    """Writes a model as `<directory>/<version>/`, ready for TensorFlow Serving.

    TensorFlow alone loads and runs it. Its signatures are those of `PoseSignatures`,
    `SegmentationSignatures` or `ClassificationSignatures`; "serving_default" takes
    image files. Where a segmenter or classifier names its classes, these are the asset
    "classes" of the SavedModel (assets/classes.txt, a line each). The folder appears
    only when complete.

    Args:
        model: `HRNetPose` or `HRNetLandmarks` with a fixed `image_size`,
            `HRNetSegmenter`, `HRNetOCRSegmenter` or `HRNetClassifier`.
        directory: str or path. The folder of the model; created if absent.
        version: int, positive. TensorFlow Serving serves the largest one.
        flip_test: bool. True averages with the mirrored image, for twice the time; not
            for classifiers.
        overwrite: bool. True replaces the version if it exists.
        crop_fraction: float, of classifiers, or None for the model's own; see
            `HRNetClassifier`.
    Returns:
        The `Path` of the version's folder.
    Raises:
        ValueError: if the version exists, or the model cannot be exported.
    """
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ValueError(
            f"version must be a positive integer. Received: version={version!r}."
        )
    signatures = signatures_of(model, flip_test, crop_fraction)
    check_exportable(model)
    target = Path(directory) / str(version)
    if target.exists() and not overwrite:
        raise ValueError(
            f"{target} exists. Pass another version, or overwrite=True to replace it."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    # TensorFlow Serving looks at folders that are named like a number only.
    temporary = target.with_name(f".{version}.{os.getpid()}")
    retired = target.with_name(f".{version}.{os.getpid()}.old")
    try:
        _write(signatures, temporary)
        if target.exists():
            os.replace(target, retired)
        os.replace(temporary, target)
    except OSError:
        if retired.exists() and not target.exists():
            os.replace(retired, target)
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    shutil.rmtree(retired, ignore_errors=True)
    return target


def signatures_of(model, flip_test=False, crop_fraction=None):
    """Returns the signatures for a model's task; arguments as `export_saved_model`.

    They have `model`, `functions()` (dict from a signature's name to a `tf.function`),
    `description()` (dict of json values with the "task") and `assets()` (dict from a
    file's name to its text).

    Raises:
        ValueError: if the model cannot be exported, or an option is another task's.
    """
    is_classifier = isinstance(model, HRNetClassifier)
    if crop_fraction is not None and not is_classifier:
        raise ValueError(
            "crop_fraction is for classifiers. Received:"
            f" crop_fraction={crop_fraction} for a {type(model).__name__}."
        )
    if is_classifier:
        if flip_test:
            raise ValueError(
                "Classifiers are tested by one crop, not mirrored. Received:"
                " flip_test=True for an HRNetClassifier. Pass flip_test=False."
            )
        return ClassificationSignatures(model, crop_fraction)
    if isinstance(model, (HRNetSegmenter, HRNetOCRSegmenter)):
        return SegmentationSignatures(model, flip_test)
    return PoseSignatures(model, flip_test)


def load_exported(directory):
    """Loads a SavedModel that `export_saved_model` wrote.

    Args:
        directory: str or path. A version's folder, or the one above, whose largest
            version is taken.
    Returns:
        `ExportedPose`, `ExportedSegmentation` or `ExportedClassification`.
    Raises:
        ValueError: if there is no such folder, or it is not complete.
    """
    folder = _version_folder(Path(directory))
    path = folder / _EXTRA / _DESCRIPTION
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        exported = _EXPORTED[description["task"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, error) from error
    try:
        loaded = tf.saved_model.load(str(folder))
    except (OSError, ValueError, LookupError, tf.errors.OpError) as error:
        raise ValueError(
            f"{folder} could not be loaded as a SavedModel:"
            f" {type(error).__name__}: {error}. Copy the whole folder, or export the"
            " model again."
        ) from error
    try:
        return exported(folder, description, loaded)
    except (ValueError, LookupError, TypeError) as error:
        raise _damaged(path, error) from error


def _write(signatures, folder):
    files = signatures.assets()
    save_functions(
        signatures.model, folder, signatures.functions(), files.get(NAMES_FILE)
    )
    description = {**signatures.description(), "hrnet_tf": hrnet_tf.__version__}
    files = {**files, _DESCRIPTION: json.dumps(description, indent=1) + "\n"}
    extra = folder / _EXTRA
    extra.mkdir(exist_ok=True)
    for name, text in files.items():
        (extra / name).write_text(text, encoding="utf-8")


def _version_folder(directory):
    """Returns the folder that holds saved_model.pb: this one, or the largest version's.

    Names count as numbers, as in TensorFlow Serving: 10 comes after 9.
    """
    if (directory / "saved_model.pb").is_file():
        return directory
    if not directory.is_dir():
        raise ValueError(
            f"There is no folder {directory}. Expected one of export_saved_model."
        )
    versions = [
        child
        for child in directory.iterdir()
        if child.name.isdecimal() and (child / "saved_model.pb").is_file()
    ]
    if not versions:
        raise ValueError(
            f"{directory} holds neither saved_model.pb nor a version folder with one;"
            f" it holds {sorted(c.name for c in directory.iterdir())[:8]}. Expected a"
            " folder of export_saved_model."
        )
    return max(versions, key=lambda child: int(child.name))


def _damaged(path, error):
    return ValueError(
        f"{path} is absent or damaged ({type(error).__name__}: {error})."
        " Export the model again with export_saved_model."
    )
