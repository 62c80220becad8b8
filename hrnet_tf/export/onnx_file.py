"""What is inside ONNX files: their description, and functions that run them."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from hrnet_tf.extras import import_extra
from hrnet_tf.tasks.exported import Input, Signature

_DESCRIPTION = "hrnet.json"
# Smaller weights are not worth an operation.
_WORTH_ELEMENTS = 256


def describe(model: Any, text: str) -> None:
    """Puts a description, a json text, into an `onnx.ModelProto`."""
    entry = model.metadata_props.add()
    entry.key, entry.value = _DESCRIPTION, text


def description_place(path: Path) -> str:
    """Returns in words (str) where the description of a file is."""
    return f"{_DESCRIPTION} in the metadata of {path}"


def read_description(path: Path) -> dict[str, Any]:
    """Returns the description of an ONNX file.

    Args:
        path: `Path` of the file.
    Raises:
        ValueError: if it has none.
    """
    return _description(_session(path, 1))


def read_signatures(path: Path, num_threads: int) -> dict[str, Signature]:
    """Returns the function of an ONNX file, by its name.

    Several threads may call it at once.

    Args:
        path: `Path` of the file.
        num_threads: int. Cores to use.
    """
    session = _session(path, num_threads)
    outputs = sorted(one.name for one in session.get_outputs())

    def run(**arrays):
        return dict(zip(outputs, session.run(outputs, arrays), strict=True))

    inputs = [_input(one) for one in session.get_inputs()]
    return {_description(session)["signature"]: Signature(inputs, outputs, run)}


def store_in_float16(model: Any) -> None:
    """Stores the larger weights of an `onnx.ModelProto` as float16, in half the size.

    Runtimes widen them once, when they load the file, and compute in float32.
    """
    onnx = import_extra("onnx", "The format onnx")
    casts = []
    for tensor in model.graph.initializer:
        is_wide = tensor.data_type == onnx.TensorProto.FLOAT
        if not is_wide or np.prod(tensor.dims) < _WORTH_ELEMENTS:
            continue
        name, values = tensor.name, onnx.numpy_helper.to_array(tensor)
        stored = f"{name}/float16"
        halves = values.astype(np.float16)
        tensor.CopyFrom(onnx.numpy_helper.from_array(halves, stored))
        casts.append(
            onnx.helper.make_node(
                "Cast", [stored], [name], f"{name}/cast", to=onnx.TensorProto.FLOAT
            )
        )
    for cast in reversed(casts):
        model.graph.node.insert(0, cast)


def _session(path, num_threads):
    runtime = import_extra("onnxruntime", f"The ONNX file {path}")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = num_threads
    # Errors alone: it warns of how other packages write attributes.
    options.log_severity_level = 3
    try:
        return runtime.InferenceSession(
            str(path), options, providers=runtime.get_available_providers()
        )
    except Exception as error:  # ONNX Runtime's own classes have no common name.
        raise ValueError(
            f"{path} could not be loaded as an ONNX file: {error}. Copy the whole file,"
            " or export the model again."
        ) from error


def _description(session):
    found = session.get_modelmeta().custom_metadata_map
    if _DESCRIPTION not in found:
        raise ValueError("the file does not say what it holds")
    return json.loads(found[_DESCRIPTION])


def _input(one):
    shape = tuple(side if isinstance(side, int) else None for side in one.shape)
    kind = one.type.removeprefix("tensor(").removesuffix(")")
    return Input(one.name, shape, {"float": "float32"}.get(kind, kind))
