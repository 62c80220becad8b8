"""Orientations are read and applied as Pillow does it."""

import io

import numpy as np
import pytest
import tensorflow as tf
from photos import (
    ORIENTATION,
    encoded,
    exif_block,
    photo,
    shades,
    stored_turned,
    with_segments,
)
from PIL import Image, ImageOps

from hrnet_tf import exif

TAGS = range(1, 9)


@pytest.fixture(scope="module")
def read():
    """The orientation of a file, by a graph."""
    return tf.function(
        exif.orientation,
        input_signature=[tf.TensorSpec((), tf.string)],
        autograph=False,
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("byte_order", "<>")
def test_all_orientations(read, kind, byte_order):
    for tag in TAGS:
        file = photo(shades(), tag, byte_order, kind)
        assert int(read(file)) == tag
        with Image.open(io.BytesIO(file)) as image:
            stored = np.asarray(image)
            expected = np.asarray(ImageOps.exif_transpose(image))
        found = exif.upright(stored, tf.constant(tag))
        np.testing.assert_array_equal(found, expected)


def test_the_block_may_stand_behind_other_segments(read):
    others = [
        (0xFFE0, b"JFXX\0" + bytes(40)),
        (0xFFE2, b"ICC_PROFILE\0\1\1" + bytes(3000)),
        (0xFFE1, b"http://ns.adobe.com/xap/1.0/\0<x/>"),
        (0xFFED, b"Photoshop 3.0\0" + bytes(200)),
        (0xFFFE, b"a comment that says Exif"),
    ]
    for count in range(1, len(others) + 1):
        file = photo(shades(), 6)
        assert int(read(with_segments(file, *others[:count]))) == 6
    assert int(read(photo(shades(), 8, progressive=True))) == 8
    assert int(read(photo(shades(), 8, ">", icc_profile=bytes(500)))) == 8


def test_nothing_noted_is_upright(read):
    plain = encoded(shades())
    tagged = exif_block(6)
    for file in (
        plain,
        encoded(shades(), "PNG"),
        encoded(shades(), "GIF"),
        photo(shades(), 1),
        encoded(shades(), exif=exif_block(0)),
        encoded(shades(), exif=exif_block(9)),
        # A block of another kind, in the wrong segment, cut short, or of no entries.
        with_segments(plain, (0xFFE1, b"Exag\0\0" + tagged[6:])),
        with_segments(plain, (0xFFE3, tagged)),
        with_segments(plain, (0xFFE1, tagged[:20])),
        with_segments(plain, (0xFFE1, tagged[:10] + b"\xff\xff\xff\x7f" + tagged[14:])),
        with_segments(plain, (0xFFE1, b"Exif\0\0II*\0")),
        plain[:4],
        b"",
        b"no image at all",
    ):
        assert int(read(file)) == 1, file[:60]


def test_a_thumbnails_orientation_does_not_count(read):
    block = Image.Exif()
    block[ORIENTATION] = 1
    block.get_ifd(1)[ORIENTATION] = 6
    assert int(read(encoded(shades(), exif=block.tobytes()))) == 1


def test_windows_of_stored_images():
    image = np.arange(5 * 7).reshape(5, 7, 1)
    for tag in TAGS:
        stored = stored_turned(image[..., 0].astype(np.uint8), tag)[..., None]
        for top, left, height, width in ((0, 0, 5, 7), (1, 2, 3, 4), (4, 6, 1, 1)):
            window = exif.stored_window(
                tf.constant([top, left, height, width]), tf.constant([5, 7]), tag
            )
            a, b, rows, columns = window.numpy()
            part = exif.upright(stored[a : a + rows, b : b + columns], tf.constant(tag))
            expected = image[top : top + height, left : left + width]
            np.testing.assert_array_equal(part, expected)
