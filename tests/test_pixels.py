"""Image files are decoded as viewers show them."""

import io

import numpy as np
import pytest
import tensorflow as tf
from photos import encoded, photo, shades, stored_turned
from PIL import Image, ImageOps

from hrnet_tf import pixels
from hrnet_tf.data.augment import affine

FILE = tf.TensorSpec((), tf.string)


@pytest.fixture(scope="module")
def decode():
    """Decodes a file by a graph."""
    return tf.function(pixels.decode, input_signature=[FILE], autograph=False)


def shown(file):
    """What Pillow shows of a file."""
    with Image.open(io.BytesIO(file)) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}])
def test_photos_are_upright(decode, options):
    for tag in range(1, 9):
        file = photo(shades(), tag, **options)
        image = decode(file).numpy()
        assert image.shape == shades().shape
        # Pillow's own JPEG decoder is the same library.
        np.testing.assert_array_equal(image, shown(file))
        assert np.abs(image.astype(int) - shades()).mean() < 3


def test_parts_of_photos_are_parts_of_the_upright_image(decode):
    part = tf.function(
        pixels.decode_part,
        input_signature=[FILE, tf.TensorSpec((4,), tf.int32)],
        autograph=False,
    )
    for kind in ("JPEG", "PNG"):
        for tag in range(1, 9):
            file = photo(shades(), tag, kind=kind)
            whole = decode(file).numpy()
            for top, left, height, width in ((0, 0, 48, 80), (16, 32, 20, 30)):
                found = part(file, [top, left, height, width]).numpy().astype(int)
                expected = whole[top : top + height, left : left + width]
                assert found.shape == expected.shape
                # A part's first and last colours lack their neighbours.
                assert np.abs(found - expected)[2:-2, 2:-2].max() == 0
                assert np.abs(found - expected).max() < 12


def test_crops_do_not_depend_on_how_the_camera_was_held():
    matrix = affine.crop_matrix([40.0, 24.0], 50.0, 20.0, (32, 32))
    crops = [
        affine.decode_crop(photo(shades(), tag), matrix, (32, 32)).numpy().astype(int)
        for tag in range(1, 9)
    ]
    for crop in crops[1:]:
        assert np.abs(crop - crops[0]).max() <= 6


@pytest.mark.parametrize(
    ("bits", "white"), [(8, 255), (10, 1023), (12, 4095), (14, 16383), (16, 65535)]
)
def test_sixteen_bits_are_scaled(decode, bits, white):
    values = np.linspace(0, white, 48 * 80).reshape(48, 80).astype(np.uint16)
    image = decode(encoded(values, "PNG")).numpy()
    np.testing.assert_array_equal(image[..., 0], np.round(values * (255 / white)))
    assert (image == image[..., :1]).all()


def test_transparent_places_are_white(decode):
    colours = shades()
    opacity = np.full((48, 80), 255, np.uint8)
    opacity[:, 40:60], opacity[:, 60:] = 0, 128
    image = decode(encoded(np.dstack([colours, opacity]), "PNG")).numpy()
    np.testing.assert_array_equal(image[:, :40], colours[:, :40])
    assert (image[:, 40:60] == 255).all()
    half = 255 - (255 - colours[:, 60:].astype(int)) * 128 / 255
    assert np.abs(image[:, 60:] - half).max() <= 1
    grey = Image.fromarray(colours[..., 0])
    both = Image.merge("LA", (grey, Image.fromarray(opacity)))
    assert (decode(encoded(both, "PNG")).numpy()[:, 40:60] == 255).all()
    palette = Image.fromarray(colours).quantize(16)
    place = np.asarray(palette) == 3
    image = decode(encoded(palette, "PNG", transparency=3)).numpy()
    assert (image[place] == 255).all()
    np.testing.assert_array_equal(image[~place], shown(encoded(palette, "PNG"))[~place])


def test_other_kinds_are_read_as_pillow_reads_them(decode):
    image = Image.fromarray(shades())
    first, second = image.quantize(32), image.rotate(180).quantize(32)
    for file in (
        encoded(image.convert("L")),
        encoded(image.convert("CMYK")),
        encoded(image.convert("L"), "PNG"),
        encoded(image.convert("1"), "PNG"),
        encoded(image.convert("RGBA"), "PNG"),
        encoded(first, "PNG"),
        encoded(first, "BMP"),
        encoded(image.convert("L"), "BMP"),
        encoded(image, "BMP"),
        encoded(first, "GIF"),
        # Of an animation the first picture.
        encoded(first, "GIF", save_all=True, append_images=[second]),
        encoded(image, "PNG", save_all=True, append_images=[image.rotate(180)]),
    ):
        np.testing.assert_array_equal(decode(file).numpy(), shown(file))


def test_a_png_is_turned_after_it_was_put_on_white(decode):
    stored = stored_turned(shades(), 6)
    both = np.dstack([stored, np.zeros(stored.shape[:2], np.uint8)])
    image = Image.Exif()
    image[0x0112] = 6
    found = decode(encoded(both, "PNG", exif=image)).numpy()
    assert found.shape == shades().shape and (found == 255).all()
