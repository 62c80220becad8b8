"""Arrays in TensorFlow's protos, and back."""

from typing import TYPE_CHECKING, Any

import numpy as np

from hrnet_tf.extras import import_extra

if TYPE_CHECKING:
    from collections.abc import Mapping


def predict_request(
    arrays: "Mapping[str, np.ndarray]", model: str, signature: str
) -> Any:
    """Returns a `PredictRequest`.

    Args:
        arrays: mapping of an input's name to its array.
        model: str.
        signature: str.
    Raises:
        MissingExtra: if tensorflow-serving-api is absent.
    """
    import_extra("tensorflow_serving.apis", "TensorFlow Serving's protocol")
    from tensorflow_serving.apis import predict_pb2

    request = predict_pb2.PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = signature
    for name, array in arrays.items():
        request.inputs[name].CopyFrom(write_tensor(array))
    return request


def write_tensor(array: np.ndarray) -> Any:
    """Returns an array as a `TensorProto`."""
    import tensorflow as tf

    return tf.make_tensor_proto(array)


def read_tensor(proto: Any) -> np.ndarray:
    """Returns a `TensorProto` as an array; texts as bytes objects."""
    import tensorflow as tf

    return tf.make_ndarray(proto)
