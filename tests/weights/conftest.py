"""A server on this machine that serves a checkpoint, and what can go wrong with it."""

import hashlib
import http.server
import pickle
import sys
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from hrnet_tf.weights import download
from hrnet_tf.weights.registry import PublishedWeights
from hrnet_tf.weights.torch_checkpoint import read_checkpoint

# Pytest's importlib mode finds no module beside the tests.
sys.path.append(str(Path(__file__).parent))

TENSORS = {
    "backbone.conv1.weight": np.arange(216, dtype=np.float32).reshape(8, 3, 3, 3),
    "backbone.bn1.running_mean": np.linspace(-1, 1, 8, dtype=np.float32),
    "head.final_layer.bias": np.array([0.5, -2], np.float16),
}
EXTRAS = {
    "backbone.bn1.num_batches_tracked": np.array(7, np.int64),
    "ema_backbone_conv1_weight": np.zeros((8, 3, 3, 3), np.float32),
}
KINDS = {"float32": "Float", "float16": "Half", "int64": "Long"}


def openmmlab_checkpoint(path, tensors):
    """Writes what torch.save makes of a training checkpoint of OpenMMLab."""
    pairs = b""
    with zipfile.ZipFile(path, "w") as archive:
        for key, (name, array) in enumerate(tensors.items()):
            steps = tuple(step // array.itemsize for step in array.strides)
            kind = f"ctorch\n{KINDS[array.dtype.name]}Storage\n".encode()
            identity = [encode("storage"), kind, *map(encode, (str(key), "cpu"))]
            storage = b"(" + b"".join(identity) + encode(array.size) + b"tQ"
            arguments = storage + b"".join(map(encode, (0, array.shape, steps, False)))
            hooks = b"ccollections\nOrderedDict\n)R"
            rebuild = b"ctorch._utils\n_rebuild_tensor_v2\n("
            pairs += encode(name) + rebuild + arguments + hooks + b"tR"
            archive.writestr(f"archive/data/{key}", array.tobytes())
        content = b"}(" + encode("meta") + encode({"epoch": 210})
        content += encode("state_dict") + b"}(" + pairs + b"u"
        content += encode("optimizer") + encode({"state": {0: 3}}) + b"u"
        archive.writestr("archive/data.pkl", b"\x80\x02" + content + b".")
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/padding", bytes(200_000))


def encode(value):
    return pickle.dumps(value, 2)[2:-1]


class Server(http.server.ThreadingHTTPServer):
    """Serves `content` at every address; its attributes are what goes wrong."""

    daemon_threads = True

    def __init__(self, content):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.asked = content, []
        self.status, self.ranges, self.headers = 200, True, {}
        self.cut, self.silent, self.pause, self.redirect = None, None, 0, None
        self.base = f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.asked.append((self.path, self.headers.get("Range")))
        if server.silent == -1:  # not even a header
            return time.sleep(3)
        if server.redirect and self.path != server.redirect:
            return self.answer(302, Location=server.redirect, **server.headers)
        if server.status != 200:
            return self.answer(server.status)
        start = 0
        if server.ranges and self.headers.get("Range"):
            start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
            if start >= len(server.content):
                return self.answer(416)
        body, size = server.content[start:], len(server.content)
        span = {"Content-Range": f"bytes {start}-{size - 1}/{size}"} if start else {}
        headers = {} if server.redirect else server.headers
        lengths = {"Content-Length": str(len(body))}
        self.answer(206 if start else 200, **lengths, **span, **headers)
        self.send(body)

    def answer(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def send(self, body):
        for position in range(0, len(body), 10_000):
            if self.server.cut is not None and position >= self.server.cut:
                return
            if self.server.silent is not None and position >= self.server.silent:
                time.sleep(3)
                return
            time.sleep(self.server.pause)
            try:
                self.wfile.write(body[position : position + 10_000])
                self.wfile.flush()
            except ConnectionError:  # the client was killed
                return

    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "original.pth"
    openmmlab_checkpoint(path, {**TENSORS, **EXTRAS})
    return path.read_bytes()


@pytest.fixture
def torch_file(tmp_path):
    """Makes the bytes of a training checkpoint of OpenMMLab with these tensors."""

    def make(tensors):
        path = tmp_path / "original.pth"
        openmmlab_checkpoint(path, tensors)
        return path.read_bytes()

    return make


@pytest.fixture
def server(checkpoint, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv(download.MIRROR_VARIABLE, raising=False)
    with Server(checkpoint) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def entry(server):
    digits = hashlib.sha256(server.content).hexdigest()[:8]
    return make(f"{server.base}/v1/tiny-{digits}_2022.pth", digits)


def make(url, digits):
    return PublishedWeights(
        "tiny", "HRNetPose", "hrnet_test", {}, url, digits, "AP 0.5", "nowhere"
    )


@pytest.fixture
def make_entry():
    """Makes `PublishedWeights` of an address and a checksum."""
    return make


@pytest.fixture
def safetensors():
    """The bytes of a `.safetensors` file with the same tensors."""
    return save({**TENSORS, **EXTRAS})


@pytest.fixture
def assert_weights():
    """Checks that a file holds the weights of the checkpoint and nothing else."""

    def check(path):
        arrays = read_checkpoint(path)
        assert sorted(arrays) == sorted(TENSORS)
        for name, array in arrays.items():
            assert array.dtype == TENSORS[name].dtype
            np.testing.assert_array_equal(array, TENSORS[name])

    return check
