"""What TensorFlow Serving tells of a model."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hrnet_tf.serving.engine import Engine


def model_status(version: int, ready: bool) -> dict[str, Any]:
    """Returns TensorFlow Serving's json of a model's status."""
    return {
        "model_version_status": [
            {
                "version": str(version),
                "state": "AVAILABLE" if ready else "LOADING",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }


def model_metadata(engine: "Engine") -> dict[str, Any]:
    """Returns TensorFlow Serving's json of a model's signatures."""
    signatures = {}
    for name, signature in engine.signatures.items():
        inputs = {
            key: _tensor_info(key, _type_name(one.dtype), one.shape)
            for key, one in signature.inputs.items()
        }
        outputs = {
            key: _tensor_info(key, kind, (None,) * rank)
            for key, (kind, rank) in engine.output_types.get(name, {}).items()
        }
        method = "tensorflow/serving/predict"
        signatures[name] = {
            "inputs": inputs,
            "outputs": outputs,
            "method_name": method,
        }
    spec = {
        "name": engine.name,
        "signature_name": "",
        "version": str(engine.version),
    }
    inner = {"signature_def": signatures}
    return {"model_spec": spec, "metadata": {"signature_def": inner}}


def _tensor_info(name, kind, shape):
    sides = [{"size": str(-1 if side is None else side), "name": ""} for side in shape]
    return {
        "dtype": kind,
        "tensor_shape": {"dim": sides, "unknown_rank": False},
        "name": name,
    }


def _type_name(dtype):
    return {"float32": "DT_FLOAT"}.get(dtype, f"DT_{dtype.upper()}")
