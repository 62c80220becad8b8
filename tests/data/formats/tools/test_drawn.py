"""Every tool's file of the same labels is read alike."""

import numpy as np
import pytest
from drawn_people import NAMES
from drawn_tools import BOX, LEFT, OUTLINES, PEOPLE, PICTURES, TIP, square
from PIL import Image

from hrnet_tf.data.formats.label_checks import check_labels
from hrnet_tf.data.formats.tools import find_format, guess_task, read_labelled
from hrnet_tf.data.label_set import LabelSet

# What VIA cannot say.
NO_HIDDEN = ("via", "via csv", "via 3")
NO_BOXES = ("supervisely",)
SPLITS = ("yolo", "supervisely")


@pytest.mark.parametrize("tool", PEOPLE)
def test_people(tmp_path, tool):
    path = PEOPLE[tool](tmp_path)
    assert find_format(path).name == tool.split()[0]
    data = read_labelled(path)
    assert (data.task, data.format) == ("pose", tool.split()[0])
    assert data.names == NAMES[: len(data.names)] and len(data.names) >= 2
    assert [e.image_path.split("/")[-1] for e in data.examples] == list(PICTURES)
    wanted = [[*TIP, 2], [*LEFT, 2 if tool in NO_HIDDEN else 1]]
    for example in data.examples:
        (points,) = example.keypoints
        np.testing.assert_allclose(points[:2], wanted, atol=1e-4)
        assert not points[2:].any()
        if tool not in NO_BOXES:
            # COCO's are made a pixel smaller, as in the official code.
            shrunk = [0, 0, 1, 1] if tool == "coco" else [0, 0, 0, 0]
            box = np.subtract(BOX, shrunk)
            np.testing.assert_allclose(example.boxes, [box], atol=1e-3)
    splits = ["train", "val"] if tool in SPLITS else []
    assert [data.splits[e.image_path] for e in data.examples if data.splits] == splits


@pytest.mark.parametrize("tool", OUTLINES)
def test_outlines(tmp_path, tool):
    path = OUTLINES[tool](tmp_path / "export")
    data = read_labelled(path, work=tmp_path / "work")
    assert (data.task, data.names) == ("segmentation", ("background", "bird"))
    assert [e.image_path.split("/")[-1] for e in data.examples] == list(PICTURES)
    for example in data.examples:
        labels = np.asarray(Image.open(example.label_path))
        np.testing.assert_array_equal(labels, square())
    check_labels(data.examples, LabelSet(name="own", classes=data.names))
    assert data.palette == (((0, 0, 0), (255, 128, 0)) if tool == "supervisely" else ())
    with pytest.raises(ValueError, match="pass `work`"):
        read_labelled(path)


@pytest.mark.parametrize("task, tools", [("pose", PEOPLE), ("segmentation", OUTLINES)])
def test_the_task_is_told_by_the_labels(tmp_path, task, tools):
    for tool, draw in tools.items():
        assert guess_task(draw(tmp_path / tool)) == task, tool
