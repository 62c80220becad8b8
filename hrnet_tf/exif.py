"""The orientation that cameras note in image files, read and applied in graphs.

A camera that was held upright stores the pixels as its sensor lies, and notes in the
file's EXIF block how a viewer is to turn them. Viewers and labelling tools do so;
TensorFlow's decoders do not.

Reference: CIPA DC-008 (Exif 2.32), 4.6.4; ITU T.81, B.1.1.4; PNG (third edition), 11.3.
"""

from collections.abc import Callable

import tensorflow as tf

from hrnet_tf.typing import Tensor

# What the graphs take: the content of a file.
FILE = tf.TensorSpec((), tf.string)

_MARK = b"Exif\0\0"
# The first segments of a JPEG file; of these, EXIF's, and comments among them.
_APPLICATION, _EXIF, _COMMENT = 0xFFE, 0xFFE1, 0xFFFE
# Where a block is looked for. EXIF wants it first, after a head of 20 bytes at most;
# some programs put a colour profile before it.
_HEAD_BYTES = 1 << 16
# An orientation other than upright, in a directory's entry of either byte order.
_SHORT_ENTRY = r"\x12\x01\x03\x00\x01\x00\x00\x00[\x02-\x08]"
_REVERSED_ENTRY = r"\x01\x12\x00\x03\x00\x00\x00\x01\x00[\x02-\x08]"
_TURNED = rf"\C*?(?:{_SHORT_ENTRY}|{_REVERSED_ENTRY})"


def apart(*specs: Tensor) -> Callable:
    """Makes graph code a function that graphs call.

    Inlined, all its operations would be walked through for each image, whether the
    branch that holds it is taken or not.

    Args:
        *specs: `tf.TensorSpec` of each argument.
    Returns:
        A decorator.
    """
    return tf.function(
        input_signature=specs,
        autograph=False,
        experimental_attributes={"_noinline": True},
    )


def orientation(encoded: Tensor) -> Tensor:
    """Returns the orientation that an image file notes.

    Args:
        encoded: scalar string tensor, a JPEG or PNG file, or any other.
    Returns:
        int32 scalar in 1..8; 1, upright, where nothing (or nothing valid) is noted.
    """
    return tf.cond(
        tf.io.is_jpeg(encoded),
        lambda: jpeg_orientation(encoded),
        lambda: tf.cond(
            is_png(encoded), lambda: png_orientation(encoded), lambda: tf.constant(1)
        ),
    )


def is_png(encoded: Tensor) -> Tensor:
    """Returns whether a file's bytes (string scalar) are PNG (bool scalar)."""
    return tf.strings.substr(encoded, 0, 8) == b"\x89PNG\r\n\x1a\n"


def head_holds(encoded: Tensor, pattern: str) -> Tensor:
    """Returns whether the first bytes of a file hold a pattern (bool scalar).

    Args:
        encoded: scalar string tensor.
        pattern: str, a regular expression of ASCII bytes, and `\\C` for any byte. It
            is found fast if it starts with some fixed ones.
    """
    head = tf.strings.substr(encoded, 0, _HEAD_BYTES)
    without = tf.strings.regex_replace(head, pattern, "", replace_global=False)
    return tf.strings.length(without) != tf.strings.length(head)


def may_be_turned(encoded: Tensor) -> Tensor:
    """Returns whether a JPEG file is worth a `jpeg_orientation` (bool scalar).

    This takes a hundredth of the time of decoding, and the other a tenth.

    Args:
        encoded: scalar string tensor, a JPEG file.
    """
    return head_holds(encoded, rf"Exif\x00\x00(?:II|MM){_TURNED}")


def jpeg_orientation(encoded: Tensor) -> Tensor:
    """Returns the orientation (int32 scalar in 1..8) of a JPEG file (string scalar)."""
    return tf.cond(
        may_be_turned(encoded), lambda: _in_segments(encoded), lambda: tf.constant(1)
    )


def png_orientation(encoded: Tensor) -> Tensor:
    """Returns the orientation (int32 scalar in 1..8) of a PNG file (string scalar)."""
    return tf.cond(
        head_holds(encoded, f"eXIf{_TURNED}"),
        lambda: _in_chunks(encoded),
        lambda: tf.constant(1),
    )


def swaps_sides(tag: Tensor) -> Tensor:
    """Returns whether an orientation (int32) exchanges height and width (bool)."""
    return tag >= 5


def upright(pixels: Tensor, tag: Tensor) -> Tensor:
    """Turns pixels as their orientation says.

    Args:
        pixels: tensor `[H, W, C]`, as stored.
        tag: int32 scalar in 1..8.
    Returns:
        The tensor as it is to be seen, `[W, H, C]` for orientations from 5.
    """

    def turned():
        order = tf.where(swaps_sides(tag), [1, 0, 2], [0, 1, 2])
        sides = tf.boolean_mask([0, 1], _reversed_sides(tag))
        image = tf.reverse(tf.transpose(pixels, order), sides)
        return tf.ensure_shape(image, (None, None, pixels.shape[-1]))

    return tf.cond(tag == 1, lambda: pixels, turned)


def stored_window(window: Tensor, image_size: Tensor, tag: Tensor) -> Tensor:
    """Finds the part of a stored image that is a part of the upright one.

    Args:
        window: int32 tensor `[4]`: top, left, height and width in the upright image.
        image_size: int32 tensor `[2]`, height and width of the upright image.
        tag: int32 scalar in 1..8.
    Returns:
        int32 tensor `[4]`: the window in the stored image.
    """
    corner, size = window[:2], window[2:]
    corner = tf.where(_reversed_sides(tag), image_size - corner - size, corner)
    order = tf.where(swaps_sides(tag), [1, 0], [0, 1])
    return tf.concat([tf.gather(corner, order), tf.gather(size, order)], 0)


def _reversed_sides(tag):
    """Whether rows, and columns, are in the reverse order, bool `[2]`."""
    vertical = tf.reduce_any(tag == tf.constant([3, 4, 7, 8]))
    return tf.stack([vertical, tf.reduce_any(tag == tf.constant([2, 3, 6, 7]))])


@apart(FILE)
def _in_segments(encoded):
    """The orientation that the first segments of a JPEG file hold."""
    length = tf.strings.length(encoded)

    def walk(place, _):
        # Both numbers of a segment's head are big-endian: its marker, and its length.
        head = tf.strings.substr(encoded, place, 4)
        head = tf.io.decode_raw(head, tf.uint16, little_endian=False)
        marker, size = tf.unstack(tf.cast(tf.ensure_shape(head, (2,)), tf.int32))
        is_exif = tf.strings.substr(encoded, place + 4, 6) == _MARK
        found = (marker == _EXIF) & is_exif
        after = place + 2 + size
        goes_on = (marker // 16 == _APPLICATION) | (marker == _COMMENT)
        goes_on &= ~found & (after + 10 <= length)
        # A negative place is where the block was found.
        return tf.where(goes_on, after, tf.where(found, -place, 0)), goes_on

    start = (tf.constant(2), length >= 12)
    place, _ = tf.while_loop(lambda _, goes_on: goes_on, walk, start)
    return tf.cond(
        place < 0,
        lambda: _noted(tf.strings.substr(encoded, 10 - place, _HEAD_BYTES)),
        lambda: tf.constant(1),
    )


@apart(FILE)
def _in_chunks(encoded):
    """The orientation that the chunks before a PNG file's pixels hold."""
    length = tf.strings.length(encoded)

    def walk(place, _):
        # A chunk is its length, its kind, what it holds and a checksum.
        size = tf.strings.substr(encoded, place, 4)
        size = tf.io.decode_raw(size, tf.int32, little_endian=False)[0]
        kind = tf.strings.substr(encoded, place + 4, 4)
        found = kind == b"eXIf"
        after = place + 12 + size
        goes_on = ~found & (kind != b"IDAT") & (after > place) & (after + 12 <= length)
        return tf.where(goes_on, after, tf.where(found, -place, 0)), goes_on

    start = (tf.constant(8), length >= 20)
    place, _ = tf.while_loop(lambda _, goes_on: goes_on, walk, start)

    def read():
        block = tf.strings.substr(encoded, 8 - place, _HEAD_BYTES)
        # Some programs write the mark of JPEG's segment, too.
        marked = tf.strings.substr(block, 0, 6) == _MARK
        return _noted(tf.strings.substr(block, tf.where(marked, 6, 0), _HEAD_BYTES))

    return tf.cond(place < 0, read, lambda: tf.constant(1))


def _noted(block):
    """The orientation in an EXIF block, which is a TIFF file without pixels."""
    mark = tf.strings.substr(block, 0, 4)
    little = mark == b"II*\0"
    room = tf.strings.length(block) - 2

    def read():
        place = _numbers(_rows(tf.strings.substr(block, 4, 4), 4), little)[0]
        # The directory may lie anywhere in the block.
        fits = (place >= 8) & (place <= room)
        place = tf.where(fits, place, 0)
        count = _numbers(_rows(tf.strings.substr(block, place, 2), 2), little)[0]
        count = tf.where(fits, tf.minimum(count, (room - place) // 12), 0)
        table = _rows(tf.strings.substr(block, place + 2, 12 * count), 12)
        # Its entries: what they tell, the type, the number of values, the value.
        meant = _numbers(table[:, :2], little) == 0x0112
        meant &= _numbers(table[:, 2:4], little) == 3
        meant &= _numbers(table[:, 4:8], little) == 1
        values = _numbers(table[:, 8:10], little)
        meant &= (values >= 1) & (values <= 8)
        # Of several the last one counts, as for Pillow.
        return tf.concat([[1], values[meant]], 0)[-1]

    is_block = (little | (mark == b"MM\0*")) & (room >= 12)
    return tf.cond(is_block, read, lambda: tf.constant(1))


def _rows(text, width):
    """The bytes of a text as int32 rows `[N, width]`."""
    rows = tf.reshape(tf.io.decode_raw(text, tf.uint8), (-1, width))
    return tf.ensure_shape(tf.cast(rows, tf.int32), (None, width))


def _numbers(rows, little):
    """The whole numbers that rows of bytes `[N, width]` are; too large ones wrap."""
    rows = tf.cond(little, lambda: tf.reverse(rows, [1]), lambda: rows)
    number = tf.zeros_like(rows[:, 0])
    for column in tf.unstack(rows, axis=1):
        number = number * 256 + column
    return number
