"""Exported models, loaded: what tasks, servers and benchmarks run, in any format."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

# The signatures that take pixels alone, of all tasks; every model has one of them.
_OF_PIXELS = ("crops", "inputs", "images")


def pixel_signature(signatures: Mapping[str, Any]) -> str:
    """Returns the name (str) of a model's signature that takes pixels alone.

    Args:
        signatures: mapping of name to `Signature`, or to a `tf.function`.
    """
    return next(name for name in _OF_PIXELS if name in signatures)


@dataclasses.dataclass(frozen=True)
class Input:
    """An input of an exported function.

    Attributes:
        name: str.
        shape: tuple of int, and of None where any size goes. The first axis is that of
            the batch.
        dtype: str, NumPy's name such as "uint8"; "string" for the bytes of files.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str

    def read(self, value: Any) -> "np.ndarray":
        """Returns a value as an array of this input; the batch may be of any size.

        Raises:
            ValueError: if it is of another type or shape.
        """
        import numpy as np

        array = value if isinstance(value, np.ndarray) else np.asarray(value)
        if self.dtype == "string":
            fits = array.dtype.kind in "OSU"
        else:
            fits = array.dtype == self.dtype
            if not fits and not hasattr(value, "dtype"):
                # Python's numbers and lists have no type of their own.
                array, fits = array.astype(self.dtype), array.dtype.kind in "iufb"
        known = array.ndim == len(self.shape) and all(
            wanted in (None, side)
            for wanted, side in zip(self.shape[1:], array.shape[1:], strict=True)
        )
        if not fits or not known:
            raise ValueError(
                f"The input {self.name!r} is {self}. Received: {array.dtype}"
                f" {list(array.shape)}."
            )
        return array

    def __str__(self):
        sides = ("any" if side is None else str(side) for side in self.shape[1:])
        return f"{self.dtype} [{', '.join(('any', *sides))}]"


class Signature:
    """A function of an exported model, from named arrays to a dict of arrays.

    Where the file has a fixed batch, others are run in parts of that size, the last one
    filled up.

    Args:
        inputs: sequence of `Input`.
        outputs: sequence of str, their names.
        run: function from named arrays, of the fixed batch where there is one, to a
            dict of arrays with as many rows.
    Attributes:
        inputs: dict of name to `Input`.
        outputs: tuple of str.
        batch_size: int, of the file; None where any goes.
    """

    def __init__(
        self, inputs: Any, outputs: Any, run: Callable[..., dict[str, Any]]
    ) -> None:
        self.inputs = {one.name: one for one in inputs}
        self.outputs = tuple(outputs)
        self._run = run
        self.batch_size = next(iter(self.inputs.values())).shape[0]

    def __call__(self, **arrays: Any) -> "dict[str, np.ndarray]":
        """Runs the function.

        Args:
            **arrays: arrays or tensors, see `inputs`; with as many rows each.
        Returns:
            A dict of arrays with as many rows; texts are arrays of bytes objects.
        Raises:
            ValueError: if an input is missing, unknown, or of another type or shape.
        """
        if set(arrays) != set(self.inputs):
            wanted = ", ".join(f"{name} {one}" for name, one in self.inputs.items())
            raise ValueError(
                f"Expected the inputs {wanted}. Received: {', '.join(arrays) or 'none'}"
            )
        read = {name: self.inputs[name].read(x) for name, x in arrays.items()}
        counts = {len(array) for array in read.values()}
        if len(counts) > 1:
            raise ValueError(f"The inputs have different batches: {sorted(counts)}.")
        if self.batch_size is None:
            return self._arrays(read)
        return self._in_parts(read, counts.pop())

    def _in_parts(self, arrays, count):
        import numpy as np

        size, parts = self.batch_size, []
        # At least once, so that an empty batch gives arrays of the right shapes.
        for start in range(0, max(count, 1), size):
            part = {
                k: _filled(x[start : start + size], size) for k, x in arrays.items()
            }
            parts.append(self._arrays(part))
        # What has no rows for the batch is the same of all parts.
        return {
            name: np.concatenate([part[name] for part in parts])[:count]
            if len(parts[0][name]) == size
            else parts[0][name]
            for name in self.outputs
        }

    def _arrays(self, arrays):
        import numpy as np

        return {name: np.asarray(x) for name, x in self._run(**arrays).items()}


@dataclasses.dataclass(frozen=True, eq=False)
class Exported:
    """A model that was exported by this package, loaded; tasks take it like a model.

    Attributes:
        path: `Path` of the file, or of a SavedModel's version folder.
        description: dict, the `description` of the inference that was exported.
        format: str, such as "saved_model" or "litert".
        signatures: mapping of name to `Signature`.
    """

    path: Path
    description: dict[str, Any]
    format: str = "saved_model"
    signatures: Mapping[str, Signature] = dataclasses.field(default_factory=dict)

    @property
    def name(self) -> str:
        """str: what to call it in messages."""
        return str(self.path)

    @functools.cached_property
    def arguments(self) -> dict[str, Any]:
        """dict: what the model carries, such as its keypoint set, as models have it."""
        return {"include_preprocessing": True, **self.description}

    def __getattr__(self, name):
        # What the description says, such as num_keypoints, as models have it.
        description = self.__dict__.get("description", {})
        if name in description:
            return description[name]
        raise AttributeError(f"The exported model says nothing of {name!r}.")

    def signature(self, name: str) -> Any:
        """Returns the `Signature` of a name; ValueError if there is none."""
        if name not in self.signatures:
            raise ValueError(
                f"{self.path} has no signature {name!r}, only"
                f" {', '.join(self.signatures)}. Files of the format {self.format} hold"
                " what its runtime can compute; export the model as a SavedModel for"
                " all."
            )
        return self.signatures[name]


def _filled(array, count):
    """An array with its last row repeated, up to a count; zeros where it has none."""
    import numpy as np

    missing = count - len(array)
    if not missing:
        return array
    last = array[-1:] if len(array) else np.zeros((1, *array.shape[1:]), array.dtype)
    return np.concatenate([array, np.repeat(last, missing, 0)])
