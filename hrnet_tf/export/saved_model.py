"""SavedModels in the layout of TensorFlow Serving."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from hrnet_tf.export.graphs import (
    check_exportable,
    description_text,
    save_functions,
)
from hrnet_tf.io import replacing
from hrnet_tf.tasks import make_inference
from hrnet_tf.tasks.base import NAMES_FILE
from hrnet_tf.tasks.exported import Input, Signature
from hrnet_tf.typing import PathLike
from hrnet_tf.weights.exported import (
    EXTRA,
    MODEL_FILE,
    describe_model,
)

if TYPE_CHECKING:
    from hrnet_tf.models.base import HRNetModel


_DESCRIPTION = "hrnet.json"
PRECISIONS = ("float32", "bfloat16")


def export_saved_model(
    model: "HRNetModel",
    directory: PathLike,
    version: int = 1,
    overwrite: bool = False,
    optimize: bool = False,
    precision: str = "float32",
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
        optimize: bool. True writes the network as a fixed graph, which runs faster: its
            weights are constants, and batch normalisations part of the convolutions.
            Training cannot start from such an export.
        precision: "float32" or, of optimised exports, "bfloat16", which processors with
            such operations compute faster.
        **options: of the task's inference, such as `flip_test` (True averages with the
            mirrored image, for twice the time) or `crop_fraction`.
    Returns:
        The `Path` of the version's folder.
    Raises:
        ValueError: if the version exists, or the model cannot be exported.
    """
    if precision not in PRECISIONS or (precision != "float32" and not optimize):
        raise ValueError(
            f"precision must be one of {PRECISIONS}, and is float32 where optimize is"
            f" not set. Received: precision={precision!r}, optimize={optimize}."
        )
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ValueError(
            f"version must be a positive integer. Received: version={version!r}."
        )
    inference = make_inference(model, **options)
    models = getattr(inference, "models", [inference.model])
    for one in models:
        check_exportable(one)
    if optimize:
        inference = _optimized(inference, options, precision)
        models = []
    target = Path(directory) / str(version)
    if target.exists() and not overwrite:
        raise ValueError(
            f"{target} exists. Pass another version, or overwrite=True to replace it."
        )
    # TensorFlow Serving looks at folders that are named like a number only.
    with replacing(target) as beside:
        _write(inference, models, beside, optimize)
    return target


def _optimized(inference, options, precision):
    """The inference with the networks of its models as fixed graphs."""
    from hrnet_tf.export.optimize import optimized_network

    given = {}
    for name, value in options.items():
        # A detector is an inference of its own.
        if hasattr(value, "signatures"):
            own = {key: getattr(value, key) for key in value.built_in}
            value = _optimized(value, own, precision)
        given[name] = value
    network = optimized_network(inference.model, precision)
    return make_inference(inference.model, infer=network, **given)


def description_place(folder: Path) -> str:
    """Returns in words (str) where the description of a version's folder is."""
    return str(folder / EXTRA / _DESCRIPTION)


def read_description(folder: Path) -> dict[str, Any]:
    """Returns what is written beside an exported graph.

    Args:
        folder: `Path` of a version's folder.
    """
    return json.loads(Path(description_place(folder)).read_text(encoding="utf-8"))


def read_signatures(folder: Path, num_threads: int) -> dict[str, Signature]:
    """Returns the functions of a SavedModel, by name.

    Args:
        folder: `Path` of a version's folder.
        num_threads: not used: threads are TensorFlow's own.
    Raises:
        ValueError: if it is not complete.
    """
    try:
        loaded = tf.saved_model.load(str(folder))
    except (OSError, ValueError, LookupError, tf.errors.OpError) as error:
        raise ValueError(
            f"{folder} could not be loaded as a SavedModel:"
            f" {type(error).__name__}: {error}. Copy the whole folder, or export the"
            " model again."
        ) from error
    return {
        name: _signature(function, loaded)
        for name, function in loaded.signatures.items()
    }


def _signature(function, loaded):
    # Functions of a collected object lose their variables.
    def run(_held=loaded, **arrays):
        return function(**{name: tf.constant(x) for name, x in arrays.items()})

    _, specs = function.structured_input_signature
    inputs = [
        Input(name, tuple(spec.shape), spec.dtype.name) for name, spec in specs.items()
    ]
    return Signature(inputs, sorted(function.structured_outputs), run)


def _write(inference, models, folder, optimized):
    files = inference.assets
    save_functions(models, folder, inference.signatures, files.get(NAMES_FILE))
    files = {
        **files,
        _DESCRIPTION: description_text(inference),
    }
    if not optimized:
        # With it training can start from the exported weights.
        files[MODEL_FILE] = describe_model(inference.model)
    extra = folder / EXTRA
    extra.mkdir(exist_ok=True)
    for name, text in files.items():
        (extra / name).write_text(text, encoding="utf-8")
