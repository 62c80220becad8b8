"""PyTorch checkpoints and safetensors files as NumPy arrays, without PyTorch."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hrnet_tf.typing import PathLike
from hrnet_tf.weights.restricted_pickle import Placeholder
from hrnet_tf.weights.torch_archive import (
    PickledArray,
    StoredTensor,
    numpy_type,
    open_legacy,
    open_zip,
)

# Where training scripts put the state dict, in the order they are looked for.
_NESTED_KEYS = (
    *("state_dict", "model_state_dict", "model", "best_state_dict"),
    *("model_state", "net", "network", "module", "weights"),
)
_SAFETENSORS_TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "bfloat16",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "u1",
    "BOOL": "?",
}
# What a file that is no checkpoint usually is, by its first bytes.
_FOREIGN_FILES = {
    b"<": "an HTML or XML page, often the error page of a failed download",
    b"version https://git-lfs": "a Git LFS pointer; fetch the file itself",
    b"\x1f\x8b": "a gzip archive; unpack it first",
    b"\x89HDF": "an HDF5 file; load Keras weights with model.load_weights",
    b"{": "a JSON text",
}

# What damaged files raise, zipfile's part included.
_DAMAGE = (ValueError, OSError, EOFError, NotImplementedError, zipfile.BadZipFile)


def read_checkpoint(source: PathLike | Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Reads the state dict of a checkpoint into NumPy arrays.

    Accepted are the `.pth` files of every torch since 0.4 (the zip format and the
    one before it), `.safetensors` files, and mappings of names to arrays. A file's
    kind is told by its content, not its name. A state dict nested under
    "state_dict", "model_state_dict", "model", "net" and the like is found, the
    prefix "module." of data-parallel training is removed, and what else a training
    checkpoint holds (epoch, optimizer, scores, hyperparameters) is left out. Nothing
    that a file names is imported or called, and no size that it claims is trusted.

    Args:
        source: str, `os.PathLike`, or mapping of str to array-likes.
    Returns:
        dict of str to `np.ndarray`, in the order of the source, with its shapes and
        data types (bfloat16 is that of `ml_dtypes`).
    Raises:
        ValueError: if the source is no checkpoint, is damaged, contradicts itself,
            or asks for something to be called. The text names the file.
    """
    if isinstance(source, Mapping):
        return _read_mapping(source)
    if not isinstance(source, str) and not hasattr(source, "__fspath__"):
        raise ValueError(
            "A checkpoint is a path or a mapping of names to arrays."
            f" Received: {type(source).__name__}."
        )
    path = Path(source)
    if not path.is_file():
        found = "a folder" if path.is_dir() else "nothing"
        raise ValueError(
            f"Cannot read the checkpoint {path}: there is {found} at that path."
        )
    try:
        return _strip_prefix(_read_file(path))
    except _DAMAGE as error:
        raise ValueError(f"Cannot read the checkpoint {path}: {error}.") from error


def _read_file(path):
    """Reads the named arrays of a file, by its kind."""
    with open(path, "rb") as file:
        head = file.read(512)
    if not head:
        raise ValueError("the file is empty")
    # A safetensors file starts with the length of its JSON header. It comes first
    # because that length may begin with the byte that starts a pickle.
    if head[8:9] == b"{" or path.suffix == ".safetensors":
        return _read_safetensors(path)
    if head.startswith(b"PK\x03\x04"):
        with open_zip(path) as (content, fetch):
            return _read_tensors(content, fetch)
    if head.startswith(b"\x80"):
        with open_legacy(path) as (content, fetch):
            return _read_tensors(content, fetch)
    kinds = [kind for magic, kind in _FOREIGN_FILES.items() if head.startswith(magic)]
    if head[257:262] == b"ustar":
        kinds = ["a tar archive; if it packs a checkpoint, unpack it first"]
    raise ValueError(
        "it is neither a PyTorch nor a safetensors file. It starts with"
        f" {head[:16]!r}" + "".join(f" and looks like {kind}" for kind in kinds)
    )


def _read_safetensors(path):
    import safetensors

    try:
        entries = safetensors.deserialize(path.read_bytes())
    except safetensors.SafetensorError as error:
        raise ValueError(f"it is no valid safetensors file ({error})") from error
    arrays = {}
    for name, entry in entries:
        kind = entry["dtype"]
        if kind not in _SAFETENSORS_TYPES:
            raise ValueError(f"its tensor {name!r} has the unsupported type {kind}")
        flat = np.frombuffer(entry["data"], numpy_type(_SAFETENSORS_TYPES[kind]))
        arrays[name] = flat.reshape(entry["shape"])
    if not arrays:
        raise ValueError("it holds no tensors")
    return arrays


def _read_tensors(content, fetch):
    """Reads the state dict's tensors only; `fetch` gives the bytes of a storage."""
    state_dict = _find_state_dict(
        content, lambda value: isinstance(value, (StoredTensor, PickledArray))
    )
    arrays, cache = {}, {}
    for name, value in state_dict.items():
        try:
            if isinstance(value, PickledArray):
                if value.array is None:
                    raise ValueError("a NumPy array that does not hold numbers")
                arrays[name] = value.array
                continue
            key = value.storage.key
            if key not in cache:
                cache[key] = fetch(value.storage)
            arrays[name] = value.read(cache[key])
        except ValueError as error:
            raise ValueError(f"its tensor {name!r} is wrong: {error}") from error
    return arrays


def _read_mapping(source):
    """Converts a mapping, possibly nested, of names to array-likes."""
    extras = (Mapping, str, bytes, bool, int, float, type(None))
    try:
        state_dict = _find_state_dict(source, lambda v: not isinstance(v, extras))
    except ValueError as error:
        raise ValueError(f"Cannot read the mapping of weights: {error}.") from error
    arrays = {}
    for name, value in state_dict.items():
        if hasattr(value, "detach"):  # a torch tensor, maybe with gradients
            value = value.detach().cpu()
        try:
            arrays[name] = np.asarray(value)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"Cannot read the mapping of weights: {name!r} of type"
                f" {type(value).__name__} cannot become a NumPy array ({error})."
                " Pass arrays of a type that NumPy knows, such as float32."
            ) from error
        if arrays[name].dtype.kind in "OSUmM":
            raise ValueError(
                f"Cannot read the mapping of weights: {name!r} holds"
                f" {arrays[name].dtype}, not numbers."
            )
    return _strip_prefix(arrays)


def _find_state_dict(content, is_tensor):
    """Returns the named tensors of the first mapping that has any.

    Mappings under the usual keys come before the mapping that holds them: beside
    a state dict there may be a score that is a tensor too.
    """
    if isinstance(content, Placeholder):
        raise _whole(content)
    if not isinstance(content, Mapping):
        raise ValueError(f"it holds a {type(content).__name__}, not a state dict")
    nested = [content.get(key) for key in _NESTED_KEYS]
    # Two levels suffice, and a crafted file may contain itself.
    nested += [
        inner.get(key)
        for inner in nested
        if isinstance(inner, Mapping)
        for key in _NESTED_KEYS
    ]
    for candidate in (*nested, content):
        if isinstance(candidate, Mapping):
            found = {
                name: value
                for name, value in candidate.items()
                if isinstance(name, str) and is_tensor(value)
            }
            if found:
                return found
    whole = [value for value in nested if isinstance(value, Placeholder)]
    if whole:
        raise _whole(whole[0])
    keys = [key[:40] for key in content if isinstance(key, str)][:8]
    raise ValueError(
        f"it holds no named tensors, neither directly nor under {_NESTED_KEYS};"
        f" its keys are {keys}"
    )


def _whole(placeholder):
    return ValueError(
        f"it holds an object of {placeholder.name!r}, whole, and not a state dict. Load"
        " it with torch and save model.state_dict() alone"
    )


def _strip_prefix(arrays):
    """Removes the "module." that data-parallel wrappers put before every name."""
    while all(name.startswith("module.") for name in arrays):
        arrays = {name.removeprefix("module."): a for name, a in arrays.items()}
    return arrays
