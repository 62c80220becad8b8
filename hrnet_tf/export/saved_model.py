"""SavedModels in the layout of TensorFlow Serving."""

import json
import os
import shutil
from pathlib import Path

import tensorflow as tf

import hrnet_tf
from hrnet_tf.data.augment.affine import BOX_PADDING
from hrnet_tf.data.keypoint_sets import KeypointSet
from hrnet_tf.export.signatures import (
    PoseSignatures,
    check_exportable,
    save_functions,
)

# TensorFlow Serving reserves this folder for files that it leaves alone.
_DESCRIPTION = Path("assets.extra", "hrnet.json")


def export_saved_model(model, directory, version=1, flip_test=False, overwrite=False):
    """Writes a pose model as `<directory>/<version>/`, ready for TensorFlow Serving.

    TensorFlow alone loads and runs it. Its signatures are "serving_default" (see
    `PoseSignatures.people`) and "crops" (see `PoseSignatures.crops`). The folder
    appears only when complete.

    Args:
        model: `HRNetPose` with a fixed `image_size`.
        directory: str or path. The folder of the model; created if absent.
        version: int, positive. TensorFlow Serving serves the largest one.
        flip_test: bool. True averages with the mirrored crop, for twice the time.
        overwrite: bool. True replaces the version if it exists.
    Returns:
        The `Path` of the version's folder.
    Raises:
        ValueError: if the version exists, or the model cannot be exported.
    """
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ValueError(
            f"version must be a positive integer. Received: version={version!r}."
        )
    check_exportable(model)
    signatures = PoseSignatures(model, flip_test)
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


def _write(signatures, folder):
    image_bytes = tf.TensorSpec((None,), tf.string, "image_bytes")
    boxes = tf.TensorSpec((None, None, 4), tf.float32, "boxes")
    people = tf.function(
        signatures.people, input_signature=[image_bytes, boxes], autograph=False
    )
    crops = tf.function(
        signatures.crops, input_signature=[signatures.crop_spec], autograph=False
    )
    save_functions(
        signatures.model, folder, {"serving_default": people, "crops": crops}
    )
    keypoint_set = signatures.keypoint_set
    description = {
        "task": "pose",
        "hrnet_tf": hrnet_tf.__version__,
        "image_size": list(signatures.codec.image_size),
        "num_keypoints": signatures.model.num_keypoints,
        "keypoint_set": keypoint_set and keypoint_set.to_dict(),
        "flip_test": signatures.flip_test,
        "box_padding": BOX_PADDING,
    }
    path = folder / _DESCRIPTION
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")


class ExportedPose:
    """A SavedModel that `export_saved_model` wrote, loaded.

    Attributes:
        folder: `Path` of the version's folder.
        image_size: (height, width) of the crops.
        keypoint_set: `KeypointSet` or None.
        flip_test: bool, whether the flip test is part of the graph.

    Args:
        directory: str or path. A version's folder, or the one above, whose largest
            version is taken.
    Raises:
        ValueError: if there is no such folder, or it is not complete.
    """

    def __init__(self, directory):
        self.folder = _version_folder(Path(directory))
        path = self.folder / _DESCRIPTION
        try:
            description = json.loads(path.read_text(encoding="utf-8"))
            self.image_size = tuple(description["image_size"])
            self.flip_test = description["flip_test"]
            fields = description["keypoint_set"]
            self.keypoint_set = (
                None if fields is None else KeypointSet.from_dict(fields)
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path} is absent or damaged ({type(error).__name__}: {error})."
                " Export the model again with export_saved_model."
            ) from error
        try:
            # Held on to: the signatures of a collected object lose their variables.
            self._loaded = tf.saved_model.load(str(self.folder))
            self._crops = self._loaded.signatures["crops"]
        except (OSError, ValueError, LookupError, tf.errors.OpError) as error:
            raise ValueError(
                f"{self.folder} could not be loaded as a SavedModel:"
                f" {type(error).__name__}: {error}. Copy the whole folder, or export"
                " the model again."
            ) from error

    def crops(self, images):
        """Finds the keypoints of crops; see `PoseSignatures.crops`."""
        return self._crops(images=images)


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
