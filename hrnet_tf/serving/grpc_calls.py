"""TensorFlow Serving's gRPC, from the client's side."""

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np

from hrnet_tf.extras import import_extra
from hrnet_tf.serving.client import ServerError

# gRPC takes no policy with more attempts.
_MAX_ATTEMPTS = 5
# Of an image's heat maps or labels.
_MAX_BYTES = 1 << 30


class GrpcCalls:
    """Calls of a model's services; the arguments are those of `Client`."""

    def __init__(
        self,
        host: str,
        model: str,
        version: int | None,
        timeout: float,
        retries: int,
        backoff: float,
        headers: dict[str, str],
        secure: bool,
        files: tuple,
        workers: int,
    ) -> None:
        grpc = import_extra("grpc", "A client by gRPC")
        import_extra("tensorflow_serving.apis", "A client by gRPC")
        from tensorflow_serving.apis import (
            model_service_pb2_grpc,
            prediction_service_pb2_grpc,
        )

        self._host, self._timeout = host, timeout
        self._model, self._version = model, version
        self._metadata = [(name.lower(), value) for name, value in headers.items()]
        options = [
            ("grpc.max_receive_message_length", _MAX_BYTES),
            ("grpc.max_send_message_length", _MAX_BYTES),
            ("grpc.enable_retries", 1),
            ("grpc.service_config", _retry_policy(retries, backoff)),
        ]
        if secure:
            ca_file, cert_file, key_file = files
            credentials = grpc.ssl_channel_credentials(
                *(_content(path) for path in (ca_file, key_file, cert_file))
            )
            self._channel = grpc.secure_channel(host, credentials, options)
        else:
            self._channel = grpc.insecure_channel(host, options)
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(
            self._channel
        )
        self._models = model_service_pb2_grpc.ModelServiceStub(self._channel)

    def close(self) -> None:
        """Ends the connection."""
        self._channel.close()

    def states(self) -> list[str]:
        """Returns the states of the model's versions."""
        from tensorflow_serving.apis import get_model_status_pb2

        request = get_model_status_pb2.GetModelStatusRequest()
        self._name(request.model_spec)
        found = self._ask(self._models.GetModelStatus, request)
        names = get_model_status_pb2.ModelVersionStatus.State
        return [names.Name(one.state) for one in found.model_version_status]

    @functools.cached_property
    def signatures(self) -> dict[str, Any]:
        """See `Client.signatures`."""
        from tensorflow_serving.apis import get_model_metadata_pb2

        request = get_model_metadata_pb2.GetModelMetadataRequest()
        self._name(request.model_spec)
        request.metadata_field.append("signature_def")
        answer = self._ask(self._predictions.GetModelMetadata, request)
        found = get_model_metadata_pb2.SignatureDefMap()
        answer.metadata["signature_def"].Unpack(found)
        return {
            name: {"inputs": _infos(one.inputs), "outputs": _infos(one.outputs)}
            for name, one in found.signature_def.items()
            if not name.startswith("__")
        }

    def predict(
        self, arrays: dict[str, np.ndarray], signature: str
    ) -> dict[str, np.ndarray]:
        """See `Client.predict`."""
        from hrnet_tf.serving.protos import predict_request, read_tensor

        request = predict_request(arrays, self._model, signature)
        self._name(request.model_spec)
        answer = self._ask(self._predictions.Predict, request)
        return {name: read_tensor(proto) for name, proto in answer.outputs.items()}

    def _name(self, spec):
        spec.name = self._model
        if self._version is not None:
            spec.version.value = self._version

    def _ask(self, call, request):
        import grpc

        try:
            return call(request, timeout=self._timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            status = error.code().name
            raise ServerError(
                f"{self._host} refused, or did not answer: {status}: {error.details()}",
                status,
            ) from error


def _retry_policy(retries, backoff):
    """gRPC's own retries, as its configuration wants them."""
    if retries < 1:
        return "{}"
    policy = {
        "maxAttempts": min(retries + 1, _MAX_ATTEMPTS),
        "initialBackoff": f"{max(backoff, 0.001):g}s",
        "maxBackoff": f"{max(backoff, 0.001) * 2**retries:g}s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED"],
    }
    return json.dumps({"methodConfig": [{"name": [{}], "retryPolicy": policy}]})


def _content(path):
    return None if path is None else Path(path).read_bytes()


def _infos(tensors):
    from tensorflow.core.framework import types_pb2

    return {
        name: (types_pb2.DataType.Name(one.dtype), _shape(one.tensor_shape))
        for name, one in tensors.items()
    }


def _shape(given):
    if given.unknown_rank:
        return None
    return tuple(None if side.size < 0 else side.size for side in given.dim)
