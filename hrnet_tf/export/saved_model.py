"""SavedModels in the layout of TensorFlow Serving."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf

import hrnet_tf
from hrnet_tf.export.graphs import check_exportable, save_functions
from hrnet_tf.io import replacing
from hrnet_tf.tasks import make_inference, task_of
from hrnet_tf.tasks.base import NAMES_FILE, Exported
from hrnet_tf.typing import PathLike
from hrnet_tf.weights.exported import (
    EXTRA,
    MODEL_FILE,
    describe_model,
    version_folder,
)

if TYPE_CHECKING:
    from hrnet_tf.models.base import HRNetModel


_DESCRIPTION = "hrnet.json"


def export_saved_model(
    model: "HRNetModel",
    directory: PathLike,
    version: int = 1,
    overwrite: bool = False,
    **options: Any,
) -> Path:
    """Writes a model as `<directory>/<version>/`, ready for TensorFlow Serving.

    TensorFlow alone loads and runs it. Its signatures are those of the task's
    inference; "serving_default" takes image files. Where the model names its classes,
    these are the asset "classes" of the SavedModel (assets/classes.txt, a line each).
    The folder appears only when complete.

    Args:
        model: `HRNetModel` of a task.
        directory: str or path. The folder of the model; created if absent.
        version: int, positive. TensorFlow Serving serves the largest one.
        overwrite: bool. True replaces the version if it exists.
        **options: of the task's inference, such as `flip_test` (True averages with the
            mirrored image, for twice the time) or `crop_fraction`.
    Returns:
        The `Path` of the version's folder.
    Raises:
        ValueError: if the version exists, or the model cannot be exported.
    """
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ValueError(
            f"version must be a positive integer. Received: version={version!r}."
        )
    inference = make_inference(model, **options)
    models = getattr(inference, "models", [inference.model])
    for one in models:
        check_exportable(one)
    target = Path(directory) / str(version)
    if target.exists() and not overwrite:
        raise ValueError(
            f"{target} exists. Pass another version, or overwrite=True to replace it."
        )
    # TensorFlow Serving looks at folders that are named like a number only.
    with replacing(target) as beside:
        _write(inference, models, beside)
    return target


def load_exported(directory: PathLike) -> Exported:
    """Loads a SavedModel that `export_saved_model` wrote.

    Args:
        directory: str or path. A version's folder, or the one above, whose largest
            version is taken.
    Returns:
        `Exported`, which `Predictor` and the tasks take.
    Raises:
        ValueError: if there is no such folder, or it is not complete.
    """
    folder = version_folder(Path(directory))
    path = folder / EXTRA / _DESCRIPTION
    description = read_description(folder)
    try:
        loaded = tf.saved_model.load(str(folder))
    except (OSError, ValueError, LookupError, tf.errors.OpError) as error:
        raise ValueError(
            f"{folder} could not be loaded as a SavedModel:"
            f" {type(error).__name__}: {error}. Copy the whole folder, or export the"
            " model again."
        ) from error
    exported = Exported(folder, description, loaded)
    try:
        # What is missing shows now.
        make_inference(exported)
    except (ValueError, LookupError, TypeError) as error:
        raise _damaged(path, error) from error
    return exported


def read_description(directory: PathLike) -> dict[str, Any]:
    """Returns what is written beside an exported graph, a dict with its "task".

    Args:
        directory: see `load_exported`.
    Raises:
        ValueError: if there is no such folder, or it is not complete.
    """
    folder = version_folder(Path(directory))
    path = folder / EXTRA / _DESCRIPTION
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
        task_of(Exported(folder, description, None))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, error) from error
    return description


def _write(inference, models, folder):
    files = inference.assets
    save_functions(models, folder, inference.signatures, files.get(NAMES_FILE))
    description = {**inference.description, "hrnet_tf": hrnet_tf.__version__}
    files = {
        **files,
        _DESCRIPTION: json.dumps(description, indent=1) + "\n",
        # With it training can start from the exported weights.
        MODEL_FILE: describe_model(inference.model),
    }
    extra = folder / EXTRA
    extra.mkdir(exist_ok=True)
    for name, text in files.items():
        (extra / name).write_text(text, encoding="utf-8")


def _damaged(path, error):
    return ValueError(
        f"{path} is absent or damaged ({type(error).__name__}: {error})."
        " Export the model again with export_saved_model."
    )
