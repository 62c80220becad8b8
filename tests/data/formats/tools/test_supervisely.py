import json

import pytest
from drawn_people import NAMES, write
from drawn_tools import supervisely, supervisely_outlines, supervisely_people

from hrnet_tf.data.formats.tools import find_format, read_labelled


def test_skeleton_and_splits(tmp_path):
    path = supervisely_people(tmp_path)
    for given in (path, path / "meta.json"):
        assert find_format(given).name == "supervisely"
        data = read_labelled(given)
        assert data.names == NAMES
        assert data.skeleton == (("tip", "left"), ("tip", "right"))
        assert list(data.splits.values()) == ["train", "val"]


def graph(**changes):
    nodes = {"id0": {"loc": [1, 2]}}
    fields = {"classTitle": "bird", "geometryType": "graph", "nodes": nodes}
    return {**fields, **changes}


def test_other_objects_are_counted(tmp_path):
    line = {"classTitle": "bird", "geometryType": "line", "points": {"exterior": []}}
    objects = [graph(), graph(), graph(classTitle="wing"), line]
    data = read_labelled(supervisely(tmp_path, objects))
    counts = {reason: count for reason, (count, _) in data.left_out.counts.items()}
    assert counts == {"graphs of another class": 2, "objects of the kind line": 2}


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"nodes": {"id9": {"loc": [1, 2]}}}, "has the node 'id9', which meta.json"),
        ({"nodes": {"id0": {"loc": [1]}}}, "the node 'tip' is at"),
        ({"nodes": {"id0": {}}}, "lacks 'loc'"),
        ({"nodes": 3}, r"a.png.json: objects\[0\].nodes is 3; expected a dict or null"),
    ],
)
def test_wrong_graphs_are_named(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        read_labelled(supervisely(tmp_path, [graph(**changes)]))


@pytest.mark.parametrize(
    "change, message",
    [
        ({"bitmap": None}, "has no 'bitmap'"),
        ({"bitmap": {"data": "AAAA", "origin": [1, 2]}}, "its mask is no PNG"),
        ({"bitmap": {"data": "AAAA", "origin": []}}, "expected 1 or more pairs"),
    ],
)
def test_wrong_masks_are_named(tmp_path, change, message):
    path = supervisely_outlines(tmp_path)
    file = path / "train" / "ann" / "a.png.json"
    content = json.loads(file.read_text())
    content["objects"][1].update(change)
    write(file, content)
    with pytest.raises(ValueError, match=message):
        read_labelled(path, work=tmp_path / "work")


def test_classes_without_nodes(tmp_path):
    path = supervisely_people(tmp_path)
    meta = json.loads((path / "meta.json").read_text())
    meta["classes"][1]["geometry_config"] = {}
    write(path / "meta.json", meta)
    with pytest.raises(ValueError, match="the class 'bird' has no nodes"):
        read_labelled(path)
