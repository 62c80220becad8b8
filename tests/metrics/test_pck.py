"""PCK and PCKh on hand-made errors."""

import json

import numpy as np
import pytest

from hrnet_tf.data.keypoint_sets import KEYPOINT_SETS, KeypointSet
from hrnet_tf.metrics.pck import box_lengths, pck, pckh, reference_lengths


def keypoints(num_people, num_joints):
    """People at seeded places, everything visible."""
    rng = np.random.default_rng(0)
    points = rng.uniform(0, 200, (num_people, num_joints, 3))
    points[..., 2] = 2
    return points


def shifted(points, errors):
    """Predictions that miss by `errors [N, K]` pixels, downwards."""
    return points[..., :2] + np.stack([np.zeros_like(errors), errors], axis=-1)


class TestPCK:
    def test_each_joint_counts_in_units_of_the_reference(self):
        points = keypoints(2, 3)
        errors = np.array([[1.0, 19.0, 21.0], [39.0, 41.0, 41.0]])
        result = pck(shifted(points, errors), points, [100, 200], threshold=0.2)
        np.testing.assert_allclose(result.per_joint, [1, 0.5, 0])
        assert result.mean == 0.5
        assert (result.num_people, result.num_excluded) == (2, 0)

    def test_mean_is_over_labelled_joints(self):
        points = keypoints(3, 2)
        points[1:, 1, 2] = 0
        errors = np.array([[0.0, 90.0], [0.0, 0.0], [0.0, 0.0]])
        result = pck(shifted(points, errors), points, [100] * 3)
        assert result.mean == 0.75
        np.testing.assert_array_equal(result.counts, [3, 1])

    def test_people_without_reference_are_excluded_and_counted(self):
        points = keypoints(2, 2)
        errors = np.array([[0.0, 0.0], [90.0, 90.0]])
        result = pck(shifted(points, errors), points, [100, 0])
        assert (result.mean, result.num_people, result.num_excluded) == (1.0, 1, 1)

    def test_to_dict_is_json(self):
        points = keypoints(1, 2)
        points[0, 1, 2] = 0
        result = pck(points, points, [10])
        assert np.isnan(result.per_joint[1])
        content = json.loads(json.dumps(result.to_dict(("a", "b"))))
        assert content["PCK@0.2"] == 1.0
        assert content["per_joint"] == {"a": 1.0, "b": None}

    def test_nobody_left(self):
        points = keypoints(2, 2)
        with pytest.raises(ValueError, match="2 people, of whom 2 have a reference"):
            pck(points, points, [0, 0])

    def test_nan_prediction_is_named(self):
        points = keypoints(2, 3)
        predictions = points[..., :2].copy()
        predictions[1, 2, 0] = np.nan
        with pytest.raises(ValueError, match=r"\[nan.*joint 2 of person 1"):
            pck(predictions, points, [1, 1])

    def test_nan_keypoint_is_named(self):
        points = keypoints(2, 3)
        points[0, 1, 1] = np.inf
        with pytest.raises(ValueError, match="keypoints holds.*joint 1 of person 0"):
            pck(points[..., :2], points, [1, 1])

    def test_wrong_shapes(self):
        points = keypoints(2, 3)
        with pytest.raises(ValueError, match=r"\(2, 2, 2\) and \(2, 3, 3\)"):
            pck(points[:, :2, :2], points, [1, 1])
        with pytest.raises(ValueError, match=r"shape \[2\].*\(3,\)"):
            pck(points, points, [1, 1, 1])
        with pytest.raises(ValueError, match="holds -1.0 for person 1"):
            pck(points, points, [1, -1])
        with pytest.raises(ValueError, match="at least one person"):
            pck(points[:0], points[:0], [])


class TestReferenceLengths:
    def test_torso_of_lsp(self):
        lsp = KEYPOINT_SETS["lsp"]
        points = keypoints(2, 14)
        points[0, lsp.index("right_shoulder"), :2] = 10, 20
        points[0, lsp.index("left_hip"), :2] = 40, 60
        points[1, lsp.index("left_hip"), 2] = 0
        np.testing.assert_allclose(reference_lengths(points, lsp), [50, 0])

    def test_other_pair(self):
        lsp = KEYPOINT_SETS["lsp"]
        points = keypoints(1, 14)
        lengths = reference_lengths(points, lsp, ("neck", "head_top"))
        expected = np.linalg.norm(points[0, 12, :2] - points[0, 13, :2])
        np.testing.assert_allclose(lengths, [expected])

    def test_set_without_reference(self):
        keypoint_set = KeypointSet(name="duo", names=("a", "b"))
        with pytest.raises(ValueError, match="'duo' names no pck_reference"):
            reference_lengths(keypoints(1, 2), keypoint_set)

    def test_other_number_of_keypoints(self):
        with pytest.raises(ValueError, match="have 3 keypoints.*'lsp' has 14"):
            reference_lengths(keypoints(1, 3), KEYPOINT_SETS["lsp"])


class TestPCKh:
    def test_groups_means_and_the_quirk_of_the_strict_threshold(self):
        points = keypoints(2, 16)
        errors = np.zeros((2, 16))
        errors[0, 9] = 51  # head: wrong for one of two
        errors[:, 10] = 51  # right wrist: wrong
        errors[:, 6:8] = 1e4  # pelvis and thorax: left out
        errors[:, 0] = 10.9  # within 0.11, not within 0.1
        errors[0, 5] = 11.1
        table = pckh(shifted(points, errors), points, [100, 100])
        assert list(table) == [
            *("Head", "Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle"),
            *("Mean", "Mean@0.1"),
        ]
        assert (table["Head"], table["Wrist"], table["Ankle"]) == (50, 50, 100)
        assert table["Mean"] == pytest.approx(100 * 25 / 28)
        assert table["Mean@0.1"] == pytest.approx(100 * 24 / 28)

    def test_means_weight_joints_by_how_often_they_are_labelled(self):
        points = keypoints(4, 16)
        points[1:, 9, 2] = 0
        errors = np.zeros((4, 16))
        errors[:, 9] = 51
        table = pckh(shifted(points, errors), points, [100] * 4)
        assert table["Head"] == 0
        assert table["Mean"] == pytest.approx(100 * 52 / 53)

    def test_group_nobody_shows(self):
        points = keypoints(2, 16)
        points[:, 13, 2] = 0
        table = pckh(points, points, [10, 10])
        assert np.isnan(table["Shoulder"])
        assert table["Mean"] == 100

    def test_unknown_head_size(self):
        points = keypoints(2, 16)
        with pytest.raises(ValueError, match="0 for 1 of 2 people.*person 1"):
            pckh(points, points, [10, 0])

    def test_other_keypoint_set(self):
        points = keypoints(1, 17)
        with pytest.raises(ValueError, match="MPII's 16 joints. Received 17"):
            pckh(points, points, [10])


def test_lengths_of_boxes():
    boxes = [[0, 0, 16, 9], [5, 5, 4, 20], [1, 1, 0, 0]]
    np.testing.assert_array_equal(box_lengths(boxes), [16, 20, 0])
