"""TensorFlow Serving's REST, from the client's side."""

import functools
from typing import Any

import numpy as np

from hrnet_tf.serving.client import ServerError
from hrnet_tf.serving.tensors import encode_array, read_array

# What may go through when it is tried again.
_RETRIED = (429, 502, 503, 504)
_MAX_BACKOFF = 30.0


class RestCalls:
    """Calls of a model's addresses; the arguments are those of `Client`."""

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
        import requests
        from urllib3.util import Retry

        ca_file, cert_file, key_file = files
        self._host, self._timeout = host, timeout
        self._address = f"{host}/v1/models/{model}"
        if version is not None:
            self._address += f"/versions/{version}"
        retry = Retry(
            total=retries,
            connect=retries,
            # An answer that was begun and broke off.
            read=retries,
            backoff_factor=backoff,
            backoff_max=_MAX_BACKOFF,
            backoff_jitter=backoff / 2,
            status_forcelist=_RETRIED,
            # A prediction changes nothing.
            allowed_methods=frozenset({"GET", "POST"}),
            raise_on_status=False,
        )
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=workers, max_retries=retry)
        self._session = requests.Session()
        self._session.mount(host, adapter)
        self._session.headers.update(headers)
        # Neither proxies nor passwords of the surroundings.
        self._session.trust_env = False
        if ca_file is not None:
            self._session.verify = str(ca_file)
        if cert_file is not None:
            self._session.cert = (str(cert_file), str(key_file))

    def close(self) -> None:
        """Ends the connections."""
        self._session.close()

    def states(self) -> list[str]:
        """Returns the states of the model's versions."""
        content = self._ask("GET", "")
        return [one["state"] for one in content["model_version_status"]]

    @functools.cached_property
    def signatures(self) -> dict[str, Any]:
        """See `Client.signatures`."""
        content = self._ask("GET", "/metadata")
        found = content["metadata"]["signature_def"]["signature_def"]
        return {
            name: {side: _infos(one.get(side, {})) for side in ("inputs", "outputs")}
            for name, one in found.items()
            if not name.startswith("__")
        }

    def predict(
        self, arrays: dict[str, np.ndarray], signature: str
    ) -> dict[str, np.ndarray]:
        """See `Client.predict`."""
        if signature not in self.signatures:
            raise ServerError(
                f"{self._address} has no signature {signature!r}, only"
                f" {', '.join(self.signatures)}."
            )
        columns = {name: encode_array(array) for name, array in arrays.items()}
        body = {"signature_name": signature, "inputs": columns}
        found = self._ask("POST", ":predict", body)["outputs"]
        known = self.signatures[signature]["outputs"]
        if len(known) == 1:
            found = {next(iter(known)): found}
        return {name: read_array(x, known[name][0]) for name, x in found.items()}

    def _ask(self, method, rest, body=None):
        import requests

        url = self._address + rest
        try:
            answer = self._session.request(
                method, url, json=body, timeout=self._timeout, allow_redirects=False
            )
        except requests.exceptions.RequestException as error:
            raise ServerError(f"{url} did not answer: {_reason(error)}.") from error
        try:
            content = answer.json()
        except requests.exceptions.JSONDecodeError as error:
            raise ServerError(
                f"{url} answered {answer.status_code} with what is no json:"
                f" {answer.text[:100]!r}. Is it a model server?",
                answer.status_code,
            ) from error
        if answer.status_code != 200:
            text = (
                content.get("error", content) if isinstance(content, dict) else content
            )
            raise ServerError(f"{url} refused: {text}", answer.status_code)
        return content


def _infos(tensors):
    return {
        name: (one["dtype"], _shape(one.get("tensor_shape", {})))
        for name, one in tensors.items()
    }


def _shape(given):
    if given.get("unknown_rank"):
        return None
    sides = [int(side["size"]) for side in given.get("dim", [])]
    return tuple(None if side < 0 else side for side in sides)


def _reason(error):
    """The innermost reason of an error of the network."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return str(reason or error).rpartition(": ")[2] or type(error).__name__
