"""TensorFlow Serving's json: from a request to arrays, and from arrays to the answer.

Reference: https://www.tensorflow.org/tfx/serving/api_rest
"""

import base64
import binascii
import dataclasses
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from hrnet_tf.serving.limits import Refused

if TYPE_CHECKING:
    from hrnet_tf.tasks.exported import Input, Signature

DEFAULT_SIGNATURE = "serving_default"
# Names of tensors of bytes, which go in base64.
_BINARY = "_bytes"
_KNOWN = {"signature_name", "instances", "inputs"}


@dataclasses.dataclass(frozen=True)
class PredictRequest:
    """What a request asks for.

    Attributes:
        signature: str.
        arrays: dict of name to array.
        in_rows: bool. Whether it came as "instances", and is answered so.
    """

    signature: str
    arrays: dict[str, np.ndarray]
    in_rows: bool


def read_request(
    body: bytes, signatures: "Mapping[str, Signature]", default: str
) -> PredictRequest:
    """Reads the json of a request.

    Args:
        body: bytes.
        signatures: mapping of name to `Signature`.
        default: str. The signature of requests that name none.
    Raises:
        Refused: if it is no such json, or does not fit the signature.
    """
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(400, f"The body is no json: {error}.", reason="json") from error
    if (
        not isinstance(content, dict)
        or len({"instances", "inputs"} & set(content)) != 1
    ):
        raise _bad('Expected a json object with either "instances" or "inputs".')
    if unknown := sorted(set(content) - _KNOWN):
        raise _bad(f"Expected no other keys than {', '.join(sorted(_KNOWN))}.", unknown)
    name = content.get("signature_name") or default
    if not isinstance(name, str) or name not in signatures:
        raise _bad(f"Expected a signature of {', '.join(signatures)}.", name)
    inputs = signatures[name].inputs
    in_rows = "instances" in content
    given = _columns(content["instances"], inputs) if in_rows else content["inputs"]
    if not in_rows and not _names_inputs(given):
        given = {_only(inputs): given}
    if set(given) != set(inputs):
        wanted = ", ".join(f"{key} {one}" for key, one in inputs.items())
        raise _bad(f"Expected the inputs {wanted}.", sorted(given))
    arrays = {key: _array(value, inputs[key]) for key, value in given.items()}
    counts = {key: len(array) for key, array in arrays.items()}
    if len(set(counts.values())) > 1 or 0 in counts.values():
        raise _bad("Expected as many rows in each input, at least one.", counts)
    return PredictRequest(name, arrays, in_rows)


def write_answer(outputs: Mapping[str, np.ndarray], in_rows: bool) -> bytes:
    """Returns the json of an answer.

    Args:
        outputs: mapping of name to array, with as many rows.
        in_rows: bool, see `PredictRequest`.
    """
    content: Any = {name: _plain(array, name) for name, array in outputs.items()}
    if len(content) == 1:
        (content,) = content.values()
    elif in_rows:
        names = list(content)
        rows = zip(*content.values(), strict=True)
        content = [dict(zip(names, row, strict=True)) for row in rows]
    content = {"predictions" if in_rows else "outputs": content}
    finite = all(np.isfinite(x).all() for x in outputs.values() if x.dtype.kind == "f")
    # NaN and Infinity are words there, of which strict json knows nothing.
    return msgspec.json.encode(content) if finite else json.dumps(content).encode()


def encode_array(array: np.ndarray) -> Any:
    """Returns an array as json values; bytes as objects with their base64.

    Args:
        array: of numbers, bools, str or bytes.
    """
    if array.dtype.kind in "OSU":
        flat = [_encoded(one) for one in array.ravel().tolist()]
        return _nested(flat, array.shape)
    return array.tolist()


def read_array(value: list, dtype: str) -> np.ndarray:
    """Returns what an answer says as an array.

    Args:
        value: nested lists.
        dtype: str, of TensorFlow's protos, such as "DT_FLOAT".
    """
    if dtype != "DT_STRING":
        kind = {"DT_FLOAT": "float32", "DT_DOUBLE": "float64"}.get(dtype)
        return np.asarray(value, kind or dtype.removeprefix("DT_").lower())
    return _texts(value)


def _encoded(value):
    content = value.encode() if isinstance(value, str) else bytes(value)
    return {"b64": base64.b64encode(content).decode()}


def _plain(array, name):
    if array.dtype.kind not in "OSU":
        return array.tolist()
    if name.endswith(_BINARY):
        return encode_array(array)
    flat = [
        one.decode("utf-8", "replace") if isinstance(one, bytes) else one
        for one in array.ravel().tolist()
    ]
    return _nested(flat, array.shape)


def _nested(flat, shape):
    """A flat list as nested lists of a shape."""
    if len(shape) < 2:
        return flat if shape else flat[0]
    size = len(flat) // shape[0] if shape[0] else 0
    return [
        _nested(flat[i * size : (i + 1) * size], shape[1:]) for i in range(shape[0])
    ]


def _names_inputs(given):
    return isinstance(given, dict) and set(given) != {"b64"}


def _only(inputs):
    """The name of the only input."""
    if len(inputs) != 1:
        raise _bad(f"Expected an object with the inputs {', '.join(inputs)}.")
    return next(iter(inputs))


def _columns(instances, inputs):
    """A request's rows by the names of inputs."""
    if not isinstance(instances, list) or not instances:
        raise _bad('Expected a list in "instances", of at least one.')
    named = [_names_inputs(row) for row in instances]
    if not any(named):
        return {_only(inputs): instances}
    if not all(named) or len({frozenset(row) for row in instances}) > 1:
        raise _bad('Expected objects of the same names in all "instances".')
    return {name: [row[name] for row in instances] for name in instances[0]}


def _array(value, wanted: "Input"):
    """The array of an input."""
    if not isinstance(value, list):
        raise _bad(f"Expected a list for the input {wanted.name!r}, {wanted}.")
    try:
        array = _texts(value) if wanted.dtype == "string" else _numbers(value, wanted)
        return wanted.read(array)
    except ValueError as error:
        raise _bad(str(error)) from error


def _texts(value):
    flat, shape = [], [len(value)]
    rows = value
    while rows and all(isinstance(row, list) for row in rows):
        if len({len(row) for row in rows}) > 1:
            raise ValueError("Expected rows of the same length.")
        shape.append(len(rows[0]))
        rows = [entry for row in rows for entry in row]
    flat = [_bytes(entry) for entry in rows]
    array = np.empty(len(flat), object)
    array[:] = flat
    return array.reshape(shape)


def _bytes(entry):
    if isinstance(entry, str):
        return entry.encode()
    if not isinstance(entry, dict) or not isinstance(entry.get("b64"), str):
        raise ValueError('Expected texts, or {"b64": ...} with bytes in base64.')
    try:
        # Without `validate`, what is no base64 would be left out.
        return base64.b64decode(entry["b64"], validate=True)
    except binascii.Error as error:
        raise ValueError(f"A value of b64 is no base64: {error}.") from error


def _numbers(value, wanted):
    kind = np.dtype(wanted.dtype)
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"The lists of the input {wanted.name!r} are of different lengths."
        ) from error
    allowed = {"b": "b", "f": "iuf"}.get(kind.kind, "iu")
    if array.size and array.dtype.kind not in allowed:
        raise ValueError(
            f"Expected numbers {wanted} for the input {wanted.name!r}. Received other"
            " values."
        )
    if kind.kind in "iu" and array.size:
        bounds = np.iinfo(kind)
        if array.min() < bounds.min or array.max() > bounds.max:
            raise ValueError(
                f"Expected numbers from {bounds.min} to {bounds.max} for the input"
                f" {wanted.name!r}. Received {array.min()} to {array.max()}."
            )
    with np.errstate(over="ignore"):
        return array.astype(kind)


def _bad(text, received=None):
    more = "" if received is None else f" Received: {str(received)[:200]}."
    return Refused(400, f"{text}{more}", reason="request")
