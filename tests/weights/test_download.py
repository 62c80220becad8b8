"""Downloads from a server on this machine, in every way that goes wrong."""

import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

from hrnet_tf import io
from hrnet_tf.weights import download
from hrnet_tf.weights.download import fetch_weights
from hrnet_tf.weights.torch_checkpoint import read_checkpoint

ROOT = Path(__file__).parent.parent.parent


def stop(server):
    server.shutdown()
    server.server_close()


def files(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def fails(error, entry, folder):
    with pytest.raises(error) as caught:
        fetch_weights(entry, folder)
    assert not list(folder.glob("tiny*.safetensors"))
    return str(caught.value)


def test_a_checkpoint_becomes_its_weights_alone(
    server, entry, tmp_path, assert_weights
):
    folder = tmp_path / "not" / "there"
    path = fetch_weights(entry, folder)
    assert path == folder / f"tiny-{entry.sha256}.safetensors"
    assert files(folder) == [path.name]
    assert_weights(path)
    with safe_open(path, "np") as file:
        assert file.metadata() == {
            "url": entry.url,
            "sha256": hashlib.sha256(server.content).hexdigest(),
        }
    stop(server)
    assert fetch_weights(entry, folder) == path  # offline


def test_a_folder_that_serves_what_it_has_is_not_written(server, entry, tmp_path):
    path = fetch_weights(entry, tmp_path / "first")
    copy = tmp_path / "second"
    copy.mkdir()
    shutil.copy(path, copy)
    fetch_weights(entry, copy)
    assert [p.name for p in copy.iterdir()] == [path.name]


def test_a_genuine_file_of_torch(server, entry, golden, tmp_path, make_entry):
    source = golden / "checkpoints" / "training_zip.pth"
    server.content = source.read_bytes()
    arrays = read_checkpoint(
        fetch_weights(
            make_entry(entry.url, hashlib.sha256(server.content).hexdigest()), tmp_path
        )
    )
    expected = read_checkpoint(source)
    del expected["1.num_batches_tracked"]
    assert sorted(arrays) == sorted(expected)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, expected[name])


class TestWithoutAPublishedChecksum:
    @pytest.fixture
    def entry(self, server, make_entry, safetensors):
        server.content = safetensors
        server.redirect = "/cdn/1234"
        digest = hashlib.sha256(server.content).hexdigest()
        server.headers = {"X-Linked-Etag": f'"{digest}"'}
        return make_entry(f"{server.base}/timm/tiny/resolve/main/m.safetensors", None)

    def test_the_checksum_of_the_hub_is_checked(
        self, server, entry, tmp_path, assert_weights
    ):
        path = fetch_weights(entry, tmp_path)
        assert path == tmp_path / "tiny.safetensors"
        assert_weights(path)
        assert files(tmp_path) == ["tiny.safetensors"]
        path.unlink()
        server.headers = {"X-Linked-Etag": f'"{"a" * 64}"'}
        text = fails(ValueError, entry, tmp_path)
        assert f"Expected: sha256 {'a' * 64}. Found: " in text

    def test_a_server_that_names_none_is_believed(
        self, server, entry, tmp_path, assert_weights
    ):
        server.headers = {"X-Linked-Etag": '"not-a-sha256"'}
        assert_weights(fetch_weights(entry, tmp_path))

    def test_pieces_are_joined_only_if_a_checksum_tells(
        self, server, entry, tmp_path, assert_weights
    ):
        part = tmp_path / "tiny.original.safetensors.part"
        part.write_bytes(server.content[:300])
        assert_weights(fetch_weights(entry, tmp_path))
        assert [asked for _, asked in server.asked] == ["bytes=300-"] * 2
        (tmp_path / "tiny.safetensors").unlink()
        server.headers, server.asked[:] = {}, []
        part.write_bytes(b"of another file")
        assert_weights(fetch_weights(entry, tmp_path))
        # A request and its redirection each: the first answer was not used.
        assert [asked for _, asked in server.asked] == ["bytes=15-"] * 2 + [None] * 2

    def test_what_is_no_checkpoint(self, server, entry, tmp_path):
        server.content, server.headers = b"<!DOCTYPE html>" * 99, {}
        text = fails(ValueError, entry, tmp_path)
        assert f"The file of {entry.url} is no checkpoint, and was deleted." in text
        assert "it is no valid safetensors file" in text
        assert files(tmp_path) == []


def test_a_wrong_checksum(server, entry, tmp_path, assert_weights):
    good, server.content = server.content, b"x" * 1000
    text = fails(ValueError, entry, tmp_path)
    assert f"The file of {entry.url} has another checksum than was published" in text
    found = hashlib.sha256(server.content).hexdigest()
    assert f"Expected: sha256 {entry.sha256}.... Found: {found} (1000 bytes" in text
    assert files(tmp_path) == []
    server.content = good
    assert_weights(fetch_weights(entry, tmp_path))


@pytest.mark.parametrize(("status", "reason"), [(404, "Not Found"), (503, "Service")])
def test_refusals(server, entry, tmp_path, status, reason):
    server.status = status
    text = fails(ConnectionError, entry, tmp_path)
    assert f"The server answered {status} ({reason}" in text
    original = tmp_path / f"tiny-{entry.sha256}.original.pth"
    assert f"to {entry.url}, so that" in text and f"copy it to {original}:" in text
    assert files(tmp_path) == []


def test_a_body_that_is_cut_short_continues(server, entry, tmp_path, assert_weights):
    server.cut = 50_000
    size = len(server.content)
    text = fails(ConnectionError, entry, tmp_path)
    part = tmp_path / f"tiny-{entry.sha256}.original.pth.part"
    assert f"of {entry.url} was cut short: 50000 of {size} bytes came." in text
    assert f"They are kept at {part}; call again to continue." in text
    assert part.stat().st_size == 50_000
    server.cut = None
    assert_weights(fetch_weights(entry, tmp_path))
    assert [asked for _, asked in server.asked] == [None, "bytes=50000-"]


@pytest.mark.parametrize(
    ("ranges", "before", "asked"),
    [
        (False, slice(50_000), ["bytes=50000-"]),
        # A piece of another file: the checksum tells, and all is downloaded again.
        (True, slice(100, 50_000), ["bytes=49900-", None]),
        # As long as the file, or longer: the server has nothing to add.
        (True, slice(None), ["bytes={size}-", None]),
    ],
)
def test_downloads_that_cannot_continue(
    server, entry, tmp_path, ranges, before, asked, assert_weights
):
    server.ranges = ranges
    part = tmp_path / f"tiny-{entry.sha256}.original.pth.part"
    part.write_bytes(server.content[before])
    assert_weights(fetch_weights(entry, tmp_path))
    size = len(server.content)
    expected = [text and text.format(size=size) for text in asked]
    assert [range_ for _, range_ in server.asked] == expected


@pytest.mark.parametrize(
    ("silent", "after"),
    # Only full chunks of 8192 bytes were received.
    [(-1, ""), (0, " after 0 bytes"), (50_000, " after 49152 bytes")],
)
def test_a_silent_server_is_left(
    server, entry, tmp_path, monkeypatch, silent, after, assert_weights
):
    monkeypatch.setattr(download, "_TIMEOUT_SECONDS", 0.5)
    server.silent = silent
    begin = time.monotonic()
    text = fails(TimeoutError, entry, tmp_path)
    assert time.monotonic() - begin < 2.5
    assert f"of {entry.url} was silent for 0.5 seconds{after}. Call again" in text
    server.silent = None
    assert_weights(fetch_weights(entry, tmp_path))


def test_a_slow_server_is_waited_for(
    server, entry, tmp_path, monkeypatch, assert_weights
):
    monkeypatch.setattr(download, "_TIMEOUT_SECONDS", 0.5)
    server.pause = 0.05  # more than a second in all
    assert_weights(fetch_weights(entry, tmp_path))


class TestWithoutANetwork:
    @pytest.fixture
    def text(self, server, entry, tmp_path):
        stop(server)
        return fails(ConnectionError, entry, tmp_path)

    def test_the_file_can_be_put_by_hand(
        self, text, server, entry, tmp_path, assert_weights
    ):
        original = tmp_path / f"tiny-{entry.sha256}.original.pth"
        assert f"The connection to {entry.url} failed: " in text
        assert f"download {entry.url} elsewhere and copy it to {original}:" in text
        original.write_bytes(server.content)
        assert_weights(fetch_weights(entry, tmp_path))

    def test_a_wrong_file_put_by_hand(self, text, entry, tmp_path):
        original = tmp_path / f"tiny-{entry.sha256}.original.pth"
        original.write_bytes(b"x")
        assert f"bytes, at {original})" in fails(ValueError, entry, tmp_path)
        assert files(tmp_path) == []


def test_mirrors(server, entry, tmp_path, monkeypatch, assert_weights, make_entry):
    monkeypatch.setenv(download.MIRROR_VARIABLE, f"{server.base}/mirror/")
    url = f"https://download.openmmlab.com/v1/{entry.sha256}.pth"
    path = fetch_weights(make_entry(url, entry.sha256), tmp_path)
    assert_weights(path)
    assert server.asked == [(f"/mirror/v1/{entry.sha256}.pth", None)]
    monkeypatch.setenv(download.MIRROR_VARIABLE, "mirror.local")
    with pytest.raises(ValueError, match="https://.* Received: 'mirror.local'"):
        fetch_weights(entry, tmp_path)


def test_the_folder_of_the_cache(server, entry, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv(download.CACHE_VARIABLE, raising=False)
    assert fetch_weights(entry).parent == tmp_path / ".cache" / "hrnet_tf"
    monkeypatch.setenv(download.CACHE_VARIABLE, "~/kept")
    assert fetch_weights(entry).parent == tmp_path / "kept"


def half_fits(monkeypatch):
    """Lets the disk be full in the middle of a file; returns where that was tried."""
    written = []

    def write(path, content):
        written.append(path)
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
        assert path.stat().st_size > 100
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", write)
    return written


def nothing_fits(monkeypatch):
    """Lets the system itself refuse what is written beside a file's place."""
    written, beside = [], io._beside

    def on_full_device(path):
        written.append(beside(path))
        written[-1].symlink_to("/dev/full")
        return written[-1]

    monkeypatch.setattr(io, "_beside", on_full_device)
    return written


full_device = pytest.mark.skipif(
    not os.path.exists("/dev/full"), reason="only Linux has it"
)


class TestDisk:
    def test_no_folder_can_be_made(self, entry, tmp_path):
        folder = tmp_path / "file" / "folder"
        folder.parent.write_text("")
        with pytest.raises(OSError) as caught:
            fetch_weights(entry, folder)
        assert f"keep the weights tiny in {folder}: Not a dir" in str(caught.value)
        assert f"come from {entry.url}. Make room, or set HRNET_TF_CACHE" in str(
            caught.value
        )

    @full_device
    def test_it_is_full(self, entry, tmp_path, assert_weights):
        part = tmp_path / f"tiny-{entry.sha256}.original.pth.part"
        part.symlink_to("/dev/full")
        text = fails(OSError, entry, tmp_path)
        assert f"keep the weights tiny in {tmp_path}: No space left on device" in text
        assert files(tmp_path) == [part.name]
        part.unlink()
        assert_weights(fetch_weights(entry, tmp_path))

    @pytest.mark.parametrize(
        "fill", [half_fits, pytest.param(nothing_fits, marks=full_device)]
    )
    def test_it_is_full_once_the_original_is_there(
        self, server, entry, tmp_path, assert_weights, monkeypatch, fill
    ):
        with monkeypatch.context() as patch:
            written = fill(patch)
            text = fails(OSError, entry, tmp_path)
        assert f"keep the weights tiny in {tmp_path}: No space left on device" in text
        # What was written beside is gone, and the original kept.
        assert len(written) == 1 and written[0].parent == tmp_path
        original = tmp_path / f"tiny-{entry.sha256}.original.pth"
        assert files(tmp_path) == [original.name]
        assert original.read_bytes() == server.content
        asked = len(server.asked)
        assert_weights(fetch_weights(entry, tmp_path))
        assert len(server.asked) == asked


class TestProcesses:
    def start(self, entry, folder):
        code = (
            "import json, sys; from hrnet_tf.weights.download import fetch_weights;"
            "from hrnet_tf.weights.registry import PublishedWeights;"
            "print(fetch_weights(PublishedWeights(**json.loads(sys.argv[1])),"
            " sys.argv[2]))"
        )
        return subprocess.Popen(
            [sys.executable, "-c", code, json.dumps(vars(entry)), str(folder)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until(self, condition):
        for _ in range(600):
            if condition():
                return
            time.sleep(0.05)
        pytest.fail("nothing happened for 30 seconds")

    def test_two_want_the_same(self, server, entry, tmp_path, assert_weights):
        server.pause = 0.4
        first = self.start(entry, tmp_path)
        self.wait_until(lambda: server.asked)
        second = self.start(entry, tmp_path)
        waiting = second.stderr.readline()
        server.pause = 0
        path = str(tmp_path / f"tiny-{entry.sha256}.safetensors")
        assert waiting.startswith("Waiting for another process, which downloads tiny")
        # Without a terminal there is no progress bar.
        assert first.communicate(timeout=60) == (f"{path}\n", "")
        assert second.communicate(timeout=60) == (f"{path}\n", "")
        assert len(server.asked) == 1
        assert_weights(path)

    def test_one_is_killed(self, server, entry, tmp_path, assert_weights):
        part = tmp_path / f"tiny-{entry.sha256}.original.pth.part"
        server.pause = 0.4
        process = self.start(entry, tmp_path)
        self.wait_until(lambda: part.is_file() and part.stat().st_size)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        server.pause = 0
        kept = part.stat().st_size
        assert 0 < kept < len(server.content)
        assert_weights(fetch_weights(entry, tmp_path))
        assert [asked for _, asked in server.asked] == [None, f"bytes={kept}-"]


@pytest.mark.parametrize(("progress", "shown"), [(True, True), (False, False)])
def test_the_progress_bar(entry, tmp_path, monkeypatch, capsys, progress, shown):
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes the output for a terminal
    fetch_weights(entry, tmp_path, progress=progress)
    assert ("tiny" in capsys.readouterr().err) == shown
