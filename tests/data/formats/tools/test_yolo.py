import json

import numpy as np
import pytest
from drawn_people import HEIGHT, NAMES, WIDTH, draw_pictures
from drawn_tools import LEFT, PICTURES, TIP, yolo, yolo_outlines, yolo_people

from hrnet_tf.data.formats.tools import find_format, read_labelled
from hrnet_tf.data.keypoint_sets import COCO


def change(folder, **fields):
    """Changes fields of the data.yaml; None removes one."""
    path = folder / "data.yaml"
    content = {**json.loads(path.read_text()), **fields}
    content = {key: value for key, value in content.items() if value is not None}
    path.write_text(json.dumps(content))
    return path


def test_pairs_and_splits(tmp_path):
    yolo_people(tmp_path)
    for path in (tmp_path, tmp_path / "data.yaml"):
        assert find_format(path).name == "yolo"
        data = read_labelled(path)
        assert data.flip_pairs == (("left", "right"),)
        assert list(data.splits.values()) == ["train", "val"]


@pytest.mark.parametrize("kind", ["roboflow", "lists", "several", "elsewhere", "names"])
def test_where_pictures_may_be(tmp_path, kind):
    path = yolo_people(tmp_path)
    images = tmp_path / "images"
    if kind == "roboflow":
        for split, other in (("train", "train"), ("val", "valid")):
            (tmp_path / other).mkdir()
            (images / split).rename(tmp_path / other / "images")
            (tmp_path / "labels" / split).rename(tmp_path / other / "labels")
        fields = {"train": "../train/images", "val": "../valid/images"}
        change(tmp_path, path=None, **fields, test="../test/images")
    elif kind == "lists":
        (tmp_path / "train.txt").write_text("./images/train/a.png\n")
        (tmp_path / "val.txt").write_text("data/images/val/b.jpg\n")
        change(tmp_path, path=".", train="train.txt", val="val.txt")
    elif kind == "several":
        change(tmp_path, train=["images/train", "images/val"], val="")
    elif kind == "names":
        change(tmp_path, train=None, val=None, path=None)
    else:
        (tmp_path / "sets").mkdir()
        path = path.rename(tmp_path / "sets" / "data.yaml")
    options = {"images": tmp_path} if kind == "elsewhere" else {}
    data = read_labelled(path, **options)
    assert [e.image_path.split("/")[-1] for e in data.examples] == list(PICTURES)
    known = {"several": ["train", "train"], "names": []}.get(kind, ["train", "val"])
    assert list(data.splits.values()) == known


def test_points_without_visibility(tmp_path):
    row = [0, 0.5, 0.5, 0.4, 0.4, TIP[0] / WIDTH, TIP[1] / HEIGHT]
    row += [LEFT[0] / WIDTH, LEFT[1] / HEIGHT, 0, 0]
    data = read_labelled(yolo(tmp_path, [row], kpt_shape=[3, 2]))
    assert data.names == ("keypoint_1", "keypoint_2", "keypoint_3")
    points = data.examples[0].keypoints[0]
    np.testing.assert_allclose(points[:2], [[*TIP, 2], [*LEFT, 2]], atol=1e-4)
    assert not points[2].any()
    assert any("those at 0, 0" in note for note in data.notes)
    assert data.flip_pairs is None


def test_coco_is_known_by_its_pairs(tmp_path):
    row = [0, 0.5, 0.5, 0.4, 0.4, *[0.5, 0.5, 2] * 17]
    flips = list(COCO.flip_indices)
    data = read_labelled(yolo(tmp_path, [row], kpt_shape=[17, 3], flip_idx=flips))
    assert data.names == COCO.names and data.skeleton == COCO.skeleton
    assert data.flip_pairs == COCO.flip_pairs


def test_names_and_pairs_of_sleap_io(tmp_path):
    yolo_people(tmp_path)
    names = ["tip", "left_ear", "right_ear"]
    told = {"kpt_names": None, "node_names": names}
    # Its flip_idx of each skeleton, which tells nothing.
    data = read_labelled(change(tmp_path, **told, flip_idx=[0, 1, 2]))
    assert data.names == tuple(names) and data.flip_pairs is None
    data = read_labelled(change(tmp_path, **told, flip_idx=[0, 2, 1]))
    assert data.flip_pairs == (("left_ear", "right_ear"),)
    with pytest.raises(ValueError, match="node_names has 1 different names, but .* 3"):
        read_labelled(change(tmp_path, kpt_names=None, node_names=["tip"]))


def test_names_of_a_list(tmp_path):
    yolo_outlines(tmp_path)
    (tmp_path / "data.yaml").unlink()
    (tmp_path / "classes.txt").write_text("bird\n")
    assert find_format(tmp_path).name == "yolo"
    data = read_labelled(tmp_path, work=tmp_path / "work")
    assert data.names == ("background", "bird") and not data.splits


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"kpt_shape": [4, 3], "kpt_names": None}, "has 14 numbers; .* are 17"),
        ({"kpt_shape": [3]}, r"kpt_shape is \[3\]; expected the number"),
        ({"kpt_shape": "3, 3"}, "kpt_shape is '3, 3'; expected a list"),
        ({"kpt_names": ["a"]}, "kpt_names has 1 different names, but .* 3"),
        ({"flip_idx": [0, 2, 2]}, r"flip_idx is \[0, 2, 2\]"),
        ({"flip_idx": [1, 2, 0]}, r"flip_idx is \[1, 2, 0\]"),
        ({"names": {1: "bird"}}, "with the numbers 0, 1, 2"),
        ({"names": []}, "the class 0 is none of the 0 names"),
        ({"train": "images/absent"}, "train is 'images/absent', which is neither"),
    ],
)
def test_wrong_data_files(tmp_path, fields, message):
    yolo_people(tmp_path)
    with pytest.raises(ValueError, match=message):
        read_labelled(change(tmp_path, **fields))


@pytest.mark.parametrize(
    "line, message",
    [
        ("0 0.5 0.5 1.2", "line 1 has 4 numbers"),
        ("bird 0.5", "line 1: expected numbers. Received: 'bird 0.5'"),
        ("3 " + "0.5 " * 13, "the class 3 is none of the 1 names"),
        ("0 " + "12 " * 13, "holds 12; expected shares"),
        ("0 " + "0.5 " * 12 + "0.7", "visibility 0.5"),
    ],
)
def test_wrong_lines(tmp_path, line, message):
    path = yolo_people(tmp_path)
    (tmp_path / "labels" / "train" / "a.txt").write_text(line)
    with pytest.raises(ValueError, match=message):
        read_labelled(path)
    with pytest.warns(UserWarning, match="skipped 1 bad"):
        assert len(read_labelled(path, skip_bad=True).examples) == 1


def test_boxes_alone(tmp_path):
    path = yolo(tmp_path, [[0, 0.5, 0.5, 0.2, 0.2]])
    with pytest.raises(ValueError, match="outlines no object in 2 pictures.*boxes"):
        read_labelled(path, work=tmp_path / "work", task="segmentation")
    assert read_labelled(path).task == "detection"
    draw_pictures(tmp_path / "images" / "train", "c.png")
    yolo_people(tmp_path / "people")
    draw_pictures(tmp_path / "people" / "images" / "train", "c.png")
    data = read_labelled(tmp_path / "people")
    assert data.left_out.describe().startswith("1 picture without labels")
    assert data.names == NAMES
