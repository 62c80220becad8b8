from pathlib import Path

import numpy as np
import pytest
from label_layouts import save_pair
from PIL import Image

from hrnet_tf.data.formats.label_folder import load_from_list, load_segmentation
from hrnet_tf.data.label_sets import LabelSet
from hrnet_tf.data.schema import SegmentationExample

FRUIT = LabelSet("fruit", ("tree", "apple", "pear"), label_ids=(1, 2, 5))


@pytest.fixture
def folders(tmp_path):
    """Two pairs, "b" with an image of another suffix."""
    for name in ("b.JPEG", "a.png"):
        stem = name.split(".")[0]
        save_pair(
            tmp_path / "images" / name, tmp_path / "labels" / f"{stem}.png", FRUIT
        )
    return tmp_path / "images", tmp_path / "labels"


def pairs(examples):
    return [(Path(e.image_path).name, Path(e.label_path).name) for e in examples]


def test_pairs_are_found_by_name(folders):
    (folders[0] / "notes.txt").touch()
    (folders[1] / "Thumbs.db").touch()
    examples = load_segmentation(*folders)
    assert pairs(examples) == [("a.png", "a.png"), ("b.JPEG", "b.png")]
    assert examples[0] == SegmentationExample(
        str(folders[0] / "a.png"), str(folders[1] / "a.png")
    )
    seen = []
    checked = load_segmentation(*folders, FRUIT, progress=lambda *p: seen.append(p))
    assert checked == examples and seen == [(1, 2), (2, 2)]


def test_images_and_labels_in_one_folder(tmp_path):
    save_pair(tmp_path / "a.jpg", tmp_path / "a.png", FRUIT)
    assert pairs(load_segmentation(tmp_path, tmp_path, FRUIT)) == [("a.jpg", "a.png")]


def test_label_values_are_checked_with_a_label_set(folders):
    Image.fromarray(np.full((48, 96), 7, np.uint8)).save(folders[1] / "b.png")
    assert len(load_segmentation(*folders)) == 2
    with pytest.raises(ValueError, match=r"b.png holds the value 7.* values \[1, 2, 5"):
        load_segmentation(*folders, FRUIT)
    with pytest.warns(UserWarning, match="skipped 1 bad example"):
        kept = load_segmentation(*folders, FRUIT, skip_bad=True)
    assert pairs(kept) == [("a.png", "a.png")]


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda i, _: (i / "a.png").unlink(), "map .*a.png has no image of the same"),
        (lambda _, m: (m / "b.png").unlink(), "image .*b.JPEG has no label map of the"),
        (lambda i, _: (i / "a.jpg").touch(), "a.jpg and a.png have the same name 'a'"),
    ],
)
def test_files_without_partner_are_named(folders, spoil, message):
    spoil(*folders)
    with pytest.raises(ValueError, match=message):
        load_segmentation(*folders)
    with pytest.warns(UserWarning, match="skipped 1 bad example"):
        assert len(load_segmentation(*folders, skip_bad=True)) == 1


def test_absent_and_empty_folders_are_named(folders, tmp_path):
    with pytest.raises(ValueError, match="There is no image folder .*absent"):
        load_segmentation(tmp_path / "absent", folders[1])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="a.png has no image of the same name"):
        load_segmentation(tmp_path / "empty", tmp_path / "labels")
    with pytest.raises(ValueError, match=r"label map of the same name: 0 images in"):
        load_segmentation(tmp_path / "empty", tmp_path / "empty")


def test_lists_with_tabs_spaces_and_more_columns(folders):
    root = folders[0].parent
    save_pair(folders[0] / "with space.png", folders[1] / "with space.png", FRUIT)
    list_file = root / "train.lst"
    list_file.write_text(
        "images/b.JPEG labels/b.png labels/mirrored.png\n"
        "\n"
        "images/with space.png\tlabels/with space.png\n"
        "images/a.png   labels/a.png\n"
    )
    examples = load_from_list(list_file, root, label_set=FRUIT)
    assert [name for name, _ in pairs(examples)] == [
        "b.JPEG",
        "with space.png",
        "a.png",
    ]
    list_file.write_text("a.png a.png\n")
    assert load_from_list(list_file, *folders) == [examples[-1]]


@pytest.mark.parametrize(
    "text, message",
    [
        ("images/a.png\n", "train.lst, line 1 names no label map: 'images/a.png'"),
        ("images/c.png labels/a.png\n", "There is no image .*c.png"),
        ("images/a.png labels/c.png\n", "There is no label map .*c.png"),
    ],
)
def test_bad_lines_are_named(folders, text, message):
    root = folders[0].parent
    list_file = root / "train.lst"
    list_file.write_text(text)
    with pytest.raises(ValueError, match=message):
        load_from_list(list_file, root)
    with pytest.raises(ValueError, match="train.lst names no pair of an .* bad: 1 x "):
        load_from_list(list_file, root, skip_bad=True)
    list_file.write_text(f"{text}images/b.JPEG labels/b.png\n")
    with pytest.warns(UserWarning, match="skipped 1 bad example"):
        examples = load_from_list(list_file, root, skip_bad=True)
    assert pairs(examples) == [("b.JPEG", "b.png")]


def test_absent_and_empty_lists(tmp_path):
    with pytest.raises(ValueError, match="There is no list .*absent.lst"):
        load_from_list(tmp_path / "absent.lst", tmp_path)
    (tmp_path / "empty.lst").write_text("\n")
    with pytest.raises(ValueError, match="names no pair of an image.*bad: none"):
        load_from_list(tmp_path / "empty.lst", tmp_path)
    (tmp_path / "image.lst").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(ValueError, match="image.lst is no text file"):
        load_from_list(tmp_path / "image.lst", tmp_path)


def test_camvid(shared):
    folder = shared / "data" / "camvid"
    examples = load_segmentation(folder / "val", folder / "valannot")
    assert len(examples) == 101
    stems = [(Path(e.image_path).stem, Path(e.label_path).stem) for e in examples]
    assert stems == sorted(stems) and all(a == b for a, b in stems)
