import json

import numpy as np
import pytest
from drawn_people import HEIGHT, WIDTH, draw_pictures, write
from drawn_tools import via_csv, via_json, via_regions
from PIL import Image

from hrnet_tf.data.formats.tools import read_labelled


def regions(tmp_path, *pairs):
    """A VIA json of regions, written as version 1 does."""
    draw_pictures(tmp_path, "a.png")
    entries = {
        str(number): {"shape_attributes": shape, "region_attributes": attributes}
        for number, (shape, attributes) in enumerate(pairs)
    }
    content = {"a.png12": {"filename": "a.png", "size": 12, "regions": entries}}
    return write(tmp_path / "via.json", content)


def point(x, y):
    return {"name": "point", "cx": x, "cy": y}


def test_people_are_told_by_an_attribute(tmp_path):
    path = regions(
        tmp_path,
        (point(1, 2), {"keypoint": "tip", "person": "1"}),
        (point(30, 20), {"keypoint": "tip", "person": "2"}),
        (point(31, 21), {"keypoint": "left", "person": "2"}),
        (point(5, 5), {"keypoint": ""}),
    )
    data = read_labelled(path)
    (example,) = data.examples
    assert example.keypoints[:, :, 2].tolist() == [[2, 0], [2, 2]]
    assert data.left_out.counts["points without a name"] == (1, "a.png")


def test_all_shapes(tmp_path):
    shapes = {
        "back": {"name": "rect", "x": 0, "y": 0, "width": WIDTH, "height": HEIGHT},
        "disc": {"name": "circle", "cx": 10, "cy": 15, "r": 4},
        "egg": {
            "name": "ellipse",
            "cx": 28,
            "cy": 15,
            "rx": 8,
            "ry": 3,
            "theta": 1.5708,
        },
        "line": {"name": "polyline", "all_points_x": [1, 2], "all_points_y": [1, 2]},
    }
    pairs = [(shape, {"class": name}) for name, shape in shapes.items()]
    data = read_labelled(regions(tmp_path, *pairs), work=tmp_path / "work")
    assert data.names == ("background", "back", "disc", "egg")
    labels = np.asarray(Image.open(data.examples[0].label_path))
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    for number, inside in {
        2: np.hypot(x - 10, y - 15) < 4,
        3: np.hypot((x - 28) / 3, (y - 15) / 8) < 1,
    }.items():
        assert ((labels == number) != inside).sum() <= 12
    assert data.left_out.counts["shapes of the kind polyline"][0] == 1


def test_outlines_without_attributes_are_one_class(tmp_path):
    shape = via_regions("outlines")[0]["shape_attributes"]
    data = read_labelled(regions(tmp_path, (shape, {})), work=tmp_path / "work")
    assert data.names == ("background", "object")
    assert any("no attributes" in note for note in data.notes)


@pytest.mark.parametrize(
    "pairs, message",
    [
        ([(point(1, 2), {})], "does not name its points"),
        ([(point(1, 2), {"a": "x", "b": "y"})], "attributes 'a', 'b'; which one"),
        ([(point(1, None), {"name": "x"})], "region 0 .* is at"),
        ([(point(1, 2), {"name": "x"})] * 2, "it is not clear whose 'x'"),
        (
            [({"name": "point", "cx": "left"}, {})],
            "shape_attributes.cx is text; expected a",
        ),
    ],
)
def test_wrong_regions_are_named(tmp_path, pairs, message):
    with pytest.raises(ValueError, match=message):
        read_labelled(regions(tmp_path, *pairs))


def test_one_name_of_two_pictures(tmp_path):
    path = via_json(tmp_path, "points")
    content = json.loads(path.read_text())
    pictures = content["_via_img_metadata"]
    pictures["b.jpg1234"]["filename"] = "a.png"
    with pytest.raises(ValueError, match="2 of its pictures are called 'a.png'"):
        read_labelled(write(path, content))


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda text: text.replace("region_attributes", "x", 1), "no column"),
        (lambda text: text.replace('"{""name""', '"{name', 1), "line 2: region_shape"),
        (lambda text: text.replace("a.png,", "a.png,,", 1), "line 2 has 8 columns"),
    ],
)
def test_wrong_tables_are_named(tmp_path, change, message):
    path = via_csv(tmp_path, "points")
    path.write_text(change(path.read_text()))
    with pytest.raises(ValueError, match=message):
        read_labelled(path, format="via")
