"""Exported models of any format, recognised and loaded."""

import importlib
import os
from pathlib import Path
from typing import Any

from hrnet_tf.tasks import make_inference, task_of
from hrnet_tf.tasks.exported import Exported
from hrnet_tf.typing import PathLike

# The formats of single files, by their endings, and the modules that read them.
SUFFIXES = {".tflite": "litert", ".xml": "openvino", ".onnx": "onnx"}
_READERS = {
    "saved_model": "hrnet_tf.export.saved_model",
    "litert": "hrnet_tf.export.litert_file",
    "openvino": "hrnet_tf.export.openvino_file",
    "onnx": "hrnet_tf.export.onnx_file",
}


def load_exported(path: PathLike, num_threads: int | None = None) -> Exported:
    """Loads an exported model, whatever its format.

    Args:
        path: str or path. A folder of `export_saved_model` (a version's, or the one
            above, whose largest version is taken), a .tflite, .xml (OpenVINO) or .onnx
            file, or a folder with one such file.
        num_threads: int or None. The processor's cores to use; None: all that this
            process may. TensorFlow has its own setting for SavedModels,
            `tf.config.threading`.
    Returns:
        `Exported`, which `Predictor` and the tasks take.
    Raises:
        ValueError: if there is no such model, it is not complete, or its runtime is
            not installed.
    """
    format, file = find_exported(path)
    module = importlib.import_module(_READERS[format])
    description = _checked_description(module, file)
    signatures = module.read_signatures(file, num_threads or _num_cores())
    exported = Exported(file, description, format, signatures)
    try:
        # What is missing shows now.
        make_inference(exported)
    except (ValueError, LookupError, TypeError) as error:
        raise damaged(module.description_place(file), error) from error
    return exported


def read_description(path: PathLike) -> dict[str, Any]:
    """Returns what is written into an exported model, a dict with its "task".

    Args:
        path: see `load_exported`.
    Raises:
        ValueError: if there is no such model, or it is not complete.
    """
    format, file = find_exported(path)
    return _checked_description(importlib.import_module(_READERS[format]), file)


def find_exported(path: PathLike) -> tuple[str, Path]:
    """Returns the format of an exported model, and where exactly it is.

    Args:
        path: see `load_exported`.
    Raises:
        ValueError: if there is none, or a folder holds several.
    """
    path = Path(path)
    if path.is_file():
        if path.suffix not in SUFFIXES:
            raise ValueError(
                f"{path} is no model. Expected a .keras file, or what hrnet export"
                f" writes: the folder of a SavedModel, or a file ending in"
                f" {', '.join(SUFFIXES)}."
            )
        return SUFFIXES[path.suffix], path
    if path.suffix in SUFFIXES:
        raise ValueError(f"There is no file {path}. Check the path.")
    from hrnet_tf.weights.exported import version_folder, versions

    files = [p for p in sorted(path.glob("*.*")) if p.suffix in SUFFIXES]
    names = [file.name for file in files]
    # Versions are one model, whose largest is taken.
    names += [found[-1].name] if (found := versions(path)) else []
    if len(names) > 1 and files:
        raise ValueError(
            f"{path} holds several exported models: {', '.join(names)}. Name one, such"
            f" as {path / names[-1]}."
        )
    if files:
        return SUFFIXES[files[0].suffix], files[0]

    return "saved_model", version_folder(path)


def file_bytes(path: Path) -> int:
    """Returns the size of a model's file or folder; OpenVINO's has another beside it.

    Args:
        path: `Path`.
    """
    files = [path] if path.is_file() else list(path.rglob("*"))
    if path.suffix == ".xml":
        files.append(path.with_suffix(".bin"))
    return sum(file.stat().st_size for file in files if file.is_file())


def damaged(place: PathLike, error: Exception) -> ValueError:
    """Returns the ValueError of a file that is absent, or not as it was written."""
    return ValueError(
        f"{place} is absent or damaged ({type(error).__name__}: {error}). Export the"
        " model again with hrnet export."
    )


def _num_cores():
    """How many of the processor's cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _checked_description(module, file):
    """What a file says of itself."""
    try:
        description = module.read_description(file)
        task_of(Exported(file, description))
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise damaged(module.description_place(file), error) from error
    return description
