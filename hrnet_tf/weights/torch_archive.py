"""The two file formats of `torch.save`, opened without believing or running them."""

import contextlib
import io
import math
import mmap
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hrnet_tf.typing import PathLike
from hrnet_tf.weights import restricted_pickle

# The first object of files that torch wrote before version 1.6.
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_VERSION = 1001
_STORAGE_TYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
_TORCH_DTYPES = (
    "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint8 bool"
    " double float half long int short"
).split()


def numpy_type(name: str) -> np.dtype:
    """Returns the `np.dtype` of that name; bfloat16 is that of ml_dtypes."""
    if name == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(name)


@dataclass(frozen=True)
class Storage:
    """A flat piece of memory in the file; sizes in elements."""

    key: str
    dtype: np.dtype
    length: int
    # Views of the older format cover [start, start + length) of the storage.
    start: int = 0


@dataclass(frozen=True)
class StoredTensor:
    """A tensor whose elements have not been read yet; sizes in elements."""

    storage: Storage
    offset: int
    shape: tuple
    strides: tuple

    def read(self, data: bytes) -> np.ndarray:
        """Returns the array; `data` are the bytes of the whole storage.

        Raises:
            ValueError: if the tensor would reach outside of its storage.
        """
        count = math.prod(self.shape)
        if not count:
            return np.zeros(self.shape, self.storage.dtype)
        steps = list(zip(self.shape, self.strides, strict=True))
        reach = self.offset + sum((size - 1) * step for size, step in steps) + 1
        # A tensor larger than its storage would be a memory bomb made of strides.
        if max(count, reach) > self.storage.length:
            raise ValueError(
                f"shape {self.shape} with strides {self.strides} at offset"
                f" {self.offset} leaves its storage of {self.storage.length} elements"
            )
        flat = np.frombuffer(data, self.storage.dtype)[self.storage.start :]
        return np.lib.stride_tricks.as_strided(
            flat[self.offset :],
            self.shape,
            [step * flat.itemsize for step in self.strides],
        ).copy()


class PickledArray:
    """A pickled `np.ndarray`; `array` stays None unless it holds plain numbers."""

    def __init__(self, *_: Any) -> None:
        self.array: np.ndarray | None = None

    def restore_state(self, state: Any) -> None:
        """Fills the array from the state that NumPy pickles."""
        _, shape, kind, by_columns, data = state
        dtype = kind.get()
        if dtype is not None and isinstance(data, bytes):
            flat = np.frombuffer(data, dtype)
            self.array = flat.reshape(shape, order="F" if by_columns else "C")


class _PickledType:
    """A pickled `np.dtype`; `get` gives None for anything but plain numbers."""

    def __init__(self, code, *_):
        self.code, self.order = code, "="

    def restore_state(self, state):
        self.order = state[1].replace("|", "=")

    def get(self):
        numeric = self.code[0] in "biuf" and self.code[1:] in ("1", "2", "4", "8")
        return np.dtype(self.order + self.code) if numeric else None


def _are_sizes(numbers):
    # Booleans are ints to isinstance; sizes that are no ints are never printed.
    return all(type(number) is int and number >= 0 for number in numbers)


def _make_tensor(storage, offset, shape, strides, *rest):
    shape, strides = tuple(shape), tuple(strides)
    sane = _are_sizes((offset, *shape, *strides)) and len(shape) == len(strides)
    if not isinstance(storage, Storage) or not sane or len(shape) > 16:
        raise ValueError("a tensor's storage, offset, shape or strides make no sense")
    # What follows requires_grad and the hooks marks lazily negated tensors.
    if len(rest) > 2 and rest[2]:
        raise ValueError("a tensor is a negated or conjugated view; save a clone of it")
    return StoredTensor(storage, offset, shape, strides)


def _make_dict(items=()):
    items = items.items() if isinstance(items, dict) else items
    return {restricted_pickle.hashable_key(key): value for key, value in items}


def _make_set(items=()):
    return set(map(restricted_pickle.hashable_key, items))


def _encode(text, encoding):
    """Makes bytes as Python 3 writes them under pickle protocol 2."""
    return text.encode({"latin1": "latin1", "latin-1": "latin1"}[encoding])


# Everything a file may name. None: it may be named, as a type, but not called.
CONSTRUCTORS: dict[str, Callable[..., Any] | None] = {
    "collections.OrderedDict": _make_dict,
    "collections.Counter": _make_dict,
    "collections.defaultdict": lambda factory=None: {},
    "builtins.set": _make_set,
    "builtins.frozenset": _make_set,
    "builtins.bytes": lambda: b"",
    "builtins.complex": complex,
    **dict.fromkeys(f"builtins.{n}" for n in ("dict", "list", "int", "float", "str")),
    "_codecs.encode": _encode,
    "numpy.dtype": _PickledType,
    "numpy.ndarray": None,
    # Scalars (a score, a learning rate) are never weights: their value is dropped.
    "numpy.core.multiarray.scalar": lambda kind, data=None: None,
    "numpy.core.multiarray._reconstruct": PickledArray,
    "torch.Size": lambda sizes=(): tuple(sizes),
    "torch.device": lambda *place: None,
    "torch._utils._rebuild_tensor": _make_tensor,
    "torch._utils._rebuild_tensor_v2": _make_tensor,
    "torch._utils._rebuild_parameter": lambda tensor, *_: tensor,
    "torch._utils._rebuild_parameter_with_state": lambda tensor, *_: tensor,
    **dict.fromkeys(f"torch.{name}" for name in _TORCH_DTYPES),
    **dict.fromkeys(f"torch.{name}" for name in _STORAGE_TYPES),
    **dict.fromkeys(f"torch.cuda.{name}" for name in _STORAGE_TYPES),
}


class _Storages:
    """Resolves the persistent ids of a pickle, and remembers the storages."""

    def __init__(self):
        self.found = {}

    def __call__(self, identity):
        if identity[0] != "storage":
            raise ValueError(
                "it refers to more than storages, as whole pickled models do. Load it"
                " with torch and save model.state_dict() alone"
            )
        _, kind, key, _, length, *views = identity
        dtype = numpy_type(_STORAGE_TYPES[kind.name.rpartition(".")[2]])
        if not isinstance(key, str) or not _are_sizes([length]):
            raise ValueError("a storage's name or length makes no sense")
        storage = Storage(key, dtype, length)
        if self.found.setdefault(key, storage) != storage:
            raise ValueError(f"its storage {key!r} is described in two ways")
        if not views or views[0] is None:
            return storage
        _, start, count = views[0]
        if not _are_sizes((start, count)) or start + count > length:
            raise ValueError(f"a view leaves its storage {key!r}")
        return replace(storage, start=start, length=count)


@contextlib.contextmanager
def open_zip(path: Path) -> Iterator[tuple[Any, Callable[..., Any]]]:
    """Opens a file of torch 1.6 or later: data.pkl and a member for each storage.

    Args:
        path: `pathlib.Path`.
    Returns:
        A context manager for a pair: the pickled object, in which tensors are
        `StoredTensor`; and a function from a `Storage` to its bytes, little endian.
    Raises:
        ValueError, zipfile.BadZipFile: if the file is damaged or no such file.
    """
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        pickles = [name for name in names if name.endswith("data.pkl")]
        if len(pickles) != 1 or any(name.endswith("constants.pkl") for name in names):
            raise ValueError(
                "it is a zip archive, but not one of torch.save (a TorchScript, NumPy"
                f" or Keras file?): it holds {names[:3]}"
            )
        members = _checked_members(archive, path.stat().st_size)
        root = pickles[0].removesuffix("data.pkl")
        order = "little"
        if f"{root}byteorder" in members:
            order = archive.read(f"{root}byteorder").decode("ascii", "replace")
        if order not in ("little", "big"):
            raise ValueError(f"its byte order is {order!r}, neither little nor big")
        storages = _Storages()
        stream = io.BytesIO(archive.read(pickles[0]))
        content = restricted_pickle.load(stream, CONSTRUCTORS, storages)
        for key, storage in storages.found.items():
            member = members.get(f"{root}data/{key}")
            _check_size(storage, -1 if member is None else member.file_size)

        def fetch(storage):
            data = archive.read(f"{root}data/{storage.key}")
            if order == "big":
                data = np.frombuffer(data, f"u{storage.dtype.itemsize}")
                data = data.byteswap().tobytes()
            return data

        yield content, fetch


def _checked_members(archive, file_size):
    """Returns {name: ZipInfo} of an archive whose members fit into the file."""
    infos = archive.infolist()
    for info in infos:
        packed = info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1
        if packed or info.file_size != info.compress_size:
            raise ValueError(
                f"its member {info.filename!r} is compressed or encrypted"
                f" ({info.compress_size} bytes for {info.file_size}), which torch.save"
                " never does. Unpack it and zip it again without compression"
            )
    total = sum(info.file_size for info in infos)
    if total > file_size or len({info.filename for info in infos}) != len(infos):
        raise ValueError(
            f"its members claim {total} bytes in a file of {file_size}, or share names"
        )
    return {info.filename: info for info in infos}


def _check_size(storage, stored):
    expected = storage.length * storage.dtype.itemsize
    if stored != expected:
        found = "is missing" if stored < 0 else f"has {stored} bytes"
        raise ValueError(
            f"its storage {storage.key!r} {found}, but {storage.length} elements of"
            f" {storage.dtype} take {expected}. The file is cut short or damaged"
        )


@contextlib.contextmanager
def open_legacy(path: PathLike) -> Iterator[tuple[Any, Callable[..., Any]]]:
    """Opens a file of torch before 1.6: five pickles, then the storages.

    Args, returns and raises: see `open_zip`.
    """
    with (
        open(path, "rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as stream,
    ):
        if restricted_pickle.load(stream, CONSTRUCTORS) != _LEGACY_MAGIC:
            raise ValueError("it is a pickle, but not one of torch.save")
        if restricted_pickle.load(stream, CONSTRUCTORS) != _LEGACY_VERSION:
            raise ValueError(f"its protocol version is not {_LEGACY_VERSION}")
        # The machine's properties: torch wrote little endian on every machine.
        restricted_pickle.load(stream, CONSTRUCTORS)
        storages = _Storages()
        content = restricted_pickle.load(stream, CONSTRUCTORS, storages)
        keys = restricted_pickle.load(stream, CONSTRUCTORS)
        named = isinstance(keys, list) and all(isinstance(key, str) for key in keys)
        if not named or sorted(keys) != sorted(storages.found):
            raise ValueError("its list of storages does not match its tensors")
        places, position = {}, stream.tell()
        for key in keys:
            storage = storages.found[key]
            start = position + 8
            length = int.from_bytes(stream[position:start], "little")
            position = start + length * storage.dtype.itemsize
            _check_size(storage, min(position, len(stream)) - start)
            places[key] = slice(start, position)

        yield content, lambda storage: stream[places[storage.key]]
