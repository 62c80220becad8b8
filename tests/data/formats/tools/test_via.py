import json

import numpy as np
import pytest
from drawn_people import HEIGHT, WIDTH, draw_pictures, write
from drawn_tools import via_csv, via_json, via_project, via_regions
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


class TestProjectsOfVersion3:
    def content(self, folder, kind="outlines"):
        path = via_project(folder, kind)
        return path, json.loads(path.read_text())

    def test_every_shape_is_what_it_was_drawn_as(self, tmp_path):
        path, content = self.content(tmp_path)
        shapes = {
            "rectangle": [2, 2, 3, 10, 10],
            "extreme rectangle": [8, 2, 5, 7, 3, 12, 8, 6, 13],
            "circle": [3, 10, 10, 5],
            "extreme circle": [9, 15, 10, 5, 10, 10, 15],
            "ellipse": [4, 10, 10, 5, 5],
        }
        masks = {}
        for name, xy in shapes.items():
            for entry in content["metadata"].values():
                entry["xy"] = xy
            path.write_text(json.dumps(content))
            data = read_labelled(path, task="segmentation", work=tmp_path / name)
            masks[name] = np.asarray(Image.open(data.examples[0].label_path))
        np.testing.assert_array_equal(masks["rectangle"], masks["extreme rectangle"])
        # One is solved for: rounding may move a corner.
        assert (masks["circle"] != masks["extreme circle"]).sum() <= 4
        np.testing.assert_array_equal(masks["circle"], masks["ellipse"])
        assert masks["rectangle"].sum() == 100

    def test_what_is_no_region_of_a_picture_is_counted(self, tmp_path):
        path, content = self.content(tmp_path)
        entries = content["metadata"]
        entries["whole"] = {"vid": "1", "z": [], "xy": [], "av": {"1": "0"}}
        content["file"]["9"] = {"fid": "9", "fname": "a.mp4", "type": 4}
        content["view"]["9"] = {"fid_list": ["9"]}
        entries["moment"] = {"vid": "9", "z": [1.5], "xy": [1, 2, 3], "av": {}}
        entries["line"] = {"vid": "1", "z": [], "xy": [5, 1, 2, 3, 4], "av": {}}
        path.write_text(json.dumps(content))
        found = read_labelled(path, work=tmp_path / "work").left_out.counts
        assert found["attributes of whole pictures"] == (1, "whole")
        assert found["labels of videos and sounds"] == (1, "moment")
        assert found["shapes of the kind polyline"][0] == 1

    @pytest.mark.parametrize(
        "change, message",
        [
            ({"xy": [7, 1]}, "lacks coordinates"),
            ({"xy": [12, 1, 2, 3, 4]}, "the shape 12"),
            ({"xy": [9, 1, 1, 2, 2, 3, 3]}, "in a line"),
            ({"xy": "x"}, "xy is 'x'"),
        ],
    )
    def test_says_what_is_wrong(self, tmp_path, change, message):
        path, content = self.content(tmp_path)
        content["metadata"]["1_0"].update(change)
        path.write_text(json.dumps(content))
        with pytest.raises(ValueError, match=message):
            read_labelled(path, work=tmp_path / "work")
        content["view"]["1"]["fid_list"] = ["1", "2"]
        path.write_text(json.dumps(content))
        with pytest.raises(ValueError, match="the view 1 shows the files"):
            read_labelled(path, work=tmp_path / "work")
