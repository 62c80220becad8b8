"""Values of another kind than tools write, each named where it is read."""

import json
import xml.etree.ElementTree as ElementTree

import all_shapes
import own_box_tools
import pytest
from drawn_tools import labelme_people, supervisely_people, yolo_people

from hrnet_tf.data.formats.tools import read_labelled


def first_result(content):
    return content[0]["annotations"][0]["result"][0]


def of_result(**fields):
    """Changes fields of the first region of Label Studio."""
    return lambda content: first_result(content).update(fields)


def of_value(**fields):
    return lambda content: first_result(content)["value"].update(fields)


LABEL_STUDIO = {
    "annotations": (
        lambda content: content[0].update(annotations=7),
        "its annotations are 7; expected a list",
    ),
    "id": (of_result(id=[1]), r"the id of a result is \[1\]; expected text"),
    "parent": (of_result(parentID={}), "the parentID of a result is {}"),
    "width": (of_result(original_width="wide"), "original_width .* is 'wide'"),
    "height": (of_result(original_height=[80]), r"original_height .* is \[80\]"),
    "half a pixel": (of_result(original_width=95.5), "original_width .* is 95.5"),
    "rotation": (of_value(rotation="left"), "rotation of the region .* is 'left'"),
    "turned by nothing": (of_value(rotation=[[1]]), "rotation .* expected degrees"),
    "far": (of_value(x=1e300), "x of the region .* is 1e.300; expected a number in"),
    "label": (of_value(rectanglelabels=[None]), "rectanglelabels .* a list of texts"),
    "address": (
        lambda content: content[0]["data"].update(image="http://[x/a.png"),
        "export.json: the picture .* is no address",
    ),
}


@pytest.mark.parametrize("change, message", LABEL_STUDIO.values(), ids=LABEL_STUDIO)
def test_label_studio(tmp_path, change, message):
    path = all_shapes.label_studio(tmp_path)
    content = json.loads(path.read_text())
    change(content)
    refuses(path, content, message)


CLASSES = {
    "choices of letters": (of_value(choices="ripe"), "choices .* are 'ripe'"),
    "no choice": (of_value(choices=[None]), r"choices .* are \[None\]"),
}


@pytest.mark.parametrize("change, message", CLASSES.values(), ids=CLASSES)
def test_classes_of_label_studio(tmp_path, change, message):
    path = all_shapes.label_studio_classes(tmp_path)
    content = json.loads(path.read_text())
    change(content)
    refuses(path, content, message, task="classification")


@pytest.mark.parametrize("other", [5, True, [7], ["a", 1], [None]])
def test_json_min_has_fields_of_any_kind(tmp_path, other):
    """Beside labels there is what a project has of its own."""
    path = all_shapes.label_studio_min(tmp_path)
    content = json.loads(path.read_text())
    content[0]["note"] = other
    path.write_text(json.dumps(content))
    data = read_labelled(path, "label_studio", task="detection")
    assert [len(example.boxes) for example in data.examples] == [3, 3]


CVAT = {
    "width": ("image", {"width": "96px"}, "00.png: its size is '96px' by '80'"),
    "name": ("image", {"name": ""}, "annotations.xml: the image '0' has no name"),
    "three numbers": ("polygon", {"points": "1,2,3;4,5,6"}, "expected pairs such as"),
    "two corners": ("polygon", {"points": "1,2;30,40"}, "has 2 corners; expected"),
    "endless turn": ("box", {"rotation": "1e400"}, "a box of 'pear' lacks numbers"),
    "endless radius": ("ellipse", {"rx": "1e400"}, "an? ellipse of 'pear' lacks"),
    "endless mask": ("mask", {"left": "1e400"}, "a mask of 'apple' lacks|a mask lacks"),
    "no class": ("box", {"label": ""}, "has no class"),
}


@pytest.mark.parametrize("tag, fields, message", CVAT.values(), ids=CVAT)
def test_cvat(tmp_path, tag, fields, message):
    path = all_shapes.cvat(tmp_path)
    tree = ElementTree.parse(path)
    next(tree.iter(tag)).attrib.update(fields)
    refuses(path, ElementTree.tostring(tree.getroot(), "unicode"), message)


@pytest.mark.parametrize("frame", ["", "second", "-1"])
def test_frames_of_cvat(tmp_path, frame):
    """What is on no frame is not on the first one."""
    path = own_box_tools.cvat_video(tmp_path, count=2)
    wrong = f'frame="{frame}" outside="0"'
    text = path.read_text().replace('frame="1" outside="0"', wrong, 1)
    refuses(path, text, f"a box of .* is on the frame '{frame}'; expected a whole")


def test_an_unknown_encoding_is_told(tmp_path):
    path = all_shapes.cvat(tmp_path)
    text = path.read_text().replace('encoding="utf-8"', 'encoding="utf-9"')
    refuses(path, text, "unknown encoding: utf-9")


VIA = {
    "endless": ({"xy": [float("inf"), 1, 2, 3, 4]}, "expected finite numbers"),
    "no number": ({"xy": [float("nan"), 1, 2, 3, 4]}, "expected finite numbers"),
    "half a shape": ({"xy": [2.5, 1, 2, 3, 4]}, "the first of 1 to 9"),
    "attribute": ({"av": {"1": []}}, r"attribute 'class' is \[\]; expected the text"),
}


@pytest.mark.parametrize("fields, message", VIA.values(), ids=VIA)
def test_projects_of_via(tmp_path, fields, message):
    path = all_shapes.via_project(tmp_path)
    content = json.loads(path.read_text())
    content["metadata"]["1_0"].update(fields)
    refuses(path, content, message)


@pytest.mark.parametrize("value", [True, float("nan"), float("inf")])
def test_attributes_of_via_that_are_no_texts(tmp_path, value):
    """They are counted, and no class is called by them."""
    path = all_shapes.via(tmp_path)
    content = json.loads(path.read_text())
    picture = next(iter(content["_via_img_metadata"].values()))
    picture["regions"][0]["region_attributes"]["class"] = value
    path.write_text(json.dumps(content))
    data = read_labelled(path, "via", task="detection")
    assert data.names == ("apple", "pear")
    assert data.left_out.counts["outlines without a class"][0] == 1


def test_nodes_of_supervisely(tmp_path):
    path = supervisely_people(tmp_path) / "meta.json"
    content = json.loads(path.read_text())
    content["classes"][1]["geometry_config"]["nodes"]["id0"]["label"] = [None]
    refuses(path, content, r"the label of a node is \[None\], no text", task="pose")


def test_keypoints_without_a_name(tmp_path):
    path = labelme_people(tmp_path) / "a.json"
    content = json.loads(path.read_text())
    content["shapes"][1]["label"] = ""
    refuses(path, content, "a keypoint has no name", task="pose")
    path = yolo_people(tmp_path / "yolo", kpt_names={0: ["tip", "", "right"]})
    refuses(path, path.read_text(), "kpt_names has 2 different names", task="pose")


def refuses(path, content, message, task="detection"):
    """Reading ends with a message, and none that Python wrote."""
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_labelled(path, task=task)
