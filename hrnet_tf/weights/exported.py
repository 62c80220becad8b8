"""The variables of SavedModels, by their names: what exports write and transfer reads.

A SavedModel keeps its variables in a list without names. A file beside the graph says
of which model they are, and how the list goes.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.models.base import HRNetModel

# TensorFlow Serving reserves this folder for files that it leaves alone.
EXTRA = "assets.extra"
MODEL_FILE = "model.json"


def describe_model(model: "HRNetModel") -> str:
    """Returns the text of `MODEL_FILE`.

    Args:
        model: `HRNetModel`, whose `variables` are exported in their order.
    """
    content = {
        "class": type(model).__name__,
        "config": model.get_config(),
        "variables": [variable.path for variable in model.variables],
    }
    return json.dumps(content, indent=1, default=repr) + "\n"


def exported_config(directory: PathLike) -> dict[str, Any]:
    """Returns the configuration of the model that was exported.

    Args:
        directory: path, see `version_folder`.
    Raises:
        ValueError: if the folder does not say of which model its variables are.
    """
    version = version_folder(Path(directory))
    return _read(version)["config"]


def exported_class(directory: PathLike) -> str:
    """Returns the name (str) of the exported model's class; see `exported_config`."""
    return _read(version_folder(Path(directory)))["class"]


def restore_model(directory: PathLike) -> "HRNetModel":
    """Builds the model that was exported, with its weights.

    Args:
        directory: path, see `version_folder`.
    Returns:
        An `HRNetModel`.
    Raises:
        ValueError: if the folder does not say of which model its variables are, or
            holds others.
    """
    import tensorflow as tf

    import hrnet_tf

    version = version_folder(Path(directory))
    content = _read(version)
    try:
        kind = getattr(hrnet_tf, content["class"])
        model = kind.from_config(content["config"])
        reader = tf.train.load_checkpoint(str(version / "variables" / "variables"))
        if [variable.path for variable in model.variables] != content["variables"]:
            raise ValueError("its variables are not those of its model")
        for index, variable in enumerate(model.variables):
            key = f"weights/{index}/.ATTRIBUTES/VARIABLE_VALUE"
            variable.assign(reader.get_tensor(key))
    except (OSError, ValueError, LookupError, TypeError, tf.errors.OpError) as error:
        raise _damaged(version, error) from error
    return model


def _read(version):
    """The content of a version's `MODEL_FILE`."""
    import hrnet_tf

    path = version / EXTRA / MODEL_FILE
    if not path.is_file():
        raise ValueError(
            f"{version} keeps its variables without their names (there is no"
            f" {MODEL_FILE} beside its graph), so that nothing can be taken from it."
            " Export the model again with this version and --no-optimize, or pass the"
            " .keras file that it was exported from."
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["class"] not in hrnet_tf.MODELS:
            raise ValueError(f"it names the class {content['class']!r}")
        if not {"config", "variables"} <= set(content):
            raise ValueError(f"{MODEL_FILE} is not complete")
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise _damaged(version, error) from error
    return content


def _damaged(version, error):
    return ValueError(
        f"{version} could not be read ({type(error).__name__}: {error}). Copy the whole"
        " folder, or export the model again."
    )


def version_folder(directory: Path) -> Path:
    """Returns the folder that holds saved_model.pb: this one, or the largest version's.

    Names count as numbers, as in TensorFlow Serving: 10 comes after 9.

    Args:
        directory: `Path`.
    Raises:
        ValueError: if there is none.
    """
    if (directory / "saved_model.pb").is_file():
        return directory
    if not directory.is_dir():
        raise ValueError(
            f"There is no folder {directory}. Expected one of export_saved_model."
        )
    found = versions(directory)
    if not found:
        raise ValueError(
            f"{directory} holds neither saved_model.pb nor a version folder with one;"
            f" it holds {sorted(c.name for c in directory.iterdir())[:8]}. Expected a"
            " folder of export_saved_model."
        )
    return found[-1]


def versions(directory: Path) -> list[Path]:
    """Returns the `Path`s of the versions in a model's folder, the largest one last."""
    found = [p.parent for p in directory.glob("*/saved_model.pb")]
    numbered = (path for path in found if path.name.isdecimal())
    return sorted(numbered, key=lambda path: int(path.name))
