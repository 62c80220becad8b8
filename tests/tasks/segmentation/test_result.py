"""The container of predicted maps of classes."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image
from segmenters import LABELS

from hrnet_tf.data.formats.label_checks import read_label
from hrnet_tf.tasks.segmentation.result import SegmentationMap


def make(**changes):
    labels = np.zeros((4, 5), np.int64)
    labels[1:, 3:] = 3
    labels[0, 0] = 1
    return SegmentationMap(**{"labels": labels, "label_set": LABELS, **changes})


def test_labels_are_uint8_and_frozen():
    found = make(confidence=np.ones((4, 5)))
    assert found.labels.dtype == np.uint8
    assert found.confidence.dtype == np.float32
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.labels = None


def test_shares_are_sorted_and_leave_out_what_is_not_there():
    assert list(make().shares.items()) == [
        ("ground", 0.65),
        ("sky", 0.3),
        ("left", 0.05),
    ]
    half = make(labels=[[255, 255], [2, 2]])
    assert half.shares == {"right": 0.5}


def test_repr():
    found = make(image_path="street.jpg")
    expected = "SegmentationMap(4x5, shapes, ground 65%, sky 30%, left 5%"
    assert repr(found) == f"{expected}, image_path='street.jpg')"


def test_to_dict():
    fields = make(image_path="street.jpg", confidence=np.full((4, 5), 0.25)).to_dict()
    assert (fields["height"], fields["width"]) == (4, 5)
    assert fields["shares"] == {"ground": 0.65, "sky": 0.3, "left": 0.05}
    assert fields["mean_confidence"] == 0.25
    assert fields["label_set"] == LABELS.to_dict()
    assert "mean_confidence" not in make().to_dict()


def test_files_hold_the_values_and_colours_of_the_label_set(tmp_path):
    found = make(image_path="street.jpg")
    found.save(tmp_path / "maps" / "street.png")
    path = tmp_path / "maps" / "street.png"
    np.testing.assert_array_equal(
        read_label(path), np.array([7, 11, 12, 23])[found.labels]
    )
    with Image.open(path) as file:
        assert file.mode == "P"
        colors = np.asarray(file.convert("RGB"))
    np.testing.assert_array_equal(colors, np.array(LABELS.palette)[found.labels])
    assert json.loads((tmp_path / "maps" / "street.json").read_text()) == json.loads(
        json.dumps(found.to_dict())
    )
    assert sorted(p.name for p in path.parent.iterdir()) == [
        "street.json",
        "street.png",
    ]


def test_what_is_not_labelled_gets_the_first_ignored_value(tmp_path):
    make(labels=[[255, 2]]).save_labels(tmp_path / "map.png")
    assert read_label(tmp_path / "map.png").tolist() == [[0, 12]]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"labels": [[0, 4]]}, "labels hold 4, which is none of the 4 classes of 'sha"),
        ({"labels": [[-1]]}, "labels hold -1"),
        ({"labels": [0, 1]}, r"Expected labels \[H, W\] of integers.* shape \(2,\)"),
        ({"labels": [[0.5]]}, "of float64"),
        ({"labels": np.zeros((0, 5), int)}, r"shape \(0, 5\)"),
        ({"confidence": np.ones((5, 4))}, r"shape \(4, 5\). Received the shape \(5, 4"),
        ({"confidence": np.full((4, 5), np.nan)}, "20 numbers that are not finite"),
    ],
)
def test_contradictions(changes, text):
    with pytest.raises(ValueError, match=text):
        make(**changes)


def test_another_ending(tmp_path):
    with pytest.raises(ValueError, match=r"ends in '\.jpg'; maps of classes .* \.png"):
        make().save(tmp_path / "map.jpg")
    assert not list(tmp_path.iterdir())
