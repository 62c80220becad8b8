"""The functions of a model by their names, from arrays to arrays."""

from pathlib import Path
from typing import Any

from hrnet_tf.tasks.exported import Exported, Input, Signature
from hrnet_tf.typing import PathLike


def load_functions(path: PathLike) -> Exported:
    """Returns the functions of a model in a file or folder; see `functions_of`."""
    from hrnet_tf.predict import read_model
    from hrnet_tf.tasks import make_inference

    model = read_model(path)
    return functions_of(model, make_inference(model, path), path)


def functions_of(model: Any, inference: Any, source: PathLike) -> Exported:
    """Returns the functions of a model, as if it were exported already.

    Args:
        model: `HRNetModel`, with TensorFlow as backend, or `Exported`.
        inference: `Inference` of it.
        source: path that it came from.
    Returns:
        `Exported`; of a model with layers its format is "keras", and its path the
        source.
    Raises:
        ValueError: if a model with layers cannot be exported either.
    """
    if isinstance(model, Exported):
        return model
    from hrnet_tf.export.graphs import check_exportable

    check_exportable(model)
    signatures = {
        name: _traced(function) for name, function in inference.signatures.items()
    }
    return Exported(Path(source), inference.description, "keras", signatures)


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
