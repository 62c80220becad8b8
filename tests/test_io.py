"""Files and folders are complete or as they were."""

import errno
import json
import os
import shutil
import sys

import pytest

from hrnet_tf.io import (
    discard,
    disk_full_code,
    remove_partial,
    replacing,
    write_json,
)


def test_failure_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="a.json cannot be written as json"):
        write_json(path, {"a": float("nan")})
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


class TestReplacing:
    def test_of_a_file(self, tmp_path):
        path = tmp_path / "new" / "a.bin"
        for content in (b"1", b"2"):
            with replacing(path, flush=True) as beside:
                assert beside.suffix == ".bin" and beside.parent == path.parent
                beside.write_bytes(content)
            assert path.read_bytes() == content
        with pytest.raises(KeyError), replacing(path) as beside:
            beside.write_bytes(b"3")
            raise KeyError
        assert path.read_bytes() == b"2"
        assert list(path.parent.iterdir()) == [path]

    def test_of_a_folder(self, tmp_path):
        folder = tmp_path / "a"
        for name in ("first", "second"):
            with replacing(folder, flush=True) as beside:
                (beside / "inner").mkdir(parents=True)
                (beside / "inner" / name).write_text(name)
            assert [path.name for path in (folder / "inner").iterdir()] == [name]
        assert list(tmp_path.iterdir()) == [folder]

    def test_is_flushed_before_it_has_its_name(self, tmp_path, monkeypatch):
        path, seen = tmp_path / "a" / "b", []
        sync = os.fsync

        def fsync(descriptor):
            seen.append((os.path.realpath(f"/dev/fd/{descriptor}"), path.exists()))
            sync(descriptor)

        monkeypatch.setattr(os, "fsync", fsync)
        with replacing(path) as beside:
            beside.write_bytes(b"1")
        assert seen == []
        path.unlink()
        with replacing(path, flush=True) as beside:
            beside.mkdir()
            (beside / "c").write_bytes(b"2")
        names = [os.path.basename(name) for name, _ in seen]
        assert names == ["c", beside.name, "a"]
        assert [exists for _, exists in seen] == [False, False, True]


class TestAFullDisk:
    @pytest.mark.parametrize(
        "error, code",
        [
            (OSError(errno.ENOSPC, "No space left on device"), errno.ENOSPC),
            (OSError(errno.EDQUOT, "Disk quota exceeded"), errno.EDQUOT),
            (
                RuntimeError("write failed (errno = 28, 'No space left on device')"),
                errno.ENOSPC,
            ),
            (OSError(errno.EACCES, "Permission denied"), None),
            (ValueError("no space in this name"), None),
        ],
    )
    def test_is_recognised(self, error, code):
        assert disk_full_code(error) == code

    def test_is_told_with_the_place(self, tmp_path):
        """Whatever the library raises that writes."""
        for number, error in enumerate(
            (
                OSError(errno.ENOSPC, "No space left on device"),
                RuntimeError("a library: No space left on device"),
            )
        ):
            path = tmp_path / f"{number}.bin"
            with pytest.raises(OSError) as caught, replacing(path) as beside:
                beside.write_bytes(b"half")
                raise error
            assert caught.value.errno == errno.ENOSPC
            assert caught.value.filename == str(path)
        with pytest.raises(RuntimeError, match="another"), replacing(path):
            raise RuntimeError("another")
        assert not list(tmp_path.iterdir())

    @pytest.mark.skipif(sys.platform != "linux", reason="a device that is full")
    def test_of_the_system(self, tmp_path):
        (tmp_path / "full").symlink_to("/dev/full")
        message = r"No space left on device: '.*a\.bin'"
        with pytest.raises(OSError, match=message), replacing(tmp_path / "a.bin"):
            (tmp_path / "full").write_bytes(b"1")


def test_what_killed_processes_left_is_removed(tmp_path):
    left = replacing(tmp_path / "a.json").__enter__()
    left.write_bytes(b"{")
    other = replacing(tmp_path / "b").__enter__()
    (other / "c").mkdir(parents=True)
    (tmp_path / ".hidden").touch()
    remove_partial(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".hidden"]


def test_a_discarded_folder_loses_its_name_first(tmp_path, monkeypatch):
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "b").touch()

    def killed(path):
        assert not folder.exists() and (path / "b").exists()
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            discard(folder)
    remove_partial(tmp_path)
    assert not list(tmp_path.iterdir())
