"""From image files to pixels, in graphs: as viewers show them.

Training, tests, predictions and exported models all decode here. Pictures of 8 bits
without transparency and without a noted orientation keep their values.
"""

import tensorflow as tf

from hrnet_tf import exif
from hrnet_tf.typing import Tensor

# The largest values of 8 to 16 bits, in which cameras and scanners count.
_PEAKS = (255, 1023, 4095, 16383, 65535)


def decode(encoded: Tensor) -> Tensor:
    """Decodes an image file.

    Of an animation it is the first picture. Orientations are applied, what
    is transparent lies on white, and 16 bits are scaled to 8.

    Args:
        encoded: scalar string tensor, a JPEG, PNG, GIF or BMP file.
    Returns:
        uint8 tensor `[H, W, 3]`, RGB, upright.
    """

    image = tf.cond(
        tf.io.is_jpeg(encoded),
        lambda: tf.cond(
            exif.may_be_turned(encoded),
            lambda: _turned_jpeg(encoded),
            lambda: _jpeg(encoded),
        ),
        lambda: decode_other(encoded),
    )
    return tf.ensure_shape(image, (None, None, 3))


def decode_other(encoded: Tensor) -> Tensor:
    """Does what `decode` does with files that are no JPEG."""
    image = tf.cond(
        _is_special(encoded), lambda: _special(encoded), lambda: _plain(encoded)
    )
    return tf.ensure_shape(image, (None, None, 3))


def decode_part(encoded: Tensor, window: Tensor) -> Tensor:
    """Decodes a part of an image file; of a JPEG only that part.

    Args:
        encoded: scalar string tensor, see `decode`.
        window: int32 tensor `[4]`: top, left, height and width, in the upright image.
    Returns:
        uint8 tensor `[height, width, 3]`.
    """
    return tf.cond(
        tf.io.is_jpeg(encoded),
        lambda: decode_jpeg_part(encoded, window, exif.may_be_turned(encoded)),
        lambda: cut(decode_other(encoded), window),
    )


def decode_jpeg_part(encoded: Tensor, window: Tensor, turned: Tensor) -> Tensor:
    """Does what `decode_part` does with JPEG files.

    Args:
        encoded, window: see `decode_part`.
        turned: bool scalar, what `exif.may_be_turned` says of it.
    """
    return tf.cond(
        turned,
        lambda: _turned_jpeg_part(encoded, window),
        lambda: _jpeg_part(encoded, window),
    )


def jpeg_size(encoded: Tensor, turned: Tensor) -> Tensor:
    """Returns the height and width (int32 `[2]`) of a JPEG file's upright image.

    Args:
        encoded: scalar string tensor, a JPEG file.
        turned: see `decode_jpeg_part`.
    """
    size = tf.io.extract_jpeg_shape(encoded)[:2]
    return tf.cond(turned, lambda: _turned_size(encoded, size), lambda: size)


def cut(image: Tensor, window: Tensor) -> Tensor:
    """Cuts a window `[4]` (top, left, height, width) out of an image `[H, W, 3]`."""
    top, left, height, width = tf.unstack(window)
    return image[top : top + height, left : left + width]


def _jpeg(encoded):
    # The fast way differs by some grey levels.
    return tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")


def _jpeg_part(encoded, window):
    return tf.image.decode_and_crop_jpeg(
        encoded, window, channels=3, dct_method="INTEGER_ACCURATE"
    )


@exif.apart(exif.FILE, tf.TensorSpec((2,), tf.int32))
def _turned_size(encoded, size):
    swapped = exif.swaps_sides(exif.jpeg_orientation(encoded))
    return tf.where(swapped, tf.reverse(size, [0]), size)


@exif.apart(exif.FILE)
def _turned_jpeg(encoded):
    return exif.upright(_jpeg(encoded), exif.jpeg_orientation(encoded))


@exif.apart(exif.FILE, tf.TensorSpec((4,), tf.int32))
def _turned_jpeg_part(encoded, window):
    size = _turned_size(encoded, tf.io.extract_jpeg_shape(encoded)[:2])
    tag = exif.jpeg_orientation(encoded)
    part = _jpeg_part(encoded, exif.stored_window(window, size, tag))
    return exif.upright(part, tag)


def _plain(encoded):
    return tf.io.decode_image(encoded, channels=3, expand_animations=False)


def _is_special(encoded):
    """Whether TensorFlow alone would decode a file otherwise than it is to be seen."""
    head = tf.io.decode_raw(encoded, tf.uint8, fixed_length=34)
    # PNG's number of bits, and the kinds of colour that have transparency.
    depth, colour = head[24], head[25]
    is_special = (depth == 16) | (colour == 4) | (colour == 6)
    is_special |= exif.head_holds(encoded, "tRNS") | exif.head_holds(encoded, "eXIf")
    is_bmp = tf.strings.substr(encoded, 0, 2) == b"BM"
    return (exif.is_png(encoded) & is_special) | (is_bmp & (head[28] == 8))


@exif.apart(exif.FILE)
def _special(encoded):
    return tf.cond(exif.is_png(encoded), lambda: _png(encoded), lambda: _bmp(encoded))


def _png(encoded):
    depth = tf.io.decode_raw(encoded, tf.uint8, fixed_length=25)[24]
    pixels = tf.cond(
        depth == 16,
        lambda: _in_eight_bits(tf.io.decode_png(encoded, 4, tf.uint16)),
        lambda: tf.cast(tf.io.decode_png(encoded, 4), tf.float32),
    )
    # On white, as pages and most viewers are.
    opacity = pixels[..., 3:] / 255.0
    pixels = pixels[..., :3] * opacity + 255.0 * (1.0 - opacity)
    return exif.upright(tf.cast(pixels + 0.5, tf.uint8), exif.png_orientation(encoded))


def _in_eight_bits(pixels):
    """Scales uint16 `[H, W, 4]` to float32 in 0..255.

    Few sensors have 16 bits: pictures of fewer would be nearly black. Of 255, 1023,
    4095, 16383 and 65535 the least that holds all values becomes white.
    """
    pixels = tf.cast(pixels, tf.float32)
    largest = tf.reduce_max(pixels[..., :3])
    peaks = tf.constant(_PEAKS, tf.float32)
    white = peaks[tf.argmax(peaks >= largest)]
    colours = pixels[..., :3] * (255.0 / white)
    return tf.concat([tf.round(colours), tf.round(pixels[..., 3:] / 257.0)], -1)


def _bmp(encoded):
    """Looks the colours of a BMP file's palette up, as TensorFlow does not."""
    places = _plain(encoded)[..., 0]

    def number(place):
        return tf.io.decode_raw(tf.strings.substr(encoded, place, 4), tf.int32)[0]

    first = 14 + number(14)
    palette = tf.strings.substr(encoded, first, number(10) - first)
    palette = tf.reshape(tf.io.decode_raw(palette, tf.uint8), (-1, 4))[:, 2::-1]
    return tf.gather(palette, tf.cast(places, tf.int32))
