"""Warm-up records: what TensorFlow Serving runs before it says that it is ready."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hrnet_tf.io import replacing
from hrnet_tf.serving.examples import example_inputs
from hrnet_tf.serving.protos import predict_request
from hrnet_tf.weights.exported import EXTRA

if TYPE_CHECKING:
    from hrnet_tf.tasks.exported import Exported

# The name that TensorFlow Serving looks for in assets.extra.
WARMUP_FILE = "tf_serving_warmup_requests"
# Requests of pixels are large, and the server reads all records when it starts.
_MAX_PIXEL_BYTES = 4_000_000


def write_warmup(
    exported: "Exported",
    name: str,
    batch_sizes: Sequence[int] = (1,),
    images: Sequence[np.ndarray] = (),
) -> tuple[Path, int]:
    """Writes requests of each signature beside a SavedModel, and runs them before.

    The file appears only when complete; one that is there is replaced.

    Args:
        exported: `Exported` of a SavedModel.
        name: str. What the server calls the model.
        batch_sizes: sequence of int. Rows of the requests, one of each.
        images: sequence of uint8 arrays `[H, W, 3]`, such as those that will be sent;
            none: a drawn one.
    Returns:
        The `Path` of the file, and the number of records.
    Raises:
        ValueError: if it is no SavedModel.
        MissingExtra: if tensorflow-serving-api is absent.
    """
    import tensorflow as tf

    if exported.format != "saved_model":
        raise ValueError(
            f"{exported.path} is of the format {exported.format}. TensorFlow Serving"
            " serves SavedModels: export the model with --format saved_model."
        )
    records = []
    for signature, function in exported.signatures.items():
        for count in batch_sizes:
            inputs = example_inputs(
                function.inputs, exported.description, count, images
            )
            if count > 1 and _pixel_bytes(inputs) > _MAX_PIXEL_BYTES:
                continue
            # A record that fails keeps the server from loading the model.
            function(**inputs)
            records.append(_record(predict_request(inputs, name, signature)))
    path = exported.path / EXTRA / WARMUP_FILE
    with replacing(path) as beside, tf.io.TFRecordWriter(str(beside)) as writer:
        for record in records:
            writer.write(record)
    return path, len(records)


def _record(request):
    from tensorflow_serving.apis import prediction_log_pb2

    log = prediction_log_pb2.PredictLog(request=request)
    return prediction_log_pb2.PredictionLog(predict_log=log).SerializeToString()


def _pixel_bytes(inputs):
    return sum(array.nbytes for array in inputs.values() if array.ndim == 4)
