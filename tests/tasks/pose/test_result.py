"""The container of predicted keypoints."""

import dataclasses
import json

import numpy as np
import pytest

from hrnet_tf.data.keypoint_sets import KEYPOINT_SETS
from hrnet_tf.tasks.pose.result import Keypoints


def two_people(**changes):
    fields = {
        "xy": np.arange(68).reshape(2, 17, 2) + 0.123456,
        "scores": np.full((2, 17), 0.5),
        "boxes": [[0, 0, 10, 20], [5, 5, 10, 20]],
        "box_scores": [1.0, 0.5],
        "image_path": "people.jpg",
        "keypoint_set": KEYPOINT_SETS["coco"],
    }
    return Keypoints(**{**fields, **changes})


class TestKeypoints:
    def test_arrays_are_float32_and_frozen(self):
        keypoints = two_people()
        assert len(keypoints) == 2
        assert keypoints.boxes.dtype == np.float32
        with pytest.raises(dataclasses.FrozenInstanceError):
            keypoints.xy = None

    def test_repr_is_short(self):
        expected = (
            "Keypoints(2 people, 17 keypoints (coco), mean score 0.50,"
            " image_path='people.jpg')"
        )
        assert repr(two_people()) == expected

    def test_nobody(self):
        nobody = Keypoints(
            np.zeros((0, 3, 2)), np.zeros((0, 3)), np.zeros((0, 4)), np.zeros(0)
        )
        assert len(nobody) == 0
        assert repr(nobody) == "Keypoints(0 people, 3 keypoints)"
        assert nobody.to_coco(1) == []
        assert nobody.to_dict()["people"] == []

    def test_to_coco(self):
        first, second = two_people().to_coco(image_id=np.int64(7))
        assert json.loads(json.dumps(first))["image_id"] == 7
        assert len(first["keypoints"]) == 51
        np.testing.assert_allclose(first["keypoints"][3:6], [2.123456, 3.123456, 0.5])
        assert (first["score"], second["score"]) == (0.5, 0.25)

    def test_save(self, tmp_path):
        path = tmp_path / "new" / "people.json"
        two_people().save(path)
        content = json.loads(path.read_text())
        assert content["image_path"] == "people.jpg"
        assert content["keypoint_set"]["names"][0] == "nose"
        person = content["people"][1]
        assert person["box"] == [5, 5, 10, 20]
        assert person["keypoints"][0] == [34.123, 35.123, 0.5]
        assert list(path.parent.iterdir()) == [path]


class TestKeypointsErrors:
    def test_wrong_xy(self):
        with pytest.raises(ValueError, match=r"xy \[N, K, 2\].*\(2, 17, 3\)"):
            two_people(xy=np.zeros((2, 17, 3)))

    def test_contradicting_shapes(self):
        with pytest.raises(ValueError, match=r"scores of shape \(2, 17\).*\(2, 16\)"):
            two_people(scores=np.zeros((2, 16)))
        with pytest.raises(ValueError, match=r"boxes of shape \(2, 4\)"):
            two_people(boxes=[[0, 0, 10, 20]])
        with pytest.raises(ValueError, match=r"box_scores of shape \(2,\)"):
            two_people(box_scores=[[1.0], [1.0]])

    def test_other_keypoint_set(self):
        with pytest.raises(ValueError, match="has 17 keypoints.*'mpii' has 16"):
            two_people(keypoint_set=KEYPOINT_SETS["mpii"])

    def test_nan(self):
        scores = np.full((2, 17), 0.5)
        scores[1, 3] = np.nan
        with pytest.raises(ValueError, match="scores holds nan for person 1"):
            two_people(scores=scores)
