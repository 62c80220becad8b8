"""Boxes of the user's own: what is read, chosen, found wrong and tested."""

import functools
import json

import numpy as np
import own_box_tools
import own_objects
import pytest
from command_line import run
from own_objects import NAMES, coco, coco_content, draw_objects, voc, yolo

from hrnet_tf import tasks
from hrnet_tf.own.choices import Machine
from hrnet_tf.own.examine import examine
from hrnet_tf.own.layout import kind_of
from hrnet_tf.own.reading import read_data
from hrnet_tf.own.split import with_validation
from hrnet_tf.tasks.detection import own_data

TASK = tasks.task_named("detection")
LISTS = {"train": ["00", "01", "02"], "val": ["03"], "test": ["04"]}


def split_folders(folder):
    """As Roboflow writes VOC: xml files beside pictures, in folders of the parts.

    The first part does not show all the classes.
    """
    for number, part in enumerate(("train", "valid")):
        place = folder / part
        voc(place, annotations=".", images=".", count=4, seed=number)
        for path in place.glob("*.xml") if part == "train" else ():
            path.write_text(path.read_text().replace("apple", "pear"))
    return folder


def coco_folder(folder):
    for number, part in enumerate(("train2017", "val2017")):
        coco(
            *(folder, f"annotations/instances_{part}.json"),
            images=part,
            count=6 - 2 * number,
            seed=number,
        )
    return folder


def labelme_folders(folder):
    """Folders of the parts, the first of which does not show all the classes."""
    for number, part in enumerate(("train", "valid")):
        own_box_tools.labelme(folder / part, count=6 - 2 * number, seed=number)
    for path in (folder / "train").glob("*.json"):
        path.write_text(path.read_text().replace("apple", "pear"))
    return folder


LAYOUTS = {
    "coco file": (coco, {"train": 10, "val": 2}, "coco"),
    "coco folder": (coco_folder, {"train": 6, "val": 4}, "coco"),
    "voc lists": (
        lambda folder: voc(folder, LISTS, count=6),
        {"train": 3, "val": 1, "test": 1},
        "voc",
    ),
    "voc folders": (split_folders, {"train": 4, "val": 4}, "voc"),
    "voc in small letters": (
        lambda folder: voc(folder, annotations="annotations", images="images"),
        {"train": 10, "val": 2},
        "voc",
    ),
    "yolo": (lambda folder: yolo(folder, count=5), {"train": 5, "val": 5}, "yolo"),
    "cvat": (own_box_tools.cvat, {"train": 10, "val": 2}, "cvat"),
    "label studio": (
        own_box_tools.label_studio,
        {"train": 10, "val": 2},
        "label_studio",
    ),
    "labelme": (own_box_tools.labelme, {"train": 10, "val": 2}, "labelme"),
    "labelme folders": (labelme_folders, {"train": 6, "val": 4}, "labelme"),
    "via": (own_box_tools.via, {"train": 10, "val": 2}, "via"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_read_alike(tmp_path, layout):
    draw, counts, format = LAYOUTS[layout]
    path = draw(tmp_path / "data")
    assert kind_of(path) == (None, "detection")
    data, _ = with_validation(read_data(path, "detection"))
    assert {k: len(part.examples) for k, part in data.splits.items()} == counts
    assert all(part.format == format for part in data.splits.values())
    assert tuple(data.train.names) == NAMES
    for part in data.splits.values():
        assert len({example.image_id for example in part.examples}) == len(
            part.examples
        )


def test_boxes_are_the_same_in_every_format(tmp_path):
    drawn = draw_objects(tmp_path / "drawn", count=6)
    wanted = [box for objects in drawn.values() for _, box in objects]
    labels = [label for objects in drawn.values() for label, _ in objects]
    for draw in (coco, voc, functools.partial(yolo, parts=("train",))):
        path = draw(tmp_path / f"data{len(list(tmp_path.iterdir()))}", count=6)
        data = read_data(path, "detection")
        boxes = np.concatenate([e.boxes for e in data.train.examples])
        np.testing.assert_allclose(boxes, wanted, atol=1e-3)
        classes = np.concatenate([e.classes for e in data.train.examples])
        assert classes.tolist() == labels


def test_files_that_tell_classes_by_their_use_are_put_together(tmp_path):
    """Each file of a description shows a class that the other does not."""
    for part, label in (("train", "pear"), ("val", "apple")):
        box = own_box_tools.rectangle(label, [20, 30, 50, 60])
        own_box_tools.label_studio(tmp_path / part, [box], count=2, seed=len(part))
    path = tmp_path / "fruit.json"
    path.write_text('{"train": "train/export.json", "val": "val/export.json"}')
    data = read_data(path, "detection")
    assert data.train.names == data.val.names == ("pear", "apple")
    assert [e.classes.tolist() for e in data.train.examples] == [[0], [0]]
    assert [e.classes.tolist() for e in data.val.examples] == [[1], [1]]
    found = examine(TASK, {"data": str(path)}, decode=False)
    texts = [f.text for f in found.findings if f.level == "warning"]
    assert "apple: on no picture of the training data." in texts


def test_what_no_list_names_is_counted(tmp_path):
    data = read_data(voc(tmp_path, LISTS, count=6), "detection")
    (told,) = data.left_out.counts.items()
    assert told[0] == "pictures that no list of ImageSets/Main names"
    assert told[1][0] == 1 and told[1][1].endswith("05.png")


def test_formats_go_by_the_task(tmp_path):
    """A folder of VOC with masks too is of boxes where those are asked for."""
    voc(tmp_path, count=4)
    (tmp_path / "SegmentationClass").mkdir()
    for path in (tmp_path / "JPEGImages").iterdir():
        from PIL import Image

        mask = Image.new("L", own_objects.SIZE)
        mask.putpixel((3, 3), 1)
        mask.save(tmp_path / "SegmentationClass" / path.name)
    assert kind_of(tmp_path)[1] == "segmentation"
    assert read_data(tmp_path, "detection").train.format == "voc"


def chosen(path, machine=None, **given):
    """What is chosen, by its name."""
    data, _ = with_validation(read_data(path, "detection"))
    own = TASK.parts.own_data
    choices = own.choose(data, machine or Machine(8e9), given)
    return {choice.name: choice for choice in choices}


def test_each_setting_has_a_reason_and_an_option(tmp_path):
    found = chosen(coco(tmp_path, empty=2))
    assert all(choice.reason and choice.option for choice in found.values())
    values = {name: choice.value for name, choice in found.items()}
    assert values["objects"]["classes"] == list(NAMES)
    assert values["detector"] == "fcos" and values["num_channels"] == 64
    assert values["image_size"] == (64, 96) and values["batch_size"] == 2
    assert values["keep_empty"] is True and values["max_boxes"] == 100
    assert "2 pictures without an object are learned" in found["keep_empty"].reason
    assert values["flips"] is True and values["metric"] == "AP"


def test_the_user_wins_and_unknown_words_are_told(tmp_path):
    path = coco(tmp_path)
    found = chosen(path, detector="faster_rcnn", image_size=(64, 96))
    assert found["detector"].value == "faster_rcnn"
    assert found["image_size"].value == (64, 96)
    with pytest.raises(ValueError, match="no detector 'yolo'. Pass one of fcos, fas"):
        chosen(path, detector="yolo")
    with pytest.raises(ValueError, match="divisible by 32.*num_channels=8"):
        chosen(path, num_channels=8)
    with pytest.raises(ValueError, match="no setting 'anchors'"):
        chosen(path, anchors=3)


def test_the_data_and_the_machine_decide(tmp_path, monkeypatch):
    path = coco(tmp_path)
    gpu = Machine(8e9, num_gpus=1)
    assert chosen(path, gpu)["detector"].value == "fcos"
    monkeypatch.setattr(own_data, "_MANY", 5)
    found = chosen(path, gpu)
    assert found["detector"].value == "faster_rcnn"
    assert found["num_channels"].value == 256
    # Of large pictures small objects are seen at a larger size.
    monkeypatch.setattr(own_data, "_LARGEST", {True: 64, False: 64})
    monkeypatch.setattr(own_data, "_WANTED_SIDE", 1.0)
    assert chosen(path)["image_size"].value == (64, 64)
    monkeypatch.setattr(own_data, "_WANTED_SIDE", 100.0)
    found = chosen(path)["image_size"]
    assert found.value == (64, 96)
    assert "larger because objects are small" in found.reason


def test_other_classes_are_left_out(tmp_path):
    path = coco(tmp_path)
    pears = {"name": "pears", "classes": ["pear", "plum"]}
    found = chosen(path, objects=pears)
    assert "left out: apple" in found["objects"].reason
    own = TASK.parts.own_data
    data, _ = with_validation(read_data(path, "detection"))
    fit = own.fit(data, {"objects": pears})
    assert {int(c) for e in fit.train.examples for c in e.classes} == {0}
    count = sum((e.classes == 1).sum() for e in data.train.examples)
    assert sum(e.num_objects for e in fit.train.examples) == count > 0
    with pytest.raises(ValueError, match="has the classes apple, pear, of which the"):
        chosen(path, objects={"name": "x", "classes": ["plum"]})


def findings(folder, change, **draw):
    """What is found in a COCO file whose content was changed."""
    path = coco(folder, **draw)
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    found = examine(TASK, {"data": str(path)}, decode=False)
    return {f.level: f"{f.text} {f.advice}" for f in found.findings}, found


def twice(content):
    content["annotations"].append({**content["annotations"][0], "id": 7777})


def another(content):
    content["annotations"].append(
        {**content["annotations"][0], "id": 7777, "category_id": 1}
    )


def outside(content):
    content["annotations"][0]["bbox"] = [500, 10, 20, 20]


def negative(content):
    content["annotations"][0]["bbox"] = [50, 40, -20, 20]


def flat(content):
    content["annotations"][0]["bbox"] = [50, 40, 20, 0]


@pytest.mark.parametrize(
    "change, level, text",
    [
        (
            twice,
            "warning",
            "1 box lies on another one of the same class, such as apple",
        ),
        (another, "warning", "on another one of another class, such as apple and pear"),
        (outside, "error", "box outside its image: [500.0, 10.0, 20.0, 20.0]"),
        (negative, "error", "box without area: [50.0, 40.0, -20.0, 20.0]"),
        (flat, "error", "of image 0 (00.png), which has 96x80 pixels"),
    ],
)
def test_wrong_boxes_are_found(tmp_path, change, level, text):
    found, _ = findings(tmp_path, change)
    assert text in found[level]


def test_few_small_and_absent_objects_are_told(tmp_path):
    found, _ = findings(tmp_path, lambda content: None, count=6, empty=1)
    assert (
        "only" in found["warning"]
        and "labelled objects to train on" in found["warning"]
    )

    def shrink(content):
        for annotation in content["annotations"]:
            annotation["bbox"][2:] = [4, 4]

    found, examined = findings(tmp_path / "small", shrink, empty=3)
    assert "100% of the objects have a side of less than 8 px" in found["warning"]
    texts = " ".join(f.text for f in examined.findings)
    assert "have no object, such as" in texts or "has no object, such as" in texts
    assert list(examined.facts) == [
        *("Classes", "Boxes", "Objects in a picture", "Pictures")
    ]


def test_corners_are_told_as_such(tmp_path):
    def corners(content):
        for annotation in content["annotations"]:
            x, y, w, h = annotation["bbox"]
            annotation["bbox"] = [x, y, x + w, y + h]

    with pytest.raises(ValueError, match="seem to be left, top, right and bottom"):
        findings(tmp_path, corners)
    folder = voc(tmp_path / "voc", count=3)
    path = folder / "Annotations" / "00.xml"
    text = path.read_text()
    start = text.index("<xmin>")
    end = text.index("</bndbox>")
    sides = "<xmin>40</xmin><ymin>30</ymin><xmax>20</xmax><ymax>25</ymax>"
    path.write_text(text[:start] + sides + text[end:])
    with pytest.raises(ValueError, match="As left, top, width and height it lies ins"):
        read_data(folder, "detection")


def test_corners_of_yolo_are_told_as_such(tmp_path):
    folder = yolo(tmp_path, count=4)
    for path in (folder / "labels").rglob("*.txt"):
        lines = []
        for line in path.read_text().splitlines():
            label, x, y, w, h = map(float, line.split())
            corners = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
            lines.append(" ".join(map(str, (int(label), *corners))))
        path.write_text("\n".join(lines))
    with pytest.raises(ValueError, match="Write the shares of centre x, centre y, wid"):
        read_data(folder, "detection")


def test_the_check_draws_boxes(tmp_path):
    path = coco(tmp_path / "data")
    said = run("data", "check", path, "--out", tmp_path / "report").out
    assert "Objects in a picture" in said and "apple" in said
    assert (tmp_path / "report" / "sheet.jpg").is_file()
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    rows = report["facts"]["Classes"]["rows"]
    assert [row[0] for row in rows] == list(NAMES)
    own = TASK.parts.own_data
    data, _ = with_validation(read_data(path, "detection"))
    example = data.train.examples[0]
    drawn = own.draw(example, {"objects": {"name": "f", "classes": list(NAMES)}})
    left, top = example.boxes[0, :2].astype(int)
    from hrnet_tf.io import decode_image

    with open(example.image_path, "rb") as file:
        before = np.asarray(decode_image(file.read()))
    assert (drawn[top : top + 3, left] != before[top : top + 3, left]).any()


@pytest.mark.parametrize(
    "content, message",
    [
        ({"annotations": []}, "its annotations have no 'image_id'"),
        (
            {"annotations": [{"image_id": 0, "bbox": [1, 2, 9, 9]}], "categories": []},
            "does not tell what its objects are",
        ),
        ({"categories": [{"id": 5, "name": "plum"}]}, "no category 0 among"),
    ],
)
def test_files_of_no_use_say_why(tmp_path, content, message):
    drawn = draw_objects(tmp_path / "images", count=2)
    path = tmp_path / "fruit.json"
    path.write_text(json.dumps({**coco_content(drawn), **content}))
    with pytest.raises(ValueError, match=message):
        read_data(path, "detection")


def test_numbers_are_names_where_there_are_none(tmp_path):
    drawn = draw_objects(tmp_path / "images", count=3)
    path = tmp_path / "fruit.json"
    path.write_text(json.dumps({**coco_content(drawn), "categories": []}))
    assert read_data(path, "detection").train.names == ("class_0", "class_1")


def test_a_description_tells_parts_and_classes(tmp_path):
    coco(tmp_path, "train.json", count=4)
    page = tmp_path / "fruit.yaml"
    page.write_text(
        "task: detection\ntrain: train.json\nimages: images\nclasses: [pear]\n"
    )
    assert kind_of(page)[0] == "detection"
    assert chosen(page)["objects"].value["classes"] == ["pear"]
