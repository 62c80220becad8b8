"""Asks a server, TensorFlow Serving's or this package's, by REST or gRPC."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from hrnet_tf.typing import PathLike

_SCHEMES = ("http", "https", "grpc", "grpcs")
_PORTS = {"http": 8501, "https": 443, "grpc": 8500, "grpcs": 443}


class ServerError(ValueError):
    """A server that does not answer, or that refuses.

    Args:
        text: str.
        status: int of HTTP, or the name of gRPC's; None where nothing was answered.
    """

    def __init__(self, text: str, status: int | str | None = None) -> None:
        super().__init__(text)
        self.status = status


class Client:
    """Sends images to a model behind a server.

        client = Client("http://localhost:8501", "coco")
        keypoints = client.run(["photo.jpg"], boxes=[[[50, 30, 120, 260]]])

    It needs neither TensorFlow nor a model where it speaks REST. It may be used from
    several threads.

    Args:
        url: str. http, https, grpc or grpcs (gRPC over TLS), host and port, such as
            "grpc://localhost:8500". Without a port: 8501 of http, 8500 of grpc, 443.
        model: str. The model's name.
        version: int or None. None takes the server's largest.
        timeout: float. Seconds that an answer may take, of each try.
        retries: int. How often what is refused for want of room, or does not get
            through, is tried again.
        backoff: float. Seconds before the first of these; then twice as long each time.
            What a server says in Retry-After counts instead.
        token: str or None. Sent as `Authorization: Bearer TOKEN`.
        headers: dict of str or None. Further ones, of gRPC its metadata.
        ca_file: path or None. Certificates to trust, in place of the system's.
        cert_file, key_file: paths or None. The client's own certificate and key.
        workers: int. Requests of `run` and `predict_many` that are on their way at
            once.
    Raises:
        ValueError: if the url is none.
        MissingExtra: for gRPC, if its packages are absent.
    """

    def __init__(
        self,
        url: str,
        model: str,
        version: int | None = None,
        timeout: float = 30.0,
        retries: int = 3,
        backoff: float = 0.2,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        ca_file: PathLike | None = None,
        cert_file: PathLike | None = None,
        key_file: PathLike | None = None,
        workers: int = 4,
    ) -> None:
        scheme, host = _split(url)
        self.url, self.model, self.version = url, model, version
        self.workers = workers
        headers = dict(headers or {})
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        if (cert_file is None) != (key_file is None):
            raise ValueError("cert_file and key_file go together.")
        if scheme.startswith("grpc"):
            from hrnet_tf.serving.grpc_calls import GrpcCalls

            kind: Any = GrpcCalls
        else:
            from hrnet_tf.serving.rest_calls import RestCalls

            kind, host = RestCalls, f"{scheme}://{host}"
        self._calls = kind(
            host,
            model,
            version,
            timeout=timeout,
            retries=retries,
            backoff=backoff,
            headers=headers,
            secure=scheme in ("https", "grpcs"),
            files=(ca_file, cert_file, key_file),
            workers=workers,
        )

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self) -> None:
        """Ends the connections."""
        self._calls.close()

    @property
    def signatures(self) -> dict[str, Any]:
        """dict of a signature's name to a dict: its "inputs" and "outputs".

        Each a dict of a tensor's name to (dtype, shape), such as ("DT_FLOAT",
        (None, None, 4)).
        """
        return self._calls.signatures

    def states(self) -> list[str]:
        """Returns the states of the model's versions, such as "AVAILABLE".

        Raises:
            ServerError: if the server does not answer, or does not know the model.
        """
        return self._calls.states()

    def is_ready(self) -> bool:
        """Returns whether the server answers, and has the model."""
        try:
            return "AVAILABLE" in self.states()
        except ServerError:
            return False

    def predict(
        self, inputs: Mapping[str, Any], signature: str = "serving_default"
    ) -> dict[str, np.ndarray]:
        """Runs a signature.

        Args:
            inputs: mapping of name to what NumPy makes an array of.
            signature: str.
        Returns:
            dict of arrays; of texts, arrays of bytes objects.
        Raises:
            ServerError: if it is refused, or not answered in time.
        """
        arrays = {name: _array(value) for name, value in inputs.items()}
        return self._calls.predict(arrays, signature)

    def predict_many(
        self, requests: Sequence[Mapping[str, Any]], signature: str = "serving_default"
    ) -> list[dict[str, np.ndarray]]:
        """Runs a signature for several requests, of which some are sent at once.

        Args:
            requests: sequence of what `predict` takes.
            signature: str.
        Returns:
            list of what `predict` returns, in their order.
        Raises:
            ServerError: see `predict`; of the first request that fails.
        """
        with ThreadPoolExecutor(self.workers) as pool:
            return list(pool.map(lambda one: self.predict(one, signature), requests))

    def run(
        self, images: Sequence[PathLike | bytes], boxes: Sequence[Any] | None = None
    ) -> list[dict[str, np.ndarray]]:
        """Finds what the model looks for in image files, one a request.

        Args:
            images: sequence of paths or of the bytes of files.
            boxes: sequence of array-likes `[N, 4]`, x, y, width, height in pixels, of
                each image; for models of people or faces without a detector.
        Returns:
            list of dicts of the outputs of "serving_default", without the axis of the
            batch: such as "keypoints" `[N, K, 2]` and "scores" `[N, K]`; "labels"
            `[H, W]`; "boxes", "scores" and "classes" of the `N` objects there are.
        Raises:
            ServerError: see `predict`.
        """
        requests = []
        for number, image in enumerate(images):
            content = image if isinstance(image, bytes) else Path(image).read_bytes()
            request: dict[str, Any] = {"image_bytes": [content]}
            if boxes is not None:
                request["boxes"] = np.asarray(boxes[number], np.float32)[None]
            requests.append(request)
        return [trimmed(found) for found in self.predict_many(requests)]


def trimmed(found: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Returns the outputs of one image without the axis of the batch, and without rows
    that only fill up.

    Args:
        found: mapping of name to array, whose first axis has one entry.
    """
    row = {name: array[0] for name, array in found.items()}
    count = row.pop("num_detections", None)
    if count is None and "box_scores" in row:
        # Of people whom a detector in the graph found.
        count = int((row["box_scores"] > 0).sum())
        people = ("boxes", "box_scores", "keypoints", "scores")
        return {k: x[:count] if k in people else x for k, x in row.items()}
    if count is not None:
        objects = ("boxes", "scores", "classes", "masks")
        row = {k: x[: int(count)] if k in objects else x for k, x in row.items()}
    if "sizes" in row and "labels" in row:
        height, width = row["sizes"]
        row["labels"] = row["labels"][:height, :width]
    return row


def _array(value):
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, (list, tuple)) and all(isinstance(v, bytes) for v in value):
        # NumPy's own texts would lose zeros at their ends.
        array = np.empty(len(value), object)
        array[:] = value
        return array
    array = np.asarray(value)
    return array.astype(np.float32) if array.dtype == np.float64 else array


def _split(url):
    """The scheme of a url, and its host with a port."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{url!r} is no address of a server: {error}.") from error
    if (
        parts.scheme not in _SCHEMES
        or not parts.hostname
        or parts.path not in ("", "/")
    ):
        raise ValueError(
            "Expected the address of a server, such as http://localhost:8501 or"
            f" grpc://localhost:8500 ({', '.join(_SCHEMES)}). Received: {url!r}."
        )
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return parts.scheme, f"{name}:{port or _PORTS[parts.scheme]}"
