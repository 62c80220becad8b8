import numpy as np
import pytest
from photos import encoded, exif_block, photo, shades, with_segments
from PIL import Image

from hrnet_tf import notes
from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.formats.checks import (
    check_folder,
    check_image,
    finite_number,
    finite_numbers,
    image_size,
)
from hrnet_tf.io import read_image, read_json
from hrnet_tf.serving.limits import Limits, Refused


@pytest.fixture(autouse=True)
def nothing_noted():
    notes._COUNTS.clear()


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


@pytest.mark.parametrize("behind", [b"", bytes(9), b"\xff", bytes(9000)])
def test_a_jpeg_without_its_end_mark_is_cut_short(save, behind):
    # For all who read pictures alike, whatever lies behind the last row.
    path = save("cut.jpg")
    content = path.read_bytes()
    assert content.endswith(b"\xff\xd9")
    path.write_bytes(content[:-2] + behind)
    with pytest.raises(BadExample, match=r"cut.jpg is cut short: .* the mark"):
        image_size(path)
    with pytest.raises(ValueError, match=r"cut.jpg .* is no complete JPEG"):
        read_image(path)
    with pytest.raises(Refused, match="Image 0 .* or damaged"):
        Limits().check_images([path.read_bytes()])


@pytest.mark.parametrize("suffix", ["bmp", "gif", "webp", "tiff"])
def test_other_formats_are_named(save, suffix):
    path = save(f"picture.{suffix}")
    with pytest.raises(BadExample, match=rf"(?i)re.{suffix} is {suffix} .*only JPEG"):
        image_size(path)


def test_absent_and_foreign_files_are_named(tmp_path):
    with pytest.raises(BadExample, match="There is no image .*gone.jpg"):
        image_size(tmp_path / "gone.jpg")
    (tmp_path / "text.jpg").write_text("not an image")
    with pytest.raises(
        BadExample,
        match=r"text.jpg is of an unknown format \(it starts with 'not an i'\).*away",
    ):
        image_size(tmp_path / "text.jpg")
    (tmp_path / "empty.jpg").write_bytes(b"")
    with pytest.raises(BadExample, match="empty.jpg is empty"):
        image_size(tmp_path / "empty.jpg")
    (tmp_path / "head.jpg").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JF")
    with pytest.raises(BadExample, match="head.jpg cannot be read"):
        image_size(tmp_path / "head.jpg")


def test_size_against_the_annotation(save):
    path = save("a.jpg")
    assert check_image(path, 30, 40) == check_image(path, None, None) == (30, 40)
    with pytest.raises(BadExample, match=r"a.jpg has 40x30 .*says 41x30"):
        check_image(path, 30, 41)
    with pytest.raises(BadExample, match="says 30x40.*sides are exch"):
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


def test_sizes_are_those_of_upright_images(tmp_path):
    for kind in ("JPEG", "PNG"):
        for tag in range(1, 9):
            path = tmp_path / f"{tag}.jpg"
            path.write_bytes(photo(shades(30, 40), tag, kind=kind))
            assert image_size(path) == (30, 40)
    with pytest.warns(UserWarning, match="14 pictures are turned upright.*/2.jpg"):
        notes.warn_noted()


def test_annotated_sizes_may_be_those_stored(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(photo(shades(30, 40), 6))
    assert check_image(path, 30, 40) == (30, 40)
    assert check_image(path, 40, 30) == (30, 40)
    with pytest.warns(UserWarning) as said:
        BadExamples("data", True).warn()
    texts = [str(warning.message) for warning in said]
    assert texts[0].startswith("2 pictures are turned upright")
    assert texts[1].startswith("1 picture is annotated with width and height as stored")
    with pytest.raises(BadExample, match="has 40x30 .* says 31x40"):
        check_image(path, 40, 31)


def test_an_orientation_in_an_unusual_place_is_refused(tmp_path):
    path = tmp_path / "a.jpg"
    profile = (0xFFE2, b"ICC_PROFILE\0\1\1" + bytes(40000))
    path.write_bytes(with_segments(photo(shades(), 3), profile, profile))
    with pytest.raises(BadExample, match="a.jpg notes the orientation 3 where it is"):
        image_size(path)
    png = encoded(shades(), "PNG")
    block = exif_block(3)[6:]
    chunk = len(block).to_bytes(4, "big") + b"eXIf" + block + bytes(4)
    (tmp_path / "b.png").write_bytes(png[:-12] + chunk + png[-12:])
    with pytest.raises(BadExample, match="b.png notes the orientation 3 .*in a PNG"):
        image_size(tmp_path / "b.png")


def test_what_is_done_to_pictures_is_said_once(tmp_path):
    first, second = Image.fromarray(shades()), Image.fromarray(255 - shades())
    first.save(tmp_path / "a.png", save_all=True, append_images=[second])
    deep = np.arange(12, dtype=np.uint16).reshape(3, 4)
    for name in "bcd":
        Image.fromarray(deep).save(tmp_path / f"{name}.png")
    for path in sorted(tmp_path.iterdir()):
        image_size(path)
    with pytest.warns(UserWarning) as said:
        notes.warn_noted()
    texts = [str(warning.message) for warning in said]
    assert "1 picture is animated, of which the first" in texts[0]
    assert "3 pictures are of 16 bits a channel" in texts[1] and "b.png" in texts[1]
    notes.warn_noted()
