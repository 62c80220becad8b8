"""Real servers of the tests, on this machine's loopback address."""

import contextlib
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
from PIL import Image

from hrnet_tf.serving.app import make_app
from hrnet_tf.serving.engine import Engine, output_types
from hrnet_tf.serving.examples import example_inputs
from hrnet_tf.serving.limits import Limits
from hrnet_tf.serving.serve import listening, make_server
from hrnet_tf.tasks.exported import Input, Signature


@contextlib.contextmanager
def running(engine, limits=None, **options):
    """Runs a server of an engine in a thread.

    Args:
        engine: `Engine`.
        limits: `Limits` or None.
        **options: of `make_app`.
    Yields:
        The server's address (str), with `app` as an attribute.
    """
    limits = limits or Limits()
    app = make_app(engine, limits, **options)
    started = threading.Event()
    server = make_server(app, limits, on_start=started.set)
    with listening("127.0.0.1", 0) as opened:
        run = threading.Thread(target=server.run, args=([opened],))
        run.start()
        try:
            assert started.wait(120), "The server did not start."
            address = Address(f"http://127.0.0.1:{opened.getsockname()[1]}")
            address.app, address.server, address.thread = app, server, run
            yield address
        finally:
            server.should_exit = True
            run.join(60)
            assert not run.is_alive()


class Address(str):
    """The address of a server, with what runs there."""


class SmallEngine(Engine):
    """An engine of plain NumPy, which takes as long as it is told.

    "serving_default" gives the mean colour of image files below each box, "crops" that
    of pixels.

    Attributes:
        go: `threading.Event`. The model waits for it.
        batches: list of int, of how many requests ran together.
    """

    version, format, default = 1, "numpy", "serving_default"
    name, output_types = "small", {}

    def __init__(self):
        self._pool = ThreadPoolExecutor(2)
        self.task = SimpleNamespace(
            name="pose",
            title="human pose",
            noun=("person", "people"),
            parts=SimpleNamespace(check_known=_checked),
        )
        self.description = {"task": "pose", "image_size": [8, 8]}
        self.inference = SimpleNamespace(header={})
        files = Input("image_bytes", (None,), "string")
        boxes = Input("boxes", (None, None, 4), "float32")
        images = Input("images", (None, 8, 8, 3), "uint8")
        self.signatures = {
            "serving_default": Signature([files, boxes], ["means"], self._means),
            "crops": Signature([images], ["colors", "names"], self._colors),
        }
        self.go, self.batches = threading.Event(), []
        self.go.set()

    def warm_up(self):
        for name, signature in self.signatures.items():
            inputs = example_inputs(signature.inputs, self.description)
            found = signature(**inputs)
            self.output_types[name] = output_types(found)

    def predict(self, name, requests):
        assert self.go.wait(60)
        self.batches.append(len(requests))
        return super().predict(name, requests)

    def find(self, images, known):
        assert self.go.wait(60)
        self.batches.append(len(images))
        return [
            {"mean": float(image.mean()), "boxes": one.get("boxes")}
            for image, one in zip(images, known, strict=True)
        ]

    def _decode(self, request):
        content, known = request
        try:
            pixels = _pixels(content)
            return pixels, _checked(pixels, "the image", **known) if known else {}
        except ValueError as error:
            return error

    @staticmethod
    def _means(image_bytes, boxes):
        means = np.zeros(boxes.shape[:2], np.float32)
        for i, content in enumerate(image_bytes):
            pixels = _pixels(content)
            for j, box in enumerate(boxes[i].astype(int)):
                x, y, width, height = box
                means[i, j] = pixels[y : y + height, x : x + width].mean()
        return {"means": means}

    @staticmethod
    def _colors(images):
        names = np.array([b"\xc3\xa4"] * len(images), object)
        return {"colors": images.mean((1, 2), np.float32), "names": names}


def _pixels(content):
    try:
        with Image.open(io.BytesIO(content)) as image:
            return np.asarray(image.convert("RGB"))
    except OSError as error:
        raise ValueError(f"The model refuses the inputs: {error}") from error


def _checked(image, name, boxes):
    height, width = image.shape[:2]
    for x, y, _, _ in boxes:
        if not (0 <= x < width and 0 <= y < height):
            raise ValueError(f"The box does not lie in {name}.")
    return {"boxes": boxes}
