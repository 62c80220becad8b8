"""Files: written completely or not at all, and images read as everything reads them."""

import contextlib
import errno
import io
import json
import os
import shutil
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from hrnet_tf.typing import PathLike, Tensor

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image


from hrnet_tf import notes

# Between the random part of a name and the name that a file is to have.
_PARTIAL = ".partial."
_LOCK = threading.Lock()
# EFBIG is what a limit on the size of files gives.
_FULL = [getattr(errno, n) for n in ("ENOSPC", "EDQUOT", "EFBIG") if hasattr(errno, n)]
# EXIF's tag of it.
_ORIENTATION = 0x0112


@contextlib.contextmanager
def replacing(path: PathLike, flush: bool = False) -> Iterator[Path]:
    """Lets a file or folder be written beside its place, and then puts it there.

    What was there is replaced in one step (of a folder: in two, with the old one put
    back if the second fails). After an error nothing is left of what was written; of a
    full disk it is an OSError that names the place, whatever the library raises that
    writes.

    Args:
        path: str or path; its folder is made.
        flush: bool. Whether all is on the disk before it takes its place, and has it
            there at the end: what has the name is whole even after a power failure.
    Yields:
        `pathlib.Path` beside it with the same ending, where nothing is yet.
    Raises:
        OSError: if the disk is full.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = _beside(path)
    try:
        yield beside
        if flush:
            _flush(beside)
        if path.is_dir() and not path.is_symlink():
            _replace_folder(path, beside)
        else:
            os.replace(beside, path)
        if flush:
            _flush_entries(path.parent)
    except Exception as error:
        code = disk_full_code(error)
        if code is None:
            raise
        raise OSError(code, os.strerror(code), str(path)) from error
    finally:
        _remove(beside)


def disk_full_code(error: BaseException) -> int | None:
    """Returns the system's number of an error that means that a disk is full, or None.

    Args:
        error: exception, of Python, or of a library that quotes the system's text.
    """
    code = getattr(error, "errno", None)
    if code in _FULL:
        return code
    return next((c for c in _FULL if os.strerror(c) in str(error)), None)


def discard(folder: Path) -> None:
    """Removes a folder; killed on the way, it leaves nothing of that name.

    Args:
        folder: `pathlib.Path` of a folder.
    """
    aside = _beside(folder)
    os.replace(folder, aside)
    shutil.rmtree(aside)


def remove_partial(folder: Path) -> None:
    """Removes what killed processes left of `replacing` or `discard` in a folder.

    Args:
        folder: `pathlib.Path`, which no other process writes to.
    """
    for path in folder.glob(f".*{_PARTIAL}*"):
        _remove(path)


def write_bytes(path: PathLike, content: bytes | str) -> None:
    """Writes a file, complete or not at all, creating folders.

    Args:
        path: str or path.
        content: bytes, or str which is written as UTF-8.
    """
    with replacing(path) as beside:
        beside.write_bytes(content.encode() if isinstance(content, str) else content)


def write_file(path: PathLike, save: Callable[..., Any]) -> None:
    """Lets `save` write a file, complete or not at all, creating folders.

    Args:
        path: str or path.
        save: function that writes to the binary file it is given.
    """
    with replacing(path) as beside, beside.open("wb") as file:
        save(file)


def write_json(path: PathLike, content: Any) -> None:
    """Writes `content` as a json file, complete or not at all, creating folders.

    Args:
        path: str or path.
        content: what json can write. NaN is refused, being no json.
    Raises:
        ValueError: if a value cannot be written as json; the value's place is named
            by json.
    """
    try:
        text = json.dumps(content, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} cannot be written as json: {error}.") from error
    write_bytes(path, text + "\n")


def read_json(path: PathLike) -> Any:
    """Returns the content of a json file in UTF-8 or UTF-16, with NaN.

    Raises:
        ValueError: if there is no such file, or it is no (or truncated) json, or
            nested too deeply.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"There is no annotation file {path}. Check the path.")
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError are both.
        raise ValueError(
            f"{path} is not valid json (cut short, or another format): {error}."
        ) from error
    except RecursionError as error:
        raise ValueError(
            f"{path} is no file of annotations: its json is too deeply nested."
        ) from error


@contextlib.contextmanager
def open_image(
    file: PathLike | IO[bytes], formats: list[str] | tuple[str, ...] | None = None
) -> Iterator["Image"]:
    """Opens an image of any size with Pillow.

    Pillow refuses images of more than 179 million pixels as a possible attack; the
    files here are the user's own, and aerial images are larger.

    Args:
        file: path or binary file.
        formats: sequence of the formats that are allowed, or None for all.
    Yields:
        A Pillow image.
    Raises:
        OSError: if it is none.
    """
    from PIL import Image

    # The limit is a global of the module; files are opened in threads too.
    with _LOCK:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            image = Image.open(file, formats=formats)
        finally:
            Image.MAX_IMAGE_PIXELS = limit
    with image:
        yield image


def decode_image(encoded: Tensor) -> Tensor:
    """Decodes an image file's bytes, eagerly or in a graph.

    Args:
        encoded: scalar string tensor or bytes of a JPEG, PNG, GIF or BMP file.
    Returns:
        uint8 tensor `[H, W, 3]`, RGB, upright: as viewers show it, see `pixels`.
    """
    from hrnet_tf import pixels

    return pixels.decode(encoded)


def read_image(image: "np.ndarray | PathLike | bytes") -> "tuple[np.ndarray, str]":
    """Reads an image for prediction, all of it, so that a damaged one is found.

    Args:
        image: path of an image file that TensorFlow decodes, its bytes, or a uint8
            array `[H, W, 3]`, RGB. Files are read as viewers show them, see `pixels`.
    Returns:
        The pixels, uint8 `[H, W, 3]`, and what to call the image in errors (str).
    Raises:
        ValueError: if it is none of these, or no complete file.
    """
    if isinstance(image, (str, os.PathLike)):
        name = os.fspath(image)
        if not os.path.isfile(name):
            raise ValueError(f"There is no image file {name}.")
        return _decode(Path(name).read_bytes(), name), name
    if isinstance(image, bytes):
        return _decode(image, "The image"), "the image"
    import numpy as np

    pixels = np.asarray(image)
    shape = pixels.shape
    if pixels.dtype != np.uint8 or len(shape) != 3 or shape[2] != 3 or 0 in shape:
        raise ValueError(
            "Expected an image: a path, the bytes of a file, or a uint8 array [H, W, 3]"
            f" in RGB. Received: {type(image).__name__} of dtype {pixels.dtype} and"
            f" shape {shape}."
        )
    return pixels, "the image"


def noted_orientation(block: bytes | None) -> int:
    """Returns the orientation that an EXIF block notes, 1 (upright) to 8.

    Args:
        block: bytes, such as Pillow's `image.info.get("exif")`, which an image's head
            gives (`getexif` would decode a PNG that notes none); or None.
    """
    if not block:
        return 1
    from PIL import Image

    exif = Image.Exif()
    exif.load(block)
    tag = exif.get(_ORIENTATION, 1)
    return tag if tag in range(2, 9) else 1


def check_upright(content: bytes, name: str) -> None:
    """Raises ValueError for a WebP that viewers turn: graphs read it as it is stored.

    What tells it lies behind the pixels.

    Args:
        content: bytes of an image file, of any format.
        name: str, what to call it.
    """
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        return
    try:
        with open_image(io.BytesIO(content)) as image:
            tag = image.getexif().get(_ORIENTATION, 1)
    except (OSError, SyntaxError):  # Damage, which decoding tells.
        return
    if tag in range(2, 9):
        raise ValueError(
            f"{name} is a WebP whose EXIF says that it is to be turned (orientation"
            f" {tag}), which is done with JPEG and PNG alone. Convert it to one of"
            " these."
        )


def path_of(image: Any) -> str | None:
    """Returns the path of an image that was given as one (str), or None."""
    return os.fspath(image) if isinstance(image, (str, os.PathLike)) else None


def _decode(content, name):
    import tensorflow as tf

    if content[:4] == b"\x89PNG" and content[24:25] == b"\x10":
        notes.note_once(notes.SIXTEEN_BITS, name)
    check_upright(content, name)
    try:
        return decode_image(content).numpy()
    except tf.errors.InvalidArgumentError as error:
        # Without the names of the graph's nodes.
        text = error.message.split("}} ")[-1].split(" [Op:")[0]
        raise ValueError(
            f"{name} ({len(content)} bytes) is no complete JPEG or PNG file: {text}"
        ) from error


def _beside(path):
    # Unique, as workers of a cluster may write the same file at once; the ending tells
    # some libraries the format.
    return path.with_name(f".{uuid.uuid4().hex}{_PARTIAL}{path.name}")


def _flush(path):
    """Waits until a file, or a folder with all that it holds, is on the disk."""
    if not path.is_dir():
        # Windows flushes only what was opened for writing.
        with path.open("r+b") as file:
            os.fsync(file.fileno())
        return
    for child in path.iterdir():
        _flush(child)
    _flush_entries(path)


def _flush_entries(folder):
    """Waits until the names in a folder are on the disk; Windows cannot."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _replace_folder(path, beside):
    retired = beside.with_name(f"{beside.name}.old")
    os.replace(path, retired)
    try:
        os.replace(beside, path)
    except OSError:
        os.replace(retired, path)
        raise
    shutil.rmtree(retired, ignore_errors=True)


def _remove(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
