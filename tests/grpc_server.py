"""TensorFlow Serving's services, of the official protos, over a SavedModel."""

import contextlib
from concurrent.futures import ThreadPoolExecutor

import grpc
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)


class Services(
    prediction_service_pb2_grpc.PredictionServiceServicer,
    model_service_pb2_grpc.ModelServiceServicer,
):
    """Answers as the server's documentation says.

    Args:
        folder: path of a version's folder.
        name: str, of the model.
    Attributes:
        failures: int. How many calls are still to be told UNAVAILABLE.
        metadata: dict of what the last call brought.
    """

    def __init__(self, folder, name):
        self.loaded = tf.saved_model.load(str(folder))
        proto = saved_model_pb2.SavedModel()
        proto.ParseFromString((folder / "saved_model.pb").read_bytes())
        self.signatures = proto.meta_graphs[0].signature_def
        self.name, self.failures, self.metadata = name, 0, {}

    def _check(self, request, context):
        self.metadata = dict(context.invocation_metadata())
        if self.failures:
            self.failures -= 1
            context.abort(grpc.StatusCode.UNAVAILABLE, "come again")
        if request.model_spec.name != self.name:
            context.abort(grpc.StatusCode.NOT_FOUND, "Servable not found")

    def Predict(self, request, context):
        self._check(request, context)
        name = request.model_spec.signature_name or "serving_default"
        inputs = {k: tf.constant(tf.make_ndarray(x)) for k, x in request.inputs.items()}
        try:
            found = self.loaded.signatures[name](**inputs)
        except (tf.errors.InvalidArgumentError, TypeError) as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error)[:500])
        answer = predict_pb2.PredictResponse(model_spec=request.model_spec)
        for key, value in found.items():
            answer.outputs[key].CopyFrom(tf.make_tensor_proto(value.numpy()))
        return answer

    def GetModelMetadata(self, request, context):
        self._check(request, context)
        found = get_model_metadata_pb2.SignatureDefMap()
        for name, signature in self.signatures.items():
            found.signature_def[name].CopyFrom(signature)
        answer = get_model_metadata_pb2.GetModelMetadataResponse()
        answer.metadata["signature_def"].Pack(found)
        return answer

    def GetModelStatus(self, request, context):
        self._check(request, context)
        answer = get_model_status_pb2.GetModelStatusResponse()
        answer.model_version_status.add(
            version=1, state=get_model_status_pb2.ModelVersionStatus.AVAILABLE
        )
        return answer


@contextlib.contextmanager
def grpc_running(services, credentials=None):
    """Runs the services on this machine's loopback address.

    Args:
        services: `Services`.
        credentials: of grpc, for TLS; or None.
    Yields:
        int, the port.
    """
    server = grpc.server(ThreadPoolExecutor(4))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        services, server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(services, server)
    if credentials is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port("localhost:0", credentials)
    server.start()
    try:
        yield port
    finally:
        server.stop(0).wait()
