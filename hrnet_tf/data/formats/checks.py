"""Checks of annotations and image files which are cheap enough for every load."""

import contextlib
import contextvars
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hrnet_tf import notes
from hrnet_tf.data.bad_examples import BadExample
from hrnet_tf.io import noted_orientation, open_image, read_image
from hrnet_tf.typing import PathLike

# Px, percent or degrees that no place in a picture, and no side of one, reaches.
FARTHEST = 1e7
# Magic bytes of formats people do have, to tell them what they passed.
_OTHER_FORMATS = {
    b"BM": "BMP",
    b"GIF8": "GIF",
    b"RIFF": "WebP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
}
# How the last bytes of a complete file end. Cameras append data of their own to a
# JPEG, so the marker may lie a little before the end; within the compressed data it
# cannot occur.
_ENDS = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}
_TAIL_BYTES = 4096
_MEASURED: contextvars.ContextVar[set[str] | None] = contextvars.ContextVar(
    "measured", default=None
)


def check_folder(image_dir: PathLike) -> Path:
    """Returns `image_dir` as a path.

    Raises:
        ValueError: if there is no such folder.
    """
    image_dir = Path(image_dir)
    if not image_dir.is_dir():
        raise ValueError(f"There is no image folder {image_dir}. Check the path.")
    return image_dir


def image_size(path: PathLike) -> tuple[int, int]:
    """Returns the height and width (int, px) of a complete JPEG or PNG file, upright.

    Only the header and the last bytes are read: about 0.1 ms. Damage in between shows
    when the image is decoded. What is worth a word is noted (`hrnet_tf.notes`).

    Args:
        path: path of the image.
    Raises:
        BadExample: if the file is absent, of another format, or cut short.
    """
    return _measure(path)[:2]


@contextlib.contextmanager
def measured() -> Iterator[set[str]]:
    """Collects the paths (str) of image files that are looked at inside.

    Annotations name them, also those that are damaged or contradict them.
    """
    paths: set[str] = set()
    token = _MEASURED.set(paths)
    try:
        yield paths
    finally:
        _MEASURED.reset(token)


def note_measured(path: PathLike) -> None:
    """Adds an image file to those that `measured` collects.

    Other threads do not: what is looked at there is noted by the one that started them.
    """
    paths = _MEASURED.get()
    if paths is not None:
        paths.add(str(path))


def _measure(path):
    """The upright height and width, and the orientation, of an image file."""
    note_measured(path)
    try:
        with open(path, "rb") as file:
            head = file.read(26)
            image_format = _image_format(path, head[:8])
            file.seek(0, 2)
            num_bytes = file.tell()
            file.seek(max(0, num_bytes - _TAIL_BYTES))
            tail = file.read()
            with open_image(file, formats=(image_format,)) as image:
                width, height = image.size
                tag = _orientation(path, image, image_format, tail)
                animated = image_format == "PNG" and image.is_animated
    except FileNotFoundError as error:
        raise BadExample(
            "absent image", f"There is no image {path}. Check the image folder."
        ) from error
    except (OSError, SyntaxError, struct.error) as error:
        raise BadExample(
            "unreadable image", f"The image {path} cannot be read: {error}."
        ) from error
    if _ENDS[image_format] not in tail and not _decodes(path):
        raise BadExample(
            "truncated image",
            f"The image {path} is cut short: its {num_bytes} bytes lack the mark that"
            f" ends a {image_format}. Copy or download it again.",
        )
    for reason, holds in (
        (notes.TURNED, tag > 1),
        (notes.SIXTEEN_BITS, image_format == "PNG" and head[24] == 16),
        (notes.ANIMATED, animated),
    ):
        if holds:
            notes.note(reason, str(path))
    return (width, height, tag) if tag >= 5 else (height, width, tag)


def _orientation(path, image, image_format, tail):
    """The orientation that an image file notes; 1 where it notes none."""
    block = image.info.get("exif")
    late = block is None and image_format == "PNG" and b"eXIf" in tail
    if late:
        block = tail[tail.index(b"eXIf") + 4 :]
    tag = noted_orientation(block)
    if tag == 1:
        return 1
    # Few files come here, so that others are checked without TensorFlow.
    from hrnet_tf.exif import orientation

    if int(orientation(Path(path).read_bytes())) != tag:
        raise BadExample(
            "orientation in an unusual place",
            f"The image {path} notes the orientation {tag} where it is not looked for:"
            " in a JPEG its EXIF block belongs to the first 64 kB and before all other"
            " tables, in a PNG before the pixels. Save the picture upright.",
        )
    return tag


def _decodes(path):
    """Whether all pixels can be read: slow, for files with much behind the end.

    By the reader that the picture is for: Pillow would take a JPEG without its end
    mark, which that one misses.
    """
    try:
        read_image(path)
    except ValueError:
        return False
    return True


def check_image(
    path: PathLike, height: int | None, width: int | None
) -> tuple[int, int]:
    """Checks an image file against the size that its annotation gives.

    Args:
        path: path of the image.
        height: int (px), or None if the annotation does not say.
        width: int (px), or None.
    Returns:
        The height and width of the upright image, int. Sizes annotated as stored are
        taken, and noted.
    Raises:
        BadExample: as `image_size`, or if the sizes differ.
    """
    *size, tag = _measure(path)
    size = tuple(size)
    if (height is None or height == size[0]) and (width is None or width == size[1]):
        return size
    swapped = size == (width, height)
    if swapped and tag >= 5:
        notes.note(notes.STORED_SIZE, str(path))
        return size
    hint = " Is it the image that was annotated?"
    if swapped:
        hint = (
            " The sides are exchanged: the annotation seems to describe the picture"
            " turned by a quarter, but the file notes no such orientation."
        )
    raise BadExample(
        "size contradicts the annotation",
        f"The image {path} has {size[1]}x{size[0]} pixels (width x height), but its"
        f" annotation says {width}x{height}.{hint}",
    )


def _image_format(path, head):
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head == b"\x89PNG\r\n\x1a\n":
        return "PNG"
    if not head:
        raise BadExample(
            "truncated image",
            f"The image {path} is empty. Copy or download it again, or take it away.",
        )
    kind = next(
        (k for magic, k in _OTHER_FORMATS.items() if head.startswith(magic)), ""
    )
    text = head.decode("ascii", "replace")
    shown = repr(text if text.isprintable() and text.isascii() else head)
    advice = "Convert it." if kind else "Convert it, or take it away."
    raise BadExample(
        "unsupported image format",
        f"The image {path} is {kind or 'of an unknown format'} (it starts with"
        f" {shown}); only JPEG and PNG are read. {advice}",
    )


def finite_numbers(
    where: str, entry: dict[str, Any], key: str, shape: tuple[int, ...]
) -> np.ndarray:
    """Returns a list of an annotation as a float64 array.

    Args:
        where: str. File and annotation, for the message.
        entry: dict, the annotation.
        key: str. The list's key.
        shape: tuple of int. The shape the list should have.
    Raises:
        BadExample: if the list has another shape or holds anything but finite numbers.
    """
    values = entry.get(key)
    try:
        array = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        array = None
    if array is None or array.shape != shape:
        expected = "x".join(map(str, shape))
        raise BadExample(
            f"wrong {key}",
            f"{where}: {key} is {values!r:.200}; expected {expected} numbers.",
        )
    if not np.isfinite(array).all():
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise BadExample(
            f"{key} not finite",
            f"{where}: {key} holds {array[at]} at position"
            f" {', '.join(map(str, at))} (from 0); expected finite numbers.",
        )
    return array


def finite_number(where: str, entry: dict[str, Any], key: str) -> float:
    """Returns a number of an annotation as a float; arguments as `finite_numbers`.

    Raises:
        BadExample: if it is absent or no finite number.
    """
    value = entry.get(key)
    if isinstance(value, (int, float)) and math.isfinite(value):
        return float(value)
    raise BadExample(
        f"wrong {key}", f"{where}: {key} is {value!r}; expected a finite number."
    )
