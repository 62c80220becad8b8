"""The optional packages, and what to say where one is missing."""

import importlib
from types import ModuleType

# What the extras are for, by the name of their module.
_EXTRAS = {
    "ai_edge_litert": ("litert", "LiteRT"),
    "ai_edge_quantizer": ("litert", "AI Edge Quantizer"),
    "av": ("video", "PyAV"),
    "keras_hub": ("hub", "KerasHub"),
    "nncf": ("openvino", "NNCF"),
    "onnx": ("onnx", "ONNX"),
    "onnxruntime": ("onnx", "ONNX Runtime"),
    "openvino": ("openvino", "OpenVINO"),
    "tf2onnx": ("onnx", "tf2onnx"),
    "pandas": ("formats", "pandas"),
    "sleap_io": ("formats", "sleap-io"),
    "tables": ("formats", "PyTables"),
    "yaml": ("formats", "PyYAML"),
    "tensorflow_datasets": ("tfds", "TensorFlow Datasets"),
    "official": ("official", "tf-models-official"),
    "fastapi": ("serve", "FastAPI"),
    "uvicorn": ("serve", "uvicorn"),
    "prometheus_client": ("serve", "prometheus-client"),
    "grpc": ("grpc", "grpcio"),
    "tensorflow_serving": ("grpc", "tensorflow-serving-api"),
}


class MissingExtra(ImportError, ValueError):
    """An optional package is absent; the message says how to install it.

    It is a ValueError too, which commands explain in a line.
    """


def import_extra(module: str, purpose: str) -> ModuleType:
    """Imports an optional package.

    Args:
        module: str, such as "tensorflow_datasets".
        purpose: str. What needs it, such as "tfds:beans".
    Returns:
        The module.
    Raises:
        MissingExtra: if it cannot be imported.
    """
    extra, package = _EXTRAS[module.partition(".")[0]]
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtra(
            f"{purpose} needs {package}, which cannot be imported here ({error})."
            f" Install it with: pip install 'hrnet_tf[{extra}]'"
        ) from error
