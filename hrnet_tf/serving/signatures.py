"""The functions of a model by their names, from arrays to arrays."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hrnet_tf.tasks.exported import Exported, Input, Signature
from hrnet_tf.typing import PathLike


@dataclasses.dataclass(frozen=True)
class Functions:
    """What a model can do.

    Attributes:
        path: `Path`, of the version's folder where it is exported.
        format: str, such as "saved_model"; "keras" for models with layers.
        description: dict of json values.
        signatures: mapping of name to `Signature`.
    """

    path: Path
    format: str
    description: dict[str, Any]
    signatures: Mapping[str, Any]


def load_functions(path: PathLike) -> Functions:
    """Returns the functions of a model in a file or folder; see `read_model`."""
    from hrnet_tf.predict import read_model
    from hrnet_tf.tasks import make_inference

    model = read_model(path)
    return functions_of(model, make_inference(model, path), path)


def functions_of(model: Any, inference: Any, source: PathLike) -> Functions:
    """Returns the functions of a model.

    Args:
        model: `HRNetModel`, with TensorFlow as backend, or `Exported`.
        inference: `Inference` of it.
        source: path that it came from.
    Raises:
        ValueError: if a model with layers cannot be exported either.
    """
    if not isinstance(model, Exported):
        from hrnet_tf.export.graphs import check_exportable

        check_exportable(model)
        signatures = {
            name: _traced(function) for name, function in inference.signatures.items()
        }
        return Functions(Path(source), "keras", inference.description, signatures)
    return Functions(
        Path(model.path), model.format, model.description, model.signatures
    )


def _traced(function):
    """Of a `tf.function` with an input signature."""
    specs = function.input_signature
    outputs = function.get_concrete_function().structured_outputs
    run = _with_tensors(lambda **given: function(*(given[s.name] for s in specs)))
    return Signature(map(_input, specs), sorted(outputs), run)


def _input(spec):
    return Input(spec.name, tuple(spec.shape), spec.dtype.name)


def _with_tensors(function):
    import tensorflow as tf

    return lambda **arrays: function(**{k: tf.constant(x) for k, x in arrays.items()})
