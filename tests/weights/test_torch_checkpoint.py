"""Checkpoints of every kind become the same NumPy arrays, or one clear error."""

import gzip
import pickle
import tarfile

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

from hrnet_tf.weights.torch_checkpoint import read_checkpoint

SHAPES = {
    "0.weight": (3, 2, 3, 3),
    "0.bias": (3,),
    "1.weight": (3,),
    "1.bias": (3,),
    "1.running_mean": (3,),
    "1.running_var": (3,),
}
WEIGHTS = {
    name: (np.arange(np.prod(shape), dtype=np.float32) + 100 * i).reshape(shape)
    for i, (name, shape) in enumerate(SHAPES.items())
}


def assert_weights(arrays):
    assert list(arrays) == list(WEIGHTS)
    for name, expected in WEIGHTS.items():
        assert arrays[name].dtype == np.float32
        np.testing.assert_array_equal(arrays[name], expected)


@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_genuine_training_checkpoints(golden, kind):
    arrays = read_checkpoint(golden / "checkpoints" / f"training_{kind}.pth")
    assert arrays.pop("1.num_batches_tracked").dtype == np.int64
    assert_weights(arrays)


@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_genuine_tensors(golden, kind):
    arrays = read_checkpoint(str(golden / "checkpoints" / f"tensors_{kind}.pth"))
    grid = np.arange(60, dtype=np.float32).reshape(3, 20)
    np.testing.assert_array_equal(arrays["transposed"], grid.T)
    np.testing.assert_array_equal(arrays["window"], grid[1:, 3:7])
    expected = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
    np.testing.assert_array_equal(arrays["channels_last"], expected)
    types = {name: array.dtype.name for name, array in arrays.items()}
    assert (types["half"], types["bfloat16"]) == ("float16", "bfloat16")
    assert (types["double"], types["scalar"], types["flags"]) == (
        "float64",
        "int64",
        "bool",
    )
    np.testing.assert_array_equal(arrays["half"], [1.5, -2])
    np.testing.assert_array_equal(arrays["bfloat16"].astype(float), [1.5, -2.25])
    assert arrays["double"][0] == 0.1 and arrays["scalar"] == 7
    assert arrays["empty"].shape == (0, 3)
    np.testing.assert_array_equal(arrays["parameter"], [1, 1])


@pytest.mark.parametrize("name", ["training_zip.pth", "training_legacy.pth"])
def test_cut_files(golden, tmp_path, name):
    data = (golden / "checkpoints" / name).read_bytes()
    path = tmp_path / "cut.pth"
    for end in (1, 10, 50, len(data) // 3, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:end])
        with pytest.raises(ValueError, match=r"Cannot read the checkpoint .*cut\.pth"):
            read_checkpoint(path)


def test_damaged_files_raise_nothing_but_value_errors(golden, tmp_path):
    path = tmp_path / "damaged.pth"
    generator = np.random.default_rng(0)
    for name in ("tensors_zip.pth", "tensors_legacy.pth"):
        data = np.fromfile(golden / "checkpoints" / name, np.uint8)
        failures = 0
        for _ in range(200):
            damaged = data.copy()
            damaged[generator.integers(0, len(data), 3)] = generator.integers(0, 256, 3)
            damaged.tofile(path)
            try:
                read_checkpoint(path)
            except ValueError as error:
                failures += 1
                assert "damaged.pth" in str(error)
        assert failures > 50


def test_safetensors(tmp_path):
    path = tmp_path / "model.safetensors"
    tensors = {
        "module.w": np.arange(6, dtype=np.float32).reshape(2, 3),
        "module.b": np.array([1.5, -2.25], ml_dtypes.bfloat16),
        "module.n": np.array(3, np.int64),
    }
    save_file(tensors, path)
    renamed = tmp_path / "model.bin"
    renamed.write_bytes(path.read_bytes())
    for source in (path, renamed):
        arrays = read_checkpoint(source)
        assert sorted(arrays) == ["b", "n", "w"]
        for name, array in arrays.items():
            expected = tensors[f"module.{name}"]
            assert array.dtype == expected.dtype and array.shape == expected.shape
            np.testing.assert_array_equal(array, expected)
    data = path.read_bytes()
    for end in (4, 20, len(data) - 1):
        path.write_bytes(data[:end])
        with pytest.raises(ValueError, match=r"model\.safetensors: .*no valid"):
            read_checkpoint(path)


def test_safetensors_header_that_starts_like_a_pickle(tmp_path):
    path = tmp_path / "model.bin"
    for length in range(1, 200):  # until the header is 128 bytes long
        save_file({"n" * length: np.zeros(1, np.float32)}, path)
        if path.read_bytes()[0] == 0x80:
            break
    assert path.read_bytes()[0] == 0x80
    assert list(read_checkpoint(path)) == ["n" * length]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"<!DOCTYPE html><html>404</html>", "looks like an HTML"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (gzip.compress(b"weights", mtime=0), "gzip"),
        (b'{"message": "not found"}', "looks like a JSON text"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"random text", "starts with b'random text'$|starts with b'random text'"),
        (pickle.dumps({"w": 1}, 2), "a pickle, but not one of torch.save"),
        (b"PK\x03\x04" + b"\0" * 100, "not a zip file"),
    ],
)
def test_files_that_are_no_checkpoints(tmp_path, data, message):
    path = tmp_path / "w32.pth"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=rf"w32\.pth: .*({message})"):
        read_checkpoint(path)


def test_tar_archives(tmp_path, golden):
    path = tmp_path / "w32.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(golden / "checkpoints" / "README.md", "README.md")
    with pytest.raises(ValueError, match=r"w32\.tar: .*tar archive.*unpack"):
        read_checkpoint(path)


def test_paths_without_a_file(tmp_path):
    with pytest.raises(ValueError, match=r"absent\.pth: there is nothing at that path"):
        read_checkpoint(tmp_path / "absent.pth")
    with pytest.raises(ValueError, match="there is a folder at that path"):
        read_checkpoint(tmp_path)
    with pytest.raises(ValueError, match="a path or a mapping.*Received: int"):
        read_checkpoint(7)


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model"])
def test_mappings(key):
    assert_weights(read_checkpoint(WEIGHTS))
    assert_weights(read_checkpoint({**WEIGHTS, "epoch": 3, "name": "w32"}))
    wrapped = {f"module.{name}": array for name, array in WEIGHTS.items()}
    assert_weights(read_checkpoint({key: wrapped, "perf": np.float32(0.7), "e": 1}))
    assert_weights(read_checkpoint({"model": {key: wrapped}}))
    assert_weights(read_checkpoint({"state_dict": {}, **WEIGHTS}))


def test_mappings_of_other_libraries():
    class Variable:
        """Has gradients: NumPy refuses it until it is detached."""

        def __array__(self, dtype=None, copy=None):
            raise TypeError("call detach first")

        def detach(self):
            return self

        def cpu(self):
            return np.ones(2)

    arrays = read_checkpoint({"a": Variable(), "b": [[1.0, 2.0]], "c": np.float32(3)})
    np.testing.assert_array_equal(arrays["a"], [1, 1])
    assert arrays["b"].shape == (1, 2) and arrays["c"].shape == ()


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({}, "no named tensors"),
        ({"epoch": 3, "state_dict": {"a": "b"}}, r"keys are \['epoch', 'state_dict'\]"),
        ({"w": [[1.0], [2.0, 3.0]]}, "'w' of type list cannot become"),
        ({"w": ["a"]}, "'w' holds <U1, not numbers"),
        ({"w": object()}, "'w' holds object, not numbers"),
    ],
)
def test_mappings_without_weights(mapping, message):
    with pytest.raises(ValueError, match=message):
        read_checkpoint(mapping)
