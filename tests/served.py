"""What tests ask servers of a `SmallEngine`, and how they read the answers."""

from hrnet_tf.serving.tensors import encode_array

VERSION = "/v1/models/small/versions/1"
PREDICT = "/v1/models/small:predict"
RESULTS = "/v1/models/small:results"


def rows(inputs):
    """Inputs as the "instances" of a request."""
    columns = {name: encode_array(array) for name, array in inputs.items()}
    return [
        dict(zip(columns, row, strict=True))
        for row in zip(*columns.values(), strict=True)
    ]


def error_of(response, status):
    assert response.status_code == status, response.text
    return response.json()["error"]
