import json

import numpy as np
import pytest
from drawn_people import HEIGHT, WIDTH, draw_pictures
from PIL import Image

from hrnet_tf.data.formats.label_checks import check_labels
from hrnet_tf.data.formats.tools import (
    FORMATS,
    find_format,
    guess_task,
    read_labelled,
)
from hrnet_tf.data.label_set import LabelSet
from hrnet_tf.data.label_tables import VOC


def numbers(*values):
    """A mask with as many pixels of each value as possible."""
    return np.resize(np.array(values, np.uint8), (HEIGHT, WIDTH))


def mask(folder, name, pixels, palette=None):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    if palette is not None:
        image = image.convert("P") if image.mode != "L" else image
        image.putpalette(np.ravel(palette).tolist())
    image.save(folder / name)


def labels_of(data):
    label_set = LabelSet(name="own", classes=data.names)
    check_labels(data.examples, label_set)
    return [np.asarray(Image.open(e.label_path)) for e in data.examples]


def read(folder, **options):
    assert find_format(folder).name == "masks"
    return read_labelled(folder, work=folder.parent / "work", **options)


@pytest.mark.parametrize(
    "images, masks",
    [("images", "masks"), ("JPEGImages", "Annotations"), ("img", "labels")],
)
def test_images_and_masks(tmp_path, images, masks):
    root = tmp_path / "set"
    draw_pictures(root / images, "a.png", "b.jpg", "c.jpg")
    mask(root / masks, "a_mask.png", numbers(0, 1))
    mask(root / masks, "b_mask.png", numbers(2, 255))
    data = read(root)
    assert (data.task, data.names) == (
        "segmentation",
        ("class_0", "class_1", "class_2"),
    )
    assert data.examples[0].label_path == str(root / masks / "a_mask.png")
    assert "put a classes.txt" in data.notes[0]
    assert [count for count, _ in data.left_out.counts.values()] == [1]
    (root / "classes.txt").write_text("sky\nroad\ncar\n")
    assert read(root).names == ("sky", "road", "car")
    (root / "classes.txt").write_text("sky\nroad\n")
    with pytest.raises(ValueError, match="number 2, which is none of the 2 classes"):
        read(root)


def test_masks_of_0_and_255(tmp_path):
    root = tmp_path / "set"
    draw_pictures(root / "images", "a.png")
    mask(root / "masks", "a.png", numbers(0, 255))
    data = read(root)
    assert data.names == ("background", "foreground")
    (labels,) = labels_of(data)
    np.testing.assert_array_equal(labels, numbers(0, 1))
    with pytest.raises(ValueError, match="pass `work`"):
        read_labelled(root)


@pytest.mark.parametrize("kind", ["1 bit", "16 bits", "gaps"])
def test_masks_that_are_written_anew(tmp_path, kind):
    root = tmp_path / "set"
    draw_pictures(root / "images", "a.png")
    pixels = {
        "1 bit": numbers(0, 1).astype(bool),
        "16 bits": numbers(0, 1).astype(np.uint16),
        "gaps": numbers(3, 9),
    }[kind]
    mask(root / "masks", "a.png", pixels)
    (labels,) = labels_of(read(root))
    np.testing.assert_array_equal(labels, numbers(0, 1))


def test_splits(tmp_path):
    root = tmp_path / "set"
    for split in ("train", "valid"):
        draw_pictures(root / split / "images", "a.png")
        mask(root / split / "masks", "a.png", numbers(0, 1))
    assert sorted(read(root).splits.values()) == ["train", "val"]
    other = tmp_path / "camvid"
    for split in ("train", "val"):
        draw_pictures(other / split, "a.png")
        mask(other / f"{split}annot", "a.png", numbers(0, 1, 7))
    content = {"classes": ["a", "b"], "ignored_ids": [7]}
    (other / "labels.json").write_text(json.dumps(content))
    data = read(other)
    assert sorted(data.splits.values()) == ["train", "val"]
    assert data.names == ("a", "b")
    np.testing.assert_array_equal(labels_of(data)[0], numbers(0, 1, 255))


def voc(root):
    draw_pictures(root / "JPEGImages", "a.jpg", "b.jpg", "c.jpg")
    for name in "abc":
        pixels = numbers(0, 15, 255)
        palette = [*VOC.palette, *[(0, 0, 0)] * 234, (224, 224, 192)]
        mask(root / "SegmentationClass", f"{name}.png", pixels, palette)
    lists = root / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\n")
    (lists / "val.txt").write_text("b\n")
    return root


def test_voc(tmp_path):
    data = read(voc(tmp_path / "voc"))
    assert data.names == VOC.classes and data.palette == VOC.palette
    assert list(data.splits.values()) == ["train", "val"]
    assert data.examples[0].label_path.endswith("SegmentationClass/a.png")
    assert data.left_out.counts["pictures in no list of ImageSets"] == (1, "c.jpg")


@pytest.mark.parametrize("kind", ["colours", "palette", "camvid"])
def test_colours_of_a_label_map(tmp_path, kind):
    root = voc(tmp_path / "voc")
    lines = ["# label:color_rgb:parts:actions", "background:0,0,0::"]
    lines += ["car:9,8,7::", "cat:1,2,3::"]
    if kind == "camvid":
        lines = ["0 0 0\tbackground", "9 8 7\tcar", "1 2 3\tcat"]
    name = "label_colors.txt" if kind == "camvid" else "labelmap.txt"
    (root / name).write_text("\n".join(lines))
    colours = np.array([(0, 0, 0), (9, 8, 7), (1, 2, 3)], np.uint8)
    for name in "abc":
        if kind != "palette":
            mask(root / "SegmentationClass", f"{name}.png", colours[numbers(0, 2, 1)])
        else:
            # The palette of a tool that orders colours by their use.
            pixels, palette = numbers(0, 1, 2), colours[[0, 2, 1]]
            mask(root / "SegmentationClass", f"{name}.png", pixels, palette)
    data = read(root)
    assert data.names == ("background", "car", "cat")
    assert data.palette == ((0, 0, 0), (9, 8, 7), (1, 2, 3))
    np.testing.assert_array_equal(labels_of(data)[0], numbers(0, 2, 1))
    colours[1] = (9, 8, 6)
    mask(root / "SegmentationClass", "a.png", colours[numbers(0, 2, 1)])
    with pytest.raises(ValueError, match=r"a.png holds the colour \[9, 8, 6\]"):
        read(root)
    with pytest.warns(UserWarning, match="skipped 1 bad"):
        assert len(read(root, skip_bad=True).examples) == 1


def test_masks_of_colours_without_a_list_and_of_other_sizes(tmp_path):
    root = tmp_path / "set"
    draw_pictures(root / "images", "a.png")
    mask(root / "masks", "a.png", np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    with pytest.raises(ValueError, match="a picture of the labels in their colours"):
        read(root)
    mask(root / "masks", "a.png", numbers(0, 1)[:-1])
    with pytest.raises(ValueError, match="has 40x29 pixels"):
        read(root)


def test_folders_of_classes(tmp_path):
    draw_pictures(tmp_path / "flat", "cat/1.png", "dog/1.jpg", "dog/2.jpg")
    assert find_format(tmp_path / "flat").name == "class_folders"
    data = read_labelled(tmp_path / "flat")
    assert (data.task, data.names) == ("classification", ("cat", "dog"))
    assert [example.label for example in data.examples] == [0, 1, 1]
    assert not data.splits
    root = tmp_path / "split"
    draw_pictures(root, "train/cat/1.png", "train/dog/1.jpg", "val/dog/1.jpg")
    draw_pictures(root, "extra/1.png")
    data = read_labelled(root)
    assert data.names == ("cat", "dog")
    assert list(data.splits.values()) == ["train", "train", "val"]
    assert data.left_out.counts == {"folders beside those of the splits": (1, "extra")}


def test_other_folders(tmp_path):
    draw_pictures(tmp_path / "only", "a.png")
    with pytest.raises(ValueError, match="holds 1 picture and no labels.*Known are"):
        read_labelled(tmp_path / "only")
    with pytest.raises(ValueError, match="holds no folder of images beside one"):
        read_labelled(tmp_path / "only", format="masks")
    with pytest.raises(ValueError, match="holds no folders of images"):
        read_labelled(tmp_path / "only", format="class_folders")


# The others find fault themselves, with what there is of them.
NAMED = [f.name for f in FORMATS if f.name not in ("masks", "class_folders")]


@pytest.mark.parametrize("name", NAMED)
def test_a_folder_without_anything_of_the_named_format(name, tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    for ask in (find_format, guess_task, read_labelled):
        with pytest.raises(ValueError, match=f"is not read as {name}: it"):
            ask(tmp_path, name)
