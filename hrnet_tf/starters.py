"""Small trained models that come with the package: something to run at once.

A starter is a folder of saved_models/ with a manifest beside its files, which says what
it was trained on, under which licence, by which command, and what it scores.
"""

import dataclasses
import functools
import hashlib
from pathlib import Path
from typing import Any

from hrnet_tf.io import read_json
from hrnet_tf.typing import PathLike

MANIFEST = "manifest.json"
_PACKAGE = Path(__file__).parent
# Where the package is installed, and where it is a checkout.
_FOLDERS = (_PACKAGE / "saved_models", _PACKAGE.parent / "saved_models")


@dataclasses.dataclass(frozen=True)
class Starter:
    """A model that comes with the package.

    Attributes:
        name: str, that of its folder.
        folder: `Path`.
        task: str, the name of its `Task`.
        summary: str. What it is, in a line.
        formats: dict of a format's name, such as "saved_model" or "litert", to the name
            of its file or folder.
        manifest: dict, all that manifest.json says.
    """

    name: str
    folder: Path
    task: str
    summary: str
    formats: dict[str, str]
    manifest: dict[str, Any]

    def path(self, format: str = "saved_model") -> Path:
        """Returns the `Path` of the model in a format.

        Raises:
            ValueError: if it is not there in this format.
        """
        if format not in self.formats:
            raise ValueError(
                f"The starter model {self.name} is there as"
                f" {', '.join(self.formats)}. Received: format={format!r}."
            )
        return self.folder / self.formats[format]


@functools.cache
def starters() -> dict[str, Starter]:
    """Returns the models that come with the package.

    Returns:
        dict from names to `Starter`, sorted; empty where none were installed.
    """
    found = {}
    for folder in _FOLDERS:
        for file in sorted(folder.glob(f"*/{MANIFEST}")):
            found.setdefault(file.parent.name, read_starter(file.parent))
    return found


def read_starter(folder: PathLike) -> Starter:
    """Reads what a folder's manifest says.

    Args:
        folder: str or path.
    Returns:
        `Starter`.
    Raises:
        ValueError: if the manifest is absent or damaged.
    """
    path = Path(folder) / MANIFEST
    manifest = read_json(path)
    try:
        return Starter(
            name=path.parent.name,
            folder=path.parent,
            task=manifest["task"],
            summary=manifest["summary"],
            formats=dict(manifest["formats"]),
            manifest=manifest,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path} is no manifest of a starter model: {type(error).__name__}:"
            f" {error}. Expected task, summary and formats."
        ) from error


def starter(task: str = "pose", format: str = "saved_model") -> Path:
    """Returns where the starter model of a task is.

    Args:
        task: str, the name of a `Task`, such as "pose" or "classification".
        format: str, "saved_model" or "litert".
    Returns:
        `Path` of what `Predictor.load` and `load_exported` take.
    Raises:
        ValueError: if no model of the task comes with the package.
    """
    for found in starters().values():
        if found.task == task:
            return found.path(format)
    known = ", ".join(f"{one.name} ({one.task})" for one in starters().values())
    raise ValueError(
        f"No starter model of the task {task!r} comes with hrnet_tf, only"
        f" {known or 'none'}. Name a model: a .keras file of `hrnet train`, or what"
        " `hrnet export` wrote."
    )


def file_sums(folder: PathLike) -> dict[str, str]:
    """Returns the SHA-256 (hex) of each file of a starter but its manifest, by name.

    Args:
        folder: str or path.
    """
    folder = Path(folder)
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }
