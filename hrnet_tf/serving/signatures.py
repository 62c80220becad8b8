"""The functions of a model by their names, from arrays to arrays."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hrnet_tf.typing import PathLike


@dataclasses.dataclass(frozen=True)
class Input:
    """An input of a function.

    Attributes:
        name: str.
        shape: tuple of int, and of None where any size goes. The first axis is that of
            the batch.
        dtype: str, NumPy's name such as "uint8"; "string" for the bytes of files.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str

    def read(self, array: np.ndarray) -> np.ndarray:
        """Returns an array that fits this input.

        Raises:
            ValueError: if it is of another type or shape.
        """
        is_text = self.dtype == "string"
        fits = array.dtype.kind in "OSU" if is_text else array.dtype == self.dtype
        sides = zip(self.shape[1:], array.shape[1:], strict=False)
        if (
            not fits
            or array.ndim != len(self.shape)
            or any(wanted not in (None, side) for wanted, side in sides)
        ):
            raise ValueError(
                f"The input {self.name!r} is {self}. Received: {array.dtype}"
                f" {list(array.shape)}."
            )
        return array

    def __str__(self):
        sides = ("any" if side is None else str(side) for side in self.shape[1:])
        return f"{self.dtype} [{', '.join(('any', *sides))}]"


class Signature:
    """A function from named arrays to a dict of arrays.

    Args:
        inputs: sequence of `Input`.
        outputs: sequence of str, their names.
        run: function from named arrays to a dict of what NumPy makes arrays of.
    Attributes:
        inputs: dict of name to `Input`.
        outputs: tuple of str.
    """

    def __init__(
        self, inputs: Any, outputs: Any, run: Callable[..., Mapping[str, Any]]
    ) -> None:
        self.inputs = {one.name: one for one in inputs}
        self.outputs = tuple(outputs)
        self._run = run

    def __call__(self, **arrays: np.ndarray) -> dict[str, np.ndarray]:
        """Runs the function; ValueError if an array does not fit its input."""
        read = {name: self.inputs[name].read(array) for name, array in arrays.items()}
        return {name: np.asarray(x) for name, x in self._run(**read).items()}


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
    """
    if not hasattr(model, "signature"):
        signatures = {
            name: _traced(function) for name, function in inference.signatures.items()
        }
        return Functions(Path(source), "keras", inference.description, signatures)
    if hasattr(model, "signatures"):
        return Functions(
            Path(model.path), model.format, model.description, model.signatures
        )
    signatures = {
        name: _loaded(function) for name, function in model.loaded.signatures.items()
    }
    return Functions(Path(model.folder), "saved_model", model.description, signatures)


def _traced(function):
    """Of a `tf.function` with an input signature."""
    specs = function.input_signature
    outputs = function.get_concrete_function().structured_outputs
    run = _with_tensors(lambda **given: function(*(given[s.name] for s in specs)))
    return Signature(map(_input, specs), sorted(outputs), run)


def _loaded(function):
    """Of a function of a SavedModel."""
    _, specs = function.structured_input_signature
    outputs = sorted(function.structured_outputs)
    return Signature(map(_input, specs.values()), outputs, _with_tensors(function))


def _input(spec):
    return Input(spec.name, tuple(spec.shape), spec.dtype.name)


def _with_tensors(function):
    import tensorflow as tf

    return lambda **arrays: function(**{k: tf.constant(x) for k, x in arrays.items()})
