"""What is left out is counted in the part that it is of, whichever tool wrote it."""

import json
import shutil

import pytest
from drawn_people import HEIGHT, WIDTH, draw_pictures
from drawn_tools import labelme, labelme_shape, supervisely_people, yolo
from own_people import draw_people
from PIL import Image

from hrnet_tf.cli.train_own import facts
from hrnet_tf.data.formats.tools import read_labelled
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.own.reading import UserData, by_names, read_data
from hrnet_tf.own.split import with_validation

POINT = labelme_shape("tip", [[10.5, 5.5]], "point")
LINE = labelme_shape("wire", [[1, 1], [5, 5]], "line")


def lines(folder):
    """labelme's files of two pictures a part; those of val have a line each."""
    labelme(folder / "train", [POINT])
    labelme(folder / "val", [POINT, LINE])
    return folder


def coco(folder, split, unlabelled):
    content = draw_people(folder / split, 2)
    for annotation in content["annotations"][:unlabelled]:
        annotation["keypoints"] = [0] * 9
    for image in content["images"]:
        shutil.move(folder / split / "images" / image["file_name"], folder / split)
    (folder / split / "_annotations.coco.json").write_text(json.dumps(content))


def roboflow(folder):
    coco(folder, "train", 0)
    coco(folder, "valid", 1)
    return folder


def supervisely(folder):
    supervisely_people(folder)
    path = next((folder / "val" / "ann").iterdir())
    content = json.loads(path.read_text())
    content["objects"].append({"classTitle": "bird", "geometryType": "cuboid"})
    path.write_text(json.dumps(content))
    return folder


def yolo_boxes(folder):
    shares = [0.1, 0.1, 0.3, 0.1, 0.3, 0.3]
    path = yolo(folder, [[0, *shares]])
    with next((folder / "labels" / "val").iterdir()).open("a") as file:
        file.write("0 0.5 0.5 0.2 0.2\n")
    return path


def masks(folder):
    for split in ("train", "val"):
        draw_pictures(folder / "images" / split, "a.png", "b.png", "c.png")
        for name in ("a.png", "b.png", "c.png")[: 3 if split == "train" else 2]:
            (folder / "masks" / split).mkdir(exist_ok=True, parents=True)
            Image.new("L", (WIDTH, HEIGHT), 1).save(folder / "masks" / split / name)
    return folder


@pytest.mark.parametrize(
    "kind, draw, reason",
    [
        ("pose", lines, "shapes of the kind line"),
        ("pose", roboflow, "people without a labelled keypoint"),
        ("pose", supervisely, "objects of the kind cuboid"),
        ("segmentation", yolo_boxes, "objects without an outline"),
        ("segmentation", masks, "pictures without a mask"),
    ],
    ids=["labelme", "coco", "supervisely", "yolo", "masks"],
)
def test_of_the_part_it_is_in(tmp_path, kind, draw, reason):
    data = read_labelled(draw(tmp_path / "data"), task=kind, work=tmp_path / "work")
    parts = by_names(data, data.splits)
    found = UserData(tmp_path, kind, parts, left_out=data.left_out.of(None))
    assert not found.train.left_out and not found.left_out
    (known,) = [k for k in found.val.left_out.counts if k.startswith(reason)]
    assert found.val.left_out.counts[known][0] == (2 if draw is lines else 1)
    (line,) = [line for line in facts(found) if line.startswith("left out")]
    assert line.startswith("left out of val: ")


def test_what_was_left_out_before_a_division_is_of_no_part(tmp_path):
    content = draw_people(tmp_path, 6)
    content["annotations"][5]["keypoints"] = [0] * 9
    (tmp_path / "mice.json").write_text(json.dumps(content))
    data, _ = with_validation(read_data(tmp_path / "mice.json", "pose"))
    assert not data.train.left_out and not data.val.left_out
    (line,) = [line for line in facts(data) if line.startswith("left out")]
    assert line.startswith("left out of the data: 1 person without a labelled keypoint")


def test_counts_of_parts():
    found = LeftOut()
    found.add("crowds", "a", split="val")
    found.add("crowds", "b", 2)
    other = LeftOut()
    other.update(found, "train")
    assert other.of("val").counts == {"crowds": (1, "a")}
    assert other.of("train").counts == {"crowds": (2, "b")}
    assert other.counts["crowds"][0] == 3 and not other.of(None)
