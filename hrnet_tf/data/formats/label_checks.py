"""Reading and checking label maps: PNG files whose pixel values are class numbers.

Grey files hold their values; in palette files the values are the palette's indices,
which must not be confused with the colours that the palette shows them in.
"""

import io
import os
import struct
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.formats.checks import image_size
from hrnet_tf.io import open_image
from hrnet_tf.typing import PathLike, Progress, Tensor

if TYPE_CHECKING:
    from hrnet_tf.data.label_set import LabelSet
    from hrnet_tf.data.schema import SegmentationExample


_PNG = b"\x89PNG\r\n\x1a\n"
# PNG's colour types, at byte 25 of a file; byte 24 is the number of bits.
_GREY, _PALETTE = 0, 3
_COLOUR_TYPES = {0: "grey", 2: "RGB", 3: "palette", 4: "grey+alpha", 6: "RGBA"}
_BATCH = 256


def read_label(path: PathLike) -> np.ndarray:
    """Reads a label map.

    Args:
        path: path of an 8-bit grey PNG, or of a palette PNG.
    Returns:
        uint8 array `[H, W]`, the values of the file (of a palette file: the indices).
    Raises:
        BadExample: if the file is absent, truncated, no PNG, or a PNG of colours, of
            16 bits, or of grey values with less than 8 bits.
    """
    try:
        encoded = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise BadExample(
            "absent label", f"There is no label map {path}. Check the label folder."
        ) from error
    _check_header(path, encoded[:26])
    return _decode(path, encoded)


def decode_label(encoded: Tensor) -> Tensor:
    """Decodes a label map in a graph, for `Dataset.map`.

    `tf.io.decode_png` turns the indices of a palette file into the colours' grey, so
    such files are decoded outside of TensorFlow.

    Args:
        encoded: scalar string tensor, the content of a file that `read_label` reads.
    Returns:
        uint8 tensor `[H, W]`.
    """
    import tensorflow as tf

    def read(data):
        # Eagerly the bytes arrive in an array of one object.
        return _decode("in a record", np.asarray(data, object).item())

    label = tf.cond(
        tf.strings.substr(encoded, 25, 1) == bytes([_PALETTE]),
        lambda: tf.numpy_function(read, [encoded], tf.uint8),
        lambda: tf.io.decode_png(encoded, channels=1)[..., 0],
    )
    return tf.ensure_shape(label, [None, None])


def check_labels(
    examples: "Sequence[SegmentationExample]",
    label_set: "LabelSet",
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> "tuple[list[SegmentationExample], np.ndarray]":
    """Decodes every label map once, and checks it against its image and the label set.

    Of the images only headers and last bytes are read.

    Args:
        examples: sequence of `SegmentationExample`.
        label_set: `LabelSet`.
        skip_bad: bool. Whether single bad examples are skipped and counted in one
            warning instead of raising.
        progress: callable `(num_done, num_examples)` or None.
    Returns:
        The list of the good examples, and the number of their pixels of each class,
        int64 array `[C]`.
    Raises:
        ValueError: if no labelled pixel is left; without `skip_bad` also, naming the
            file, for an absent, truncated or foreign image or label map, for sizes
            which differ, and for a value which the label set does not know.
    """
    bad = BadExamples(f"Label maps of {label_set.name!r}", skip_bad)
    kept, counts = [], np.zeros(256, np.int64)
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        results = _in_batches(pool, lambda e: _outcome(e, label_set), examples)
        for done, (example, outcome) in enumerate(
            zip(examples, results, strict=True), 1
        ):
            if isinstance(outcome, BadExample):
                bad.add(outcome)
            else:
                kept.append(example)
                counts += outcome
            if progress is not None:
                progress(done, len(examples))
    class_counts = counts[list(label_set.file_ids)]
    if not class_counts.any():
        raise ValueError(
            f"{len(examples)} label maps hold no pixel of a class:"
            f" {counts.sum()} pixels are ignored; bad: {bad.describe() or 'none'}."
            f" {label_set.describe_ids()}"
        )
    bad.warn()
    return kept, class_counts


def _in_batches(pool, function, items):
    """As `pool.map`, but an error is not followed by the work on all other items."""
    for start in range(0, len(items), _BATCH):
        yield from pool.map(function, items[start : start + _BATCH])


def _outcome(example, label_set):
    """Returns the count of each file value (int64 `[256]`), or a `BadExample`."""
    try:
        return count_values(example, label_set)
    except BadExample as error:
        return error


def count_values(example: "SegmentationExample", label_set: "LabelSet") -> np.ndarray:
    """Checks one example and counts the values of its label map.

    Args:
        example: `SegmentationExample`.
        label_set: `LabelSet`.
    Returns:
        int64 array `[256]`, the number of pixels with each value of the file.
    Raises:
        BadExample: as `check_labels` raises.
    """
    height, width = image_size(example.image_path)
    label = read_label(example.label_path)
    if label.shape != (height, width):
        hint = "Do they belong together?"
        if label.shape == (width, height):
            hint = (
                "Label maps belong to the upright picture: turn this one by a quarter."
            )
        raise BadExample(
            "label of another size",
            f"The label map {example.label_path} has"
            f" {label.shape[1]}x{label.shape[0]} pixels (width x height), but its image"
            f" {example.image_path} has {width}x{height}. {hint}",
        )
    counts = np.bincount(label.ravel(), minlength=256)
    unknown = np.flatnonzero((counts > 0) & ~label_set.known_ids())
    if unknown.size:
        value = int(unknown[0])
        row, column = (int(i) for i in np.argwhere(label == value)[0])
        more = f" (and {unknown[1:].tolist()})" if unknown.size > 1 else ""
        raise BadExample(
            "unknown value in a label map",
            f"The label map {example.label_path} holds the value {value}{more}, first"
            f" at row {row}, column {column}. {label_set.describe_ids()} Add the value"
            " to the label set's classes or to its ignored_ids.",
        )
    return counts


def _check_header(path, head):
    if not head.startswith(_PNG) or len(head) < 26:
        raise BadExample(
            "label of another format",
            f"The label map {path} is no PNG (it starts with {head[:8]!r}). Save class"
            " numbers as an 8-bit grey or a palette PNG; JPEG would change them.",
        )
    bits, colour_type = head[24], head[25]
    if colour_type == _PALETTE or (colour_type == _GREY and bits == 8):
        return
    kind = f"{bits}-bit {_COLOUR_TYPES.get(colour_type, 'PNG')}"
    if colour_type == _GREY:
        advice = "Save it with 8 bits a pixel."
    else:
        advice = (
            "It seems to be a picture of the labels in their colours; use the files"
            " with the class numbers, or convert colours to numbers first."
        )
    raise BadExample(
        "label of another format",
        f"The label map {path} is a {kind} PNG; expected class numbers in an 8-bit grey"
        f" or a palette PNG. {advice}",
    )


def _decode(path, encoded):
    try:
        with open_image(io.BytesIO(encoded), formats=("PNG",)) as image:
            return np.asarray(image, np.uint8)
    except (OSError, SyntaxError, struct.error) as error:
        raise BadExample(
            "unreadable label", f"The label map {path} cannot be read: {error}."
        ) from error
