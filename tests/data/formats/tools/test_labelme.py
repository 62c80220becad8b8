import base64
import json

import numpy as np
import pytest
from drawn_people import HEIGHT, WIDTH, draw_pictures, write
from drawn_tools import (
    CORNERS,
    labelme,
    labelme_outlines,
    labelme_people,
    labelme_shape,
    png,
    square,
)
from PIL import Image

from hrnet_tf.data.formats.tools import find_format, read_labelled


def labels_of(data):
    return [np.asarray(Image.open(e.label_path)) for e in data.examples]


def point(label, x, y, **fields):
    return labelme_shape(label, [[x, y]], "point", **fields)


def test_groups_are_people(tmp_path):
    shapes = [
        point("tip", 10, 5, group_id=1),
        point("left", 30, 20, group_id=2),
        point("left", 12, 6, group_id=1),
        labelme_shape("line", [[1, 1], [2, 2]], "line"),
    ]
    data = read_labelled(labelme(tmp_path, shapes))
    assert data.names == ("tip", "left")
    assert [example.num_people for example in data.examples] == [2, 2]
    assert data.left_out.counts["shapes of the kind line"][0] == 2
    shapes[2]["group_id"] = 2
    with pytest.raises(ValueError, match="one person has 'left' twice"):
        read_labelled(labelme(tmp_path, shapes))


def test_shapes_become_label_maps(tmp_path):
    mask = base64.b64encode(png(square()[3:13, 2:12])).decode()
    ends = [CORNERS[0], CORNERS[2]]
    shapes = [
        labelme_shape("back", [[0, 0], [WIDTH, HEIGHT]], "rectangle"),
        labelme_shape("mask", ends, "mask", mask=mask),
        labelme_shape("disc", [[25, 15], [25, 19]], "circle"),
        labelme_shape("__ignore__", [[30, 20], [35, 25]], "rectangle"),
    ]
    path = labelme(tmp_path / "set", shapes)
    data = read_labelled(path, work=tmp_path / "work")
    assert data.names == ("background", "back", "disc", "mask")
    labels = labels_of(data)[0]
    np.testing.assert_array_equal(labels == 3, square())
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    disc = np.hypot(x - 25, y - 15) < 4
    assert ((labels == 2) != disc).sum() <= 8
    assert (labels[20:25, 30:35] == 255).all()


def test_flags_are_classes(tmp_path):
    data = read_labelled(labelme(tmp_path, [], flags={"cat": True, "dog": False}))
    assert (data.task, data.names) == ("classification", ("cat",))


def test_pictures_that_are_in_the_file(tmp_path):
    path = labelme_people(tmp_path / "set")
    picture = (path / "a.png").read_bytes()
    content = json.loads((path / "a.json").read_text())
    content["imageData"] = base64.b64encode(picture).decode()
    content["imagePath"] = "..\\elsewhere\\a.png"
    write(path / "a.json", content)
    data = read_labelled(path)
    assert data.examples[0].image_path.endswith("set/a.png")
    (path / "a.png").unlink()
    with pytest.raises(ValueError, match="a.json: There is no image"):
        read_labelled(path)
    data = read_labelled(path, work=tmp_path / "work")
    assert data.examples[0].image_path == str(tmp_path / "work" / "images" / "a.png")


def test_one_file_and_folders_of_splits(tmp_path):
    labelme_people(tmp_path / "train")
    labelme_people(tmp_path / "val")
    data = read_labelled(tmp_path)
    assert sorted(set(data.splits.values())) == ["train", "val"]
    assert len(data.examples) == 4
    one = tmp_path / "train" / "a.json"
    assert find_format(one).name == "labelme"
    assert len(read_labelled(one).examples) == 1


@pytest.mark.parametrize(
    "change, message",
    [
        ({"label": None}, r"a.json: shapes\[0\].label is None; expected a whole"),
        ({"points": [[1, "x"]]}, r"a.json: shapes\[0\].points\[0\]\[1\] is 'x'"),
        ({"points": [[1, 2, 3]]}, "the point 'tip' is at .* pairs of finite"),
        ({"points": [[float("nan"), 2]]}, "the point 'tip' is at .* pairs of finite"),
    ],
)
def test_wrong_shapes_are_named_or_skipped(tmp_path, change, message):
    path = labelme(tmp_path, [point("tip", 10, 5)])
    shapes = [{**point("tip", 10, 5), **change}]
    write(path / "a.json", {"shapes": shapes, "imagePath": "a.png"})
    with pytest.raises(ValueError, match=message):
        read_labelled(path)
    with pytest.warns(UserWarning, match="skipped 1 bad"):
        assert len(read_labelled(path, skip_bad=True).examples) == 1


def test_what_holds_nothing(tmp_path):
    with pytest.raises(ValueError, match="no points, outlines or flags in 2 files"):
        read_labelled(labelme(tmp_path, []))
    draw_pictures(tmp_path / "empty", "a.png")
    write(tmp_path / "empty" / "a.json", {"other": 1})
    with pytest.raises(ValueError, match="no file of labelme; left out: 1 json"):
        read_labelled(tmp_path / "empty", format="labelme")
    path = labelme_outlines(tmp_path / "set")
    (path / "a.json").write_text((path / "a.json").read_text()[:100])
    with pytest.raises(ValueError, match="a.json is not valid json"):
        read_labelled(path, work=tmp_path / "work")
