import numpy as np
import pytest
from PIL import Image

from hrnet_tf.data.bad_examples import BadExample
from hrnet_tf.data.formats.checks import (
    check_folder,
    check_image,
    finite_number,
    finite_numbers,
    image_size,
)
from hrnet_tf.io import read_json


@pytest.fixture
def save(tmp_path):
    """Saves a noise image of 30 x 40 px (height x width) in a format."""

    def save(name, mode="RGB", **options):
        pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
        path = tmp_path / name
        Image.fromarray(pixels).convert(mode).save(path, **options)
        return path

    return save


@pytest.mark.parametrize(
    "name, mode, options",
    [
        ("a.jpg", "RGB", {}),
        ("a.jpg", "L", {}),
        ("a.jpg", "CMYK", {}),
        ("a.jpg", "RGB", {"progressive": True}),
        ("a.png", "RGB", {}),
        ("a.png", "P", {}),
        ("wrong_suffix.jpg", "RGB", {"format": "PNG"}),
    ],
)
def test_size_of_complete_images(save, name, mode, options):
    assert image_size(save(name, mode, **options)) == (30, 40)


def test_bytes_after_the_end_of_a_jpeg_are_tolerated(save):
    path = save("a.jpg")
    path.write_bytes(path.read_bytes() + b"maker's note" * 300)
    assert image_size(path) == (30, 40)


@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
def test_complete_images_may_have_much_behind_them(save, name):
    # As phones append a film to a photograph.
    path = save(name)
    path.write_bytes(path.read_bytes() + bytes(9000))
    assert image_size(path) == (30, 40)


@pytest.mark.parametrize("name", ["cut.jpg", "cut.png"])
def test_truncated_images_are_named(save, name):
    path = save(name)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(BadExample, match=rf"{name} is cut short: its \d+ bytes"):
        image_size(path)


@pytest.mark.parametrize("suffix", ["bmp", "gif", "webp", "tiff"])
def test_other_formats_are_named(save, suffix):
    path = save(f"picture.{suffix}")
    with pytest.raises(BadExample, match=rf"(?i)re.{suffix} is {suffix} .*only JPEG"):
        image_size(path)


def test_absent_and_foreign_files_are_named(tmp_path):
    with pytest.raises(BadExample, match="There is no image .*gone.jpg"):
        image_size(tmp_path / "gone.jpg")
    (tmp_path / "text.jpg").write_text("not an image")
    with pytest.raises(BadExample, match="text.jpg is of an unknown format.*not an i"):
        image_size(tmp_path / "text.jpg")
    (tmp_path / "empty.jpg").write_bytes(b"")
    with pytest.raises(BadExample, match="empty.jpg is of an unknown format"):
        image_size(tmp_path / "empty.jpg")
    (tmp_path / "head.jpg").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JF")
    with pytest.raises(BadExample, match="head.jpg cannot be read"):
        image_size(tmp_path / "head.jpg")


def test_size_against_the_annotation(save):
    path = save("a.jpg")
    assert check_image(path, 30, 40) == check_image(path, None, None) == (30, 40)
    with pytest.raises(BadExample, match=r"a.jpg has 40x30 .*says 41x30"):
        check_image(path, 30, 41)
    with pytest.raises(BadExample, match="says 30x40.*EXIF"):
        check_image(path, 40, 30)


def test_json_and_folder(tmp_path):
    path = tmp_path / "a.json"
    with pytest.raises(ValueError, match="no annotation file .*a.json"):
        read_json(path)
    path.write_text('{"images": [{"id"')
    with pytest.raises(ValueError, match="a.json is not valid json .*cut short.*char"):
        read_json(path)
    path.write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(ValueError, match="a.json is not valid json"):
        read_json(path)
    with pytest.raises(ValueError, match="no image folder .*photos"):
        check_folder(tmp_path / "photos")


@pytest.mark.parametrize(
    "value, message",
    [
        (None, "here: box is None; expected 2 numbers"),
        ([1], r"here: box is \[1\]"),
        ([1, "x"], "box is"),
        ([[1], [2, 3]], "box is"),
        ([1, float("nan")], "here: box holds nan at position 1"),
        ([float("inf"), 1], "box holds inf at position 0"),
    ],
)
def test_numbers(value, message):
    with pytest.raises(BadExample, match=message):
        finite_numbers("here", {"box": value}, "box", (2,))
    with pytest.raises(BadExample, match="here: box is .*finite number"):
        finite_number("here", {"box": value}, "box")
