"""Descriptions and folders of data."""

import json

import pytest
from drawn_people import draw_pictures

from hrnet_tf.own.layout import find_layout, kind_of
from hrnet_tf.own.reading import read_data

COCO = '{"images": [], "annotations": [{"image_id": 1}], "categories": []}'


def make(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            path.mkdir()
        else:
            path.write_text(COCO if name.endswith(".json") else "{}")


def places(layout, folder):
    """Where labels and pictures lie, relative to the folder."""
    return {
        split: tuple(
            None if path is None else path.relative_to(folder).as_posix()
            for path in (part.labels, part.images)
        )
        for split, part in layout.parts.items()
    }


LAYOUTS = {
    "coco": (
        "pose",
        (
            "train2017/a.jpg",
            "val2017/b.jpg",
            "annotations/instances_train2017.json",
            "annotations/person_keypoints_train2017.json",
            "annotations/person_keypoints_val2017.json",
        ),
        {
            "train": ("annotations/person_keypoints_train2017.json", "train2017"),
            "val": ("annotations/person_keypoints_val2017.json", "val2017"),
        },
    ),
    "one folder": (
        "pose",
        ("images/a.jpg", "annotations/face_train.json", "annotations/face_val.json"),
        {
            "train": ("annotations/face_train.json", "images"),
            "val": ("annotations/face_val.json", "images"),
        },
    ),
    "roboflow": (
        "pose",
        ("train/_a.coco.json", "valid/_a.coco.json", "train/1.jpg"),
        {
            "train": ("train/_a.coco.json", "train"),
            "val": ("valid/_a.coco.json", "valid"),
        },
    ),
    "one file": (
        "pose",
        ("mice.json", "images/1.jpg"),
        {"train": ("mice.json", "images")},
    ),
    "camvid": (
        "segmentation",
        ("train/", "trainannot/", "val/", "valannot/", "test/"),
        {"train": ("trainannot", "train"), "val": ("valannot", "val")},
    ),
    "masks": (
        "segmentation",
        ("images/train/", "images/val/", "masks/train/", "masks/val/"),
        {
            "train": ("masks/train", "images/train"),
            "val": ("masks/val", "images/val"),
        },
    ),
    "masks inside": (
        "segmentation",
        ("train/images/", "train/masks/", "valid/images/", "valid/masks/"),
        {
            "train": ("train/masks", "train/images"),
            "val": ("valid/masks", "valid/images"),
        },
    ),
    "classes": (
        "classification",
        ("train/a/", "validation/a/"),
        {"train": ("train", "train"), "val": ("validation", "validation")},
    ),
    "undivided": ("classification", ("a/1.jpg", "b/2.jpg"), {"train": (".", ".")}),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_folders_are_understood(tmp_path, name):
    kind, files, expected = LAYOUTS[name]
    make(tmp_path, *files)
    assert places(find_layout(tmp_path, kind), tmp_path) == expected


def test_a_description_tells(tmp_path):
    make(tmp_path, "sets/a/train.json", "sets/a/val.json", "sets/a/pictures/1.jpg")
    text = """
        path: sets/a
        train: train.json
        val: {labels: val.json, images: pictures}
        task: pose
        names: [nose, left_ear, right_ear]
        flip_pairs: [[left_ear, right_ear]]
    """
    (tmp_path / "data.yaml").write_text(text)
    layout = find_layout(tmp_path, "pose")
    assert places(layout, tmp_path) == {
        "train": ("sets/a/train.json", None),
        "val": ("sets/a/val.json", "sets/a/pictures"),
    }
    assert layout.task == "pose"
    assert layout.fields == {
        "names": ("nose", "left_ear", "right_ear"),
        "flip_pairs": (("left_ear", "right_ear"),),
    }


def test_yolo_descriptions_go_to_their_reader(tmp_path):
    (tmp_path / "data.yaml").write_text("train: images\nkpt_shape: [3, 3]\n")
    (part,) = find_layout(tmp_path / "data.yaml", "pose").parts.values()
    assert part.format == "yolo" and part.labels == tmp_path / "data.yaml"


@pytest.mark.parametrize(
    "text, message",
    [
        ("val: v.json", "names no training data"),
        ("train: absent.json", "there is no .*absent.json"),
        ("train: t.json\npath: nowhere", "its path 'nowhere' is no folder"),
        ("train: t.json\nflip_pair: []", "unknown key 'flip_pair'. Did you mean 'fl"),
        ("train: {images: x}", "expected the path of the labels"),
        ("train: [", "no valid yaml"),
        ("- a", "should hold lines"),
    ],
)
def test_bad_descriptions_are_told(tmp_path, text, message):
    make(tmp_path, "t.json")
    (tmp_path / "d.yaml").write_text(text)
    with pytest.raises(ValueError, match=message):
        find_layout(tmp_path / "d.yaml", "pose")


def test_absent_data_are_told(tmp_path):
    with pytest.raises(ValueError, match="no file or folder.*check the path"):
        find_layout(tmp_path / "none", "pose")


CHOICE = {"type": "choices", "from_name": "kind", "value": {"choices": ["cat"]}}
LABEL_STUDIO = json.dumps(
    [{"data": {"image": "a.png"}, "annotations": [{"id": 1, "result": [CHOICE]}]}]
)
# What tools write beside folders of pictures, whether it can be read or not.
EXPORTS = {
    "darknet": ({"obj.data": "classes = 1", "obj.names": "a"}, "obj_train_data", "txt"),
    "datumaro": ({"annotations/a.json": '{"items": []}'}, "images", "a.json is of no"),
    "LabelMe": ({"Annotations/a.xml": "<annotation/>"}, "Images", "a.xml is of no"),
    "unknown": ({"labels.json": '{"a": 1}'}, "frames", "labels.json is of no"),
}


@pytest.mark.parametrize("task", (None, "classification"))
@pytest.mark.parametrize("name", EXPORTS)
def test_folders_of_an_export_are_no_classes(tmp_path, name, task):
    files, images, said = EXPORTS[name]
    for file, content in files.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(content)
    (tmp_path / images).mkdir()
    draw_pictures(tmp_path / images, "a.png", "b.png")
    (tmp_path / images / "a.txt").write_text("0 0.5 0.5 0.1 0.1")
    if task is None:
        with pytest.raises(ValueError, match=said):
            kind_of(tmp_path)
    elif images != "frames":
        with pytest.raises(ValueError, match="of no known layout"):
            read_data(tmp_path, task)


def test_a_file_beside_its_pictures_is_read(tmp_path):
    """A project of Label Studio, whose pictures are in no folder of a class."""
    (tmp_path / "project-1.json").write_text(LABEL_STUDIO)
    (tmp_path / "images").mkdir()
    draw_pictures(tmp_path / "images", "a.png", "b.png")
    assert kind_of(tmp_path) == (None, "classification")
    (example,) = read_data(tmp_path, "classification").train.examples
    assert example.image_path == str(tmp_path / "images" / "a.png")


def test_a_class_alone_is_one(tmp_path):
    (tmp_path / "cat").mkdir()
    draw_pictures(tmp_path / "cat", "a.png", "b.png")
    assert kind_of(tmp_path) == (None, "classification")
    # Such names are classes among others, where it is said that there are classes.
    (tmp_path / "images").mkdir()
    draw_pictures(tmp_path / "images", "a.png")
    assert read_data(tmp_path, "classification").train.names == ("cat", "images")


def test_masks_that_are_not_there_leave_the_boxes(tmp_path):
    """VOC's folders as datumaro writes them for boxes."""
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "JPEGImages").mkdir()
    (tmp_path / "SegmentationClass").mkdir()
    draw_pictures(tmp_path / "JPEGImages", "a.png")
    text = "<annotation><object><name>a</name></object></annotation>"
    (tmp_path / "Annotations" / "a.xml").write_text(text)
    assert kind_of(tmp_path) == (None, "detection")
