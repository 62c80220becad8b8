"""Boxes of annotation tools: what is taken, left out and refused."""

import base64

import numpy as np
import own_box_tools as tools
import pytest
from drawn_tools import png
from own_objects import NAMES, SIZE, draw_objects

from hrnet_tf.data.formats.tools import find_format, guess_task, read_labelled

# Left, top, right and bottom of one object.
BOX = [20, 30, 50, 60]
RING = [[20, 40], [30, 30], [50, 45], [40, 60]]


def boxes_of(path, **options):
    """The data of two pictures, and the boxes of the first."""
    data = read_labelled(path, task="detection", **options)
    assert len(data.examples) == 2
    return data, data.examples[0].boxes


@pytest.mark.parametrize("tool", tools.BOXES)
def test_each_box_is_where_it_was_drawn(tmp_path, tool):
    draw, empty = tools.BOXES[tool], int("video" not in tool)
    drawn = draw_objects(tmp_path / "drawn", count=4, empty=empty)
    path = draw(tmp_path / "export", count=4, empty=empty)
    assert find_format(path, task="detection").name == tool.split()[0]
    assert guess_task(path) == "detection"
    data = read_labelled(path)
    assert (data.task, data.names) == ("detection", NAMES)
    assert len(data.examples) == 4 and not data.left_out
    for example, objects in zip(data.examples, drawn.values(), strict=True):
        assert example.classes.tolist() == [label for label, _ in objects]
        wanted = np.reshape([box for _, box in objects], (-1, 4))
        np.testing.assert_allclose(example.boxes, wanted, atol=1e-4)
    if "video" in tool:
        assert set(data.groups.values()) == {"fruit.mp4"}
        assert "frames that show an object" in data.notes[0]


def test_outlines_of_cvat(tmp_path):
    points = ";".join(f"{x},{y}" for x, y in RING)
    shapes = (
        f'<polygon label="apple" points="{points}"></polygon>'
        '<box label="pear" xtl="30" ytl="40" xbr="50" ybr="50" rotation="90"></box>'
        '<ellipse label="pear" cx="40" cy="45" rx="10" ry="5" rotation="90"></ellipse>'
        '<mask label="apple" left="3" top="4" width="5" height="6" rle="0,30"></mask>'
        '<points label="apple" points="1,2"></points><tag label="ripe"></tag>'
        '<polyline label="apple" points="1,2;3,4"></polyline>'
    )
    data, boxes = boxes_of(tools.cvat(tmp_path, shapes, count=2))
    wanted = [BOX, [35, 35, 45, 55], [35, 35, 45, 55], [3, 4, 8, 10]]
    np.testing.assert_allclose(boxes, wanted, atol=0.1)
    assert data.notes == (
        "Of 6 outlines of 8 objects the boxes around them were taken.",
    )
    counts = {reason: count for reason, (count, _) in data.left_out.counts.items()}
    assert counts == {"skeletons, points and tags": 4, "shapes of the kind polyline": 2}


def test_turned_boxes_of_cvat_are_turned_clockwise(tmp_path):
    """A long box that is turned by 30 degrees falls to the right."""
    shapes = (
        '<box label="pear" xtl="20" ytl="38" xbr="60" ybr="42" rotation="30"></box>'
    )
    _, boxes = boxes_of(tools.cvat(tmp_path, shapes, count=2))
    across, down = (40 * np.cos(np.pi / 6) + 2, 20 + 4 * np.cos(np.pi / 6))
    wanted = [40 - across / 2, 40 - down / 2, 40 + across / 2, 40 + down / 2]
    np.testing.assert_allclose(boxes, [wanted], atol=1e-3)


def test_outlines_of_label_studio(tmp_path):
    percent = 100 / np.array(SIZE)
    ring = (RING * percent).tolist()
    ellipse = {"x": 40 * percent[0], "y": 45 * percent[1]}
    ellipse |= {"radiusX": 10 * percent[0], "radiusY": 5 * percent[1], "rotation": 90}
    regions = [
        tools.region("polygon", "apple", {"points": ring}),
        tools.region("ellipse", "pear", ellipse),
        tools.region("keypoint", "stalk", {"x": 5, "y": 5, "width": 0.2}),
    ]
    data, boxes = boxes_of(tools.label_studio(tmp_path, regions, count=2))
    np.testing.assert_allclose(boxes, [BOX, [35, 35, 45, 55]], atol=0.1)
    assert data.left_out.counts["keypoints"][0] == 2
    data = read_labelled(tmp_path / "export.json", task="segmentation", work=tmp_path)
    assert data.names == ("background", "apple", "pear")


def test_outlines_of_labelme(tmp_path):
    mask = base64.b64encode(png(np.eye(6, 5, dtype=bool))).decode()
    shapes = [
        tools.shape("apple", RING, "polygon"),
        tools.shape("pear", [[40, 45], [45, 45]], "circle"),
        tools.shape("pear", [[3, 4], [7, 9]], "mask", mask=mask),
        # Two parts of one object, which something hides in the middle.
        tools.shape("apple", [[20, 30], [25, 35]], group_id=1),
        tools.shape("apple", [[45, 55], [50, 60]], group_id=1),
        tools.shape("__ignore__", [[45, 55], [50, 60]]),
        tools.shape("stalk", [[1, 1]], "point"),
    ]
    data, boxes = boxes_of(tools.labelme(tmp_path, shapes, count=2))
    wanted = [BOX, [35, 40, 45, 50], [3, 4, 8, 9], BOX]
    np.testing.assert_allclose(boxes, wanted, atol=0.1)
    assert {k: n for k, (n, _) in data.left_out.counts.items()} == {
        "shapes that are called __ignore__": 2,
        "shapes of the kind point": 2,
    }


def test_outlines_of_via(tmp_path):
    xs, ys = map(list, zip(*RING, strict=True))
    regions = [
        tools.via_region("polygon", "apple", all_points_x=xs, all_points_y=ys),
        tools.via_region("ellipse", "pear", cx=40, cy=45, rx=10, ry=5, theta=np.pi / 2),
        tools.via_region("circle", "pear", cx=40, cy=45, r=5),
        tools.via_region("rect", x=1, y=2, width=3, height=4),
        tools.via_region("point", "apple", cx=40, cy=45),
    ]
    data, boxes = boxes_of(tools.via(tmp_path, regions, count=2))
    wanted = [BOX, [35, 35, 45, 55], [35, 40, 45, 50]]
    np.testing.assert_allclose(boxes, wanted, atol=0.1)
    assert {k: n for k, (n, _) in data.left_out.counts.items()} == {
        "outlines without a class": 2,
        "shapes of the kind point": 2,
    }


def test_regions_without_attributes_are_one_class(tmp_path):
    region = tools.via_region("rect", x=20, y=30, width=30, height=30)
    region["region_attributes"] = {}
    data, boxes = boxes_of(tools.via(tmp_path, [region], count=2))
    assert data.names == ("object",) and boxes.tolist() == [BOX]
    assert "no attributes" in data.notes[0]


def test_outlines_of_supervisely(tmp_path):
    from zlib import compress

    mask = base64.b64encode(compress(png(np.eye(6, 5, dtype=bool)))).decode()
    objects = [
        {
            "classTitle": "apple",
            "geometryType": "polygon",
            "points": {"exterior": RING, "interior": []},
        },
        {
            "classTitle": "pear",
            "geometryType": "bitmap",
            "bitmap": {"data": mask, "origin": [3, 4]},
        },
        {"classTitle": "pear", "geometryType": "line"},
    ]
    data, boxes = boxes_of(tools.supervisely(tmp_path, objects, count=2))
    np.testing.assert_allclose(boxes, [BOX, [3, 4, 8, 9]], atol=1e-3)
    assert data.left_out.counts["objects of the kind line"][0] == 2


BAD = {
    "cvat": (
        lambda folder: tools.cvat(
            folder,
            '<box label="pear" xtl="1" ytl="2" xbr="30"></box>'
            '<box label="apple" xtl="20" ytl="30" xbr="50" ybr="60"></box>',
            count=2,
        ),
        r"00.png: a box of 'pear' lacks numbers \(xtl, ytl, xbr, ybr\)",
    ),
    "label_studio": (
        lambda folder: tools.label_studio(
            folder,
            [
                {**tools.rectangle("apple", (1, 1, 5, 5)), "value": {"x": 1}},
                tools.rectangle("apple", BOX),
            ],
            count=2,
        ),
        r"has the labels \[\]; expected one",
    ),
    "labelme": (
        lambda folder: tools.labelme(
            folder,
            [
                tools.shape("pear", [[500, 10], [600, 20]]),
                tools.shape("apple", [BOX[:2], BOX[2:]]),
            ],
            count=2,
        ),
        r"00.json: the rectangle 'pear': box outside its image: \[500.0, 10.0, 100",
    ),
    "via": (
        lambda folder: tools.via(
            folder,
            [
                tools.via_region("rect", "pear", x=1, y=2, width=3),
                tools.via_region("rect", "apple", x=20, y=30, width=30, height=30),
            ],
            count=2,
        ),
        r"via.json: region 0 \(from 0\) of 00.png is at .* pairs of finite",
    ),
}


@pytest.mark.parametrize("tool", BAD)
def test_bad_boxes_are_named_or_skipped_by_themselves(tmp_path, tool):
    draw, message = BAD[tool]
    path = draw(tmp_path / "export")
    with pytest.raises(ValueError, match=message):
        read_labelled(path, task="detection")
    with pytest.warns(UserWarning, match="skipped 2 bad examples"):
        _, boxes = boxes_of(path, skip_bad=True)
    np.testing.assert_allclose(boxes, [BOX], atol=1e-3)


def test_what_holds_no_box(tmp_path):
    path = tools.labelme(tmp_path, [tools.shape("stalk", [[1, 1]], "point")], count=2)
    message = (
        "holds no boxes or outlines of objects in 2 pictures; left out: 2 shapes of the"
        " kind point"
    )
    with pytest.raises(ValueError, match=message):
        read_labelled(path, task="detection")
