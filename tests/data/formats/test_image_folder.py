"""Classified images in folders and lists, and what is wrong with some."""

import numpy as np
import pytest
from drawn_shapes import CLASSES, draw_data_set, draw_folder, draw_shape
from PIL import Image

from hrnet_tf.data.bad_examples import BadExample
from hrnet_tf.data.formats import image_folder
from hrnet_tf.io import read_image


@pytest.fixture
def data(tmp_path):
    return draw_data_set(tmp_path / "data", 2, 2)


def test_folders_are_classes_in_sorted_order(data):
    assert image_folder.class_folders(data / "train") == CLASSES
    examples = image_folder.load_split(data, "train", CLASSES)
    assert [example.label for example in examples] == [0, 0, 1, 1, 2, 2]
    assert examples[3].image_path == str(data / "train" / "square" / "001.jpg")


def test_folders_below_class_folders_count(data):
    below = data / "train" / "circle" / "more"
    below.mkdir()
    draw_shape("circle", 3).save(below / "a.png")
    (data / "train" / "circle" / "Thumbs.db").write_bytes(b"no image")
    (data / "train" / "circle" / ".hidden").write_bytes(b"no image")
    examples = image_folder.load_folders(data / "train", CLASSES)
    names = [e.image_path.rsplit("/", 1)[1] for e in examples if e.label == 0]
    assert names == ["000.jpg", "001.jpg", "a.png"]


def test_flat_validation_with_a_list(data):
    flat = data / "flat"
    flat.mkdir()
    for name in ("b c.JPEG", "a.JPEG"):
        draw_shape("square", 1).save(flat / name)
    (data / "flat_labels.txt").write_text("b c.JPEG square\na.JPEG 2\n\n")
    examples = image_folder.load_split(data, "flat", CLASSES)
    assert [(e.image_path, e.label) for e in examples] == [
        (str(flat / "b c.JPEG"), 1),
        (str(flat / "a.JPEG"), 2),
    ]


def test_names_of_folders_win_over_numbers(tmp_path):
    draw_shape("circle", 0).save(tmp_path / "x.png")
    (tmp_path / "list.csv").write_text("x.png,10\n")
    classes = ("1", "10", "2")
    examples = image_folder.load_listed(tmp_path / "list.csv", tmp_path, classes)
    assert examples[0].label == 1


@pytest.mark.parametrize(
    "line, message",
    [
        ("x.png", r"list.txt:2: expected 'file label'. Received: 'x.png'"),
        ("x.png cat", r"list.txt:2: the class 'cat' is none of the 3 classes"),
        ("x.png 3", r"list.txt:2: the class '3' is none of the 3 classes"),
        ("y.png 1", r"y.png cannot be opened: No such file"),
    ],
)
def test_bad_lines(tmp_path, line, message):
    draw_shape("circle", 0).save(tmp_path / "x.png")
    labels = tmp_path / "list.txt"
    labels.write_text(f"x.png 0\n{line}\n")
    with pytest.raises(ValueError, match=message):
        image_folder.load_listed(labels, tmp_path, CLASSES)
    with pytest.warns(UserWarning, match=r"list.txt: skipped 1 bad example"):
        examples = image_folder.load_listed(labels, tmp_path, CLASSES, skip_bad=True)
    assert len(examples) == 1


def test_class_unknown_to_training(data):
    draw_folder(data / "other", 1, ("circle", "star"))
    message = (
        r"other: the class 'star' is none of the 3 classes of the training data or the"
        r" model: circle, square, stripes\."
    )
    with pytest.raises(ValueError, match=message):
        image_folder.load_folders(data / "other", CLASSES)
    with pytest.warns(UserWarning, match="1 x unknown class"):
        examples = image_folder.load_folders(data / "other", CLASSES, skip_bad=True)
    assert [example.label for example in examples] == [0]


def test_class_without_images(data):
    (data / "train" / "star").mkdir()
    classes = image_folder.class_folders(data / "train")
    with pytest.raises(ValueError, match=r"class folder .*star holds no images"):
        image_folder.load_folders(data / "train", classes)
    with pytest.warns(UserWarning, match="1 x class without images"):
        image_folder.load_folders(data / "train", classes, skip_bad=True)


def test_no_folder_and_no_class_folders(tmp_path):
    with pytest.raises(ValueError, match="There is no image folder .*train"):
        image_folder.class_folders(tmp_path / "train")
    draw_shape("circle", 0).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"It holds no folder, but \['a.png'\]"):
        image_folder.class_folders(tmp_path)


def test_no_usable_image(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.jpg").write_bytes(b"nothing")
    message = r"names no usable image: 1 x unsupported image format; the first: .*x.jpg"
    with pytest.raises(ValueError, match=message):
        image_folder.load_folders(tmp_path, ("a",), skip_bad=True)


def test_truncated_image(data):
    path = data / "train" / "circle" / "000.jpg"
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(ValueError, match=r"circle/000.jpg is cut short"):
        image_folder.load_folders(data / "train", CLASSES)
    with pytest.warns(UserWarning, match="1 x truncated image"):
        examples = image_folder.load_folders(data / "train", CLASSES, skip_bad=True)
    assert len(examples) == 5


@pytest.mark.parametrize(
    "mode, format",
    [
        ("L", "JPEG"),
        ("CMYK", "JPEG"),
        ("RGBA", "PNG"),
        ("P", "PNG"),
        ("RGB", "GIF"),
        ("RGB", "BMP"),
        ("P", "BMP"),
        ("RGB", "WEBP"),
    ],
)
def test_formats_are_told_by_the_content(tmp_path, mode, format):
    path = tmp_path / "image.jpg"
    draw_shape("circle", 0).convert(mode).save(path, format)
    image_folder.check_decodable(path)


def test_formats_that_tensorflow_does_not_decode(tmp_path):
    image = draw_shape("circle", 0)
    image.save(tmp_path / "a.jpg", "TIFF")
    with pytest.raises(BadExample, match=r"a.jpg is TIFF .*Convert it"):
        image_folder.check_decodable(tmp_path / "a.jpg")
    image.save(tmp_path / "c.webp", "WEBP")
    content = (tmp_path / "c.webp").read_bytes()
    (tmp_path / "c.webp").write_bytes(content[: len(content) // 2])
    with pytest.raises(BadExample, match=r"c.webp cannot be decoded: .*Convert it to"):
        image_folder.check_decodable(tmp_path / "c.webp")


@pytest.mark.parametrize("tag", [1, 3, 6])
def test_webp_that_viewers_turn_is_refused(tmp_path, tag):
    """Graphs would read it as it is stored."""
    exif = Image.Exif()
    exif[0x0112] = tag
    path = tmp_path / "a.webp"
    draw_shape("circle", 0).save(path, lossless=True, exif=exif)
    if tag == 1:
        image_folder.check_decodable(path)
        assert read_image(path)[0].shape[2] == 3
        return
    with pytest.raises(BadExample, match=rf"a.webp is a WebP .*orientation {tag}"):
        image_folder.check_decodable(path)
    with pytest.raises(ValueError, match=r"a.webp is a WebP .*Convert it"):
        read_image(path)


def test_class_names_by_folder(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("n02 gold fish, carp\nn01 tench\nn03 shark\n")
    names = image_folder.read_class_names(path, ("n01", "n02"))
    assert names == ("tench", "gold fish, carp")


def test_class_names_in_order(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("tench\n\ngold fish\n")
    assert image_folder.read_class_names(path, ("a", "b")) == ("tench", "gold fish")
    message = r"a line for each of 3 classes.*It holds 2 lines, none.*starts with 'a'"
    with pytest.raises(ValueError, match=message):
        image_folder.read_class_names(path, ("a", "b", "c"))
    with pytest.raises(ValueError, match="There is no file .*absent.txt"):
        image_folder.read_class_names(tmp_path / "absent.txt", ("a",))


def test_labels_of_a_model():
    folders = ("a", "b")
    assert image_folder.model_labels(folders, 2) == {"a": 0, "b": 1}
    names = ("c", "b", "a")
    assert image_folder.model_labels(folders, 3, names) == {"a": 2, "b": 1}
    with pytest.raises(ValueError, match=r"does not name its 3 classes.*2 class"):
        image_folder.model_labels(folders, 3)
    with pytest.raises(ValueError, match=r"class folders a, b, .*not the model's 2"):
        image_folder.model_labels(folders, 2, ("x", "y"))


def test_labels_of_a_model_with_named_synsets(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("n1 crane\nn2 owl\nn3 crane\n")
    folders, names = ("n1", "n2", "n3"), ("crane", "owl", "crane")
    labels = image_folder.model_labels(folders, 3, names, path)
    assert labels == {"n1": 0, "n2": 1, "n3": 2}
    # Which crane it is cannot be told where folders are missing.
    with pytest.raises(ValueError, match="not the model's 3 classes"):
        image_folder.model_labels(("n1", "n2"), 3, names, path)


def test_digits(shared):
    folder = shared / "data" / "signdigits"
    classes = image_folder.class_folders(folder / "train")
    assert classes == tuple("0123456789")
    examples = image_folder.load_split(folder, "val", classes)
    assert len(examples) == 415
    assert np.bincount([example.label for example in examples]).min() > 30
    with Image.open(examples[0].image_path) as image:
        assert image.size == (100, 100)


def test_labels_of_repeated_names_are_told_by_their_numbers(tmp_path):
    draw_folder(tmp_path, 1, classes=("x",))
    (tmp_path / "x" / "000.jpg").rename(tmp_path / "x" / "a,b c.jpg")
    listing = tmp_path / "list.txt"
    classes = ("crane", "dog", "crane")
    listing.write_text("a,b c.jpg 0\na,b c.jpg,2\n\na,b c.jpg\tdog\n")
    found = image_folder.load_listed(listing, tmp_path / "x", classes)
    assert [example.label for example in found] == [0, 2, 1]
    listing.write_text("a,b c.jpg crane")
    with pytest.raises(ValueError, match="the class 'crane' is none of"):
        image_folder.load_listed(listing, tmp_path / "x", classes)


def test_a_misspelt_folder_does_not_make_lines_names(tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("n01 tench\nn02 goldfish\nn3 shark\n")
    with pytest.raises(ValueError, match="none of which starts with 'n03'"):
        image_folder.read_class_names(names, ("n01", "n02", "n03"))
    names.write_bytes(b"n01 caf\xe9")
    with pytest.raises(ValueError, match=r"names.txt is not UTF-8 text"):
        image_folder.read_class_names(names, ("n01",))


def test_folders_of_a_list_are_told_by_the_file_of_names(tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("n02 goldfish\nn01 tench, Tinca tinca\n")
    assert image_folder.named_folders(names) == ("n01", "n02")
    names.write_text("goldfish\ntench\n")
    with pytest.raises(ValueError, match="a line 'folder name' for each class"):
        image_folder.named_folders(names)
