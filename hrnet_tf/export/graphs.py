"""What leaves the package: the variables of a model, and functions of them."""

import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

import hrnet_tf
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.models.base import HRNetModel
    from hrnet_tf.tasks.base import Inference


# An asset of the graph: the names of classes, a line each.
CLASSES_FILE = "classes.txt"


def check_exportable(model: keras.Model) -> None:
    """Raises ValueError if a model cannot be exported as it is."""
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "Models are exported with the TensorFlow backend of Keras. Received:"
            f" {keras.backend.backend()}. Set KERAS_BACKEND=tensorflow; .keras files"
            " load with any backend."
        )
    for variable in model.variables:
        if not np.isfinite(keras.ops.convert_to_numpy(variable)).all():
            raise ValueError(
                f"The weight {variable.path} of the model {model.name!r} holds numbers"
                " that are not finite: its training diverged. Export a checkpoint from"
                " before that."
            )


def description_text(inference: "Inference", **facts: Any) -> str:
    """Returns what every exported file says of itself, a json text.

    Args:
        inference: `Inference` that is exported.
        **facts: json values, of the file.
    """
    content = {**inference.description, **facts, "hrnet_tf": hrnet_tf.__version__}
    return json.dumps(content, indent=1) + "\n"


def save_functions(
    models: "Sequence[HRNetModel]",
    folder: PathLike,
    functions: dict[str, Any],
    class_names: str | None = None,
) -> None:
    """Writes a SavedModel that holds models' variables and the signatures given.

    Args:
        models: sequence of `HRNetModel`.
        folder: str or path.
        functions: dict from a signature's name to a `tf.function` with an
            `input_signature`.
        class_names: str or None. The names of the classes, a line each; they become the
            SavedModel's asset "classes", assets/classes.txt.
    """
    # The variables alone: the model's layers would add their own functions, and may
    # hold what TensorFlow's tracking refuses, such as dicts with keys of other types.
    module = tf.Module()
    module.weights = [v.value for model in models for v in model.variables]
    with TemporaryDirectory() as temporary:
        if class_names is not None:
            # An asset is copied under its file's own name.
            file = Path(temporary, CLASSES_FILE)
            file.write_text(class_names, encoding="utf-8")
            module.classes = tf.saved_model.Asset(str(file))
        tf.saved_model.save(module, str(folder), signatures=functions)
