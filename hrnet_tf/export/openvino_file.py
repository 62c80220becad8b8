"""What is inside OpenVINO's files: their description, and functions that run them."""

import json
import threading
from pathlib import Path
from typing import Any

from hrnet_tf.extras import import_extra
from hrnet_tf.tasks.exported import Input, Signature

# Where the description is in the file's own section for such things, `rt_info`.
_PLACE = ["hrnet_tf", "description"]


def describe(model: Any, text: str) -> None:
    """Puts a description, a json text, into an `openvino.Model`."""
    # Attributes of xml hold no line ends.
    model.set_rt_info(json.dumps(json.loads(text)), _PLACE)


def description_place(path: Path) -> str:
    """Returns in words (str) where the description of a file is."""
    return f"the description in {path}"


def read_description(path: Path) -> dict[str, Any]:
    """Returns the description of an OpenVINO file.

    Args:
        path: `Path` of the .xml file.
    Raises:
        ValueError: if it has none.
    """
    return _description(_read(path))


def read_signatures(path: Path, num_threads: int) -> dict[str, Signature]:
    """Returns the function of an OpenVINO file, by its name.

    Several threads may call it at once.

    Args:
        path: `Path` of the .xml file.
        num_threads: int. Cores to use.
    """
    openvino = import_extra("openvino", f"The OpenVINO file {path}")
    model = _read(path)
    description = _description(model)
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": num_threads}
    if description["precision"] == "float32":
        # Otherwise OpenVINO takes bfloat16 where the processor has it.
        settings["INFERENCE_PRECISION_HINT"] = "f32"
    compiled = openvino.Core().compile_model(model, "CPU", settings)
    held = threading.local()

    def run(**arrays):
        # A request has one set of buffers.
        if not hasattr(held, "request"):
            held.request = compiled.create_infer_request()
        found = held.request.infer(arrays)
        return {port.any_name: value for port, value in found.items()}

    inputs = [_input(port) for port in compiled.inputs]
    outputs = sorted(port.any_name for port in compiled.outputs)
    return {description["signature"]: Signature(inputs, outputs, run)}


def store_in_bfloat16(model: Any) -> None:
    """Stores larger weights of an `openvino.Model` as bfloat16, in half the size."""
    openvino = import_extra("openvino", "The format openvino")
    operations = import_extra("openvino.opset13", "The format openvino")
    for constant in model.get_ops():
        wide = constant.get_type_name() == "Constant" and (
            constant.get_element_type() == openvino.Type.f32
        )
        if wide and constant.get_byte_size() >= _WORTH_BYTES:
            users = list(constant.output(0).get_target_inputs())
            halves = operations.constant(constant.data, dtype=openvino.Type.bf16)
            widened = operations.convert(halves, "f32")
            # OpenVINO then keeps the pair as it is, and does not fold it when reading.
            widened.get_rt_info()["decompression"] = ""
            for user in users:
                user.replace_source_output(widened.output(0))


# Smaller constants are not worth an operation.
_WORTH_BYTES = 1024


def _read(path):
    openvino = import_extra("openvino", f"The OpenVINO file {path}")
    if not path.with_suffix(".bin").is_file():
        raise ValueError(
            f"the weights are absent: {path.with_suffix('.bin').name} belongs beside it"
        )
    try:
        return openvino.Core().read_model(str(path))
    except RuntimeError as error:
        raise ValueError(f"OpenVINO cannot read it: {error}") from error


def _description(model):
    if not model.has_rt_info(_PLACE):
        raise ValueError("the file does not say what it holds")
    return json.loads(model.get_rt_info(_PLACE).astype(str))


def _input(port):
    shape = tuple(
        None if side.is_dynamic else side.get_length() for side in port.partial_shape
    )
    return Input(port.any_name, shape, port.get_element_type().to_dtype().name)
