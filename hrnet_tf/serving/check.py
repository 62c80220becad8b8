"""Whether a running server answers rightly."""

import dataclasses
import io
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hrnet_tf.io import open_image
from hrnet_tf.serving.client import Client, ServerError
from hrnet_tf.serving.examples import drawn_image, encoded

if TYPE_CHECKING:
    from hrnet_tf.tasks.exported import Exported

_SIGNATURE = "serving_default"
# What answers may differ by, from the model's own in this process, relative to the
# largest value: processors and their libraries round differently.
_TOLERANCE = 2e-3
_REFUSALS = (400, 413, 422, "INVALID_ARGUMENT", "FAILED_PRECONDITION")


@dataclasses.dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        name: str. What was checked.
        is_good: bool.
        text: str.
    """

    name: str
    is_good: bool
    text: str


def check_server(
    client: Client,
    images: Sequence[Path],
    exported: "Exported | None" = None,
    repeats: int = 5,
) -> list[Finding]:
    """Asks a server for images, and looks whether its answers can be right.

    Args:
        client: `Client`.
        images: sequence of `Path`, of image files; none: a drawn one.
        exported: `Exported`, of the model that the server is to have, whose answers
            are compared; or None.
        repeats: int. How often the first image is sent to time it.
    Returns:
        list of `Finding`; after what stops all else, it ends.
    """
    found = [_ready(client)]
    if not found[-1].is_good:
        return found
    found.append(_signatures(client, exported))
    if not found[-1].is_good:
        return found
    contents = {str(path): path.read_bytes() for path in images}
    contents = contents or {"a drawn image": encoded(drawn_image((256, 192)))}
    for name, content in contents.items():
        found += _one_image(client, name, content, exported)
    first = next(iter(contents.values()))
    found.append(_broken_image(client, first))
    found.append(_times(client, first, repeats))
    return found


def _ready(client):
    started = time.perf_counter()
    if client.is_ready():
        milliseconds = (time.perf_counter() - started) * 1e3
        text = f"{client.model} is available ({milliseconds:.0f} ms)"
        return Finding("server", True, text)
    try:
        states = client.states()
    except ServerError as error:
        return Finding("server", False, str(error))
    return Finding("server", False, f"{client.model} is {', '.join(states)}")


def _signatures(client, exported):
    name = "signatures"
    try:
        found = client.signatures
    except ServerError as error:
        return Finding(name, False, str(error))
    if _SIGNATURE not in found or "image_bytes" not in found[_SIGNATURE]["inputs"]:
        text = f"no {_SIGNATURE} that takes image_bytes among {', '.join(found)}"
        return Finding(name, False, text)
    if exported is not None and set(exported.signatures) != set(found):
        text = f"{', '.join(found)}; of the model {', '.join(exported.signatures)}"
        return Finding(name, False, text)
    return Finding(name, True, ", ".join(found))


def _one_image(client, name, content, exported):
    """Asks for an image twice, and compares what comes with all that is known of it."""
    inputs = _inputs(client, content)
    try:
        first, second = (client.predict(inputs, _SIGNATURE) for _ in range(2))
    except ServerError as error:
        return [Finding(name, False, str(error))]
    known = client.signatures[_SIGNATURE]["outputs"]
    wrong = [
        key
        for key, (_, shape) in known.items()
        if key not in first or (shape is not None and first[key].ndim != len(shape))
    ]
    if wrong:
        text = f"{', '.join(wrong)}: absent, or of another shape than the metadata say"
        return [Finding(name, False, text)]
    endless = [k for k, x in first.items() if _is_float(x) and not np.isfinite(x).all()]
    if endless:
        text = f"{', '.join(endless)} hold numbers that are not finite"
        return [Finding(name, False, text)]
    apart = worst_difference(first, second)
    if apart[0] > _TOLERANCE:
        text = f"{apart[1]} differs between two equal requests by {apart[0]:.2g}"
        return [Finding(name, False, text)]
    shapes = ", ".join(f"{key} {list(array.shape)}" for key, array in first.items())
    found = [Finding(name, True, shapes)]
    if exported is not None:
        expected = exported.signatures[_SIGNATURE](**inputs)
        apart = worst_difference(first, expected)
        text = f"{apart[1]} {apart[0]:.2g} of its largest value apart from the model's"
        found.append(Finding(f"{name}, compared", apart[0] <= _TOLERANCE, text))
    return found


def _broken_image(client, content):
    """Half a file must be refused, and the server live on."""
    name = "half a file"
    inputs = _inputs(client, content)
    inputs["image_bytes"][0] = content[: len(content) // 2]
    try:
        client.predict(inputs, _SIGNATURE)
    except ServerError as error:
        if error.status not in _REFUSALS:
            return Finding(name, False, f"Expected a refusal. Received: {error}")
    else:
        return Finding(name, False, "it was answered as if it were whole")
    if not client.is_ready():
        return Finding(name, False, "the server is gone after it")
    return Finding(name, True, "refused, and the server goes on")


def _times(client, content, repeats):
    inputs, times = _inputs(client, content), []
    for _ in range(repeats):
        started = time.perf_counter()
        try:
            client.predict(inputs, _SIGNATURE)
        except ServerError as error:
            return Finding("time", False, str(error))
        times.append((time.perf_counter() - started) * 1e3)
    text = (
        f"median {np.median(times):.0f} ms, worst {max(times):.0f} ms, {repeats} runs"
    )
    return Finding("time", True, text)


def _inputs(client, content) -> dict[str, Any]:
    """Inputs for one image; with a box round all of it where boxes are wanted."""
    files = np.empty(1, object)
    files[0] = content
    found: dict[str, Any] = {"image_bytes": files}
    if "boxes" in client.signatures[_SIGNATURE]["inputs"]:
        with open_image(io.BytesIO(content)) as image:
            found["boxes"] = np.array([[[0, 0, *image.size]]], np.float32)
    return found


def worst_difference(
    found: dict[str, np.ndarray], expected: dict[str, np.ndarray]
) -> tuple[float, str]:
    """Returns the largest difference of two dicts of arrays, and where it is.

    Of numbers it is relative to the largest of the expected; of labels and texts the
    share of those that differ; of other shapes 1.
    """
    worst = 0.0, next(iter(expected))
    for name, wanted in expected.items():
        given = found.get(name)
        if given is None or given.shape != wanted.shape:
            apart = 1.0
        elif _is_float(wanted) and wanted.size:
            scale = max(float(np.abs(wanted).max()), 1e-6)
            apart = float(np.abs(given - wanted).max()) / scale
        else:
            apart = float((given != wanted).mean()) if wanted.size else 0.0
        worst = max(worst, (apart, name))
    return worst


def _is_float(array):
    return array.dtype.kind == "f"
