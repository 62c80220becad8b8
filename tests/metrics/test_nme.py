"""NME and what follows from it, against direct computations."""

import numpy as np
import pytest
from scipy import integrate

from hrnet_tf.data.keypoint_sets import load_keypoint_set
from hrnet_tf.metrics.nme import nme, normalizing_lengths


def random_faces(num_faces, num_points, seed=0):
    rng = np.random.default_rng(seed)
    keypoints = rng.uniform(0, 100, (num_faces, num_points, 3))
    keypoints[..., 2] = 2
    predictions = keypoints[..., :2] + rng.normal(0, 4, (num_faces, num_points, 2))
    return predictions, keypoints


@pytest.mark.parametrize("name", ["300w", "wflw", "cofw"])
def test_the_official_formula(name):
    keypoint_set = load_keypoint_set(name)
    predictions, keypoints = random_faces(300, keypoint_set.num_keypoints)
    a, b = {"300w": (36, 45), "wflw": (60, 72), "cofw": (8, 9)}[name]
    truth = keypoints[..., :2]
    expected = [
        np.sum(np.linalg.norm(predicted - points, axis=1))
        / (np.linalg.norm(points[a] - points[b]) * len(points))
        for predicted, points in zip(predictions, truth, strict=True)
    ]
    result = nme(predictions, keypoints, normalizing_lengths(keypoints, keypoint_set))
    np.testing.assert_allclose(result.per_face, expected, rtol=1e-12)
    numbers = result.numbers()
    assert list(numbers) == ["NME", "FR@0.08", "FR@0.10", "AUC@0.10"]
    assert numbers["NME"] == pytest.approx(np.mean(expected), abs=1e-12)
    assert numbers["FR@0.08"] == np.mean(np.array(expected) > 0.08)
    assert numbers["FR@0.10"] == np.mean(np.array(expected) > 0.10)
    assert 0 < numbers["FR@0.10"] < numbers["FR@0.08"] < 1


def test_area_under_the_curve_of_cumulative_errors():
    predictions, keypoints = random_faces(500, 20)
    result = nme(predictions, keypoints, np.full(500, 70.0))
    thresholds = np.arange(0, 0.1 + 5e-5, 1e-4)
    curve = (result.per_face[None] <= thresholds[:, None]).mean(1)
    # As published codes do it.
    simpson = integrate.simpson(curve, x=thresholds) / 0.1
    assert result.area_under_curve(0.10) == pytest.approx(simpson, abs=1e-3)
    # The area itself: each face adds the part of the axis behind its error.
    edges = np.concatenate(
        [[0], np.sort(result.per_face[result.per_face < 0.1]), [0.1]]
    )
    shares = np.arange(len(edges) - 1) / 500
    exact = np.sum(np.diff(edges) * shares) / 0.1
    assert result.area_under_curve(0.10) == pytest.approx(exact, abs=1e-12)


def test_failures_are_above_the_threshold():
    keypoints = np.zeros((3, 2, 3))
    keypoints[..., 2] = 1
    predictions = np.zeros((3, 2, 2))
    predictions[:, :, 0] = [[7.9], [8.0], [8.1]]
    result = nme(predictions, keypoints, [100.0] * 3)
    assert result.failure_rate(0.08) == pytest.approx(1 / 3)
    assert result.failure_rate(0.079) == pytest.approx(2 / 3)
    assert result.area_under_curve(0.08) == pytest.approx(0.1 / 8 / 3)


def test_what_is_not_labelled_does_not_count():
    predictions, keypoints = random_faces(4, 5)
    keypoints[0, 3, 2] = 0
    keypoints[2, :, 2] = 0
    keypoints[:, 4, 2] = 0
    predictions[0, 3] = 1e6
    result = nme(predictions, keypoints, [10.0, 10.0, 10.0, 0.0])
    assert np.isnan(result.per_face[[2, 3]]).all() and result.num_excluded == 2
    errors = np.linalg.norm(predictions - keypoints[..., :2], axis=-1) / 10
    expected = [errors[0, :3].mean(), errors[1, :4].mean()]
    np.testing.assert_allclose(result.per_face[:2], expected)
    assert result.mean == pytest.approx(np.mean(expected))
    np.testing.assert_allclose(result.per_point[0], errors[:2, 0].mean())
    np.testing.assert_allclose(result.per_point[3], errors[1, 3])
    assert np.isnan(result.per_point[4])
    np.testing.assert_allclose(result.scored, sorted(expected))


def test_lengths():
    keypoint_set = load_keypoint_set("cofw")
    _, keypoints = random_faces(3, 29)
    keypoints[1, 9, 2] = 0
    lengths = normalizing_lengths(keypoints, keypoint_set)
    assert lengths[1] == 0 and (lengths[[0, 2]] > 0).all()
    other = normalizing_lengths(keypoints, keypoint_set, reference=(16, "left_pupil"))
    expected = np.linalg.norm(keypoints[:, 16, :2] - keypoints[:, 17, :2], axis=1)
    np.testing.assert_allclose(other, expected)


def test_box_sizes():
    keypoint_set = load_keypoint_set("aflw")
    predictions, keypoints = random_faces(3, 19)
    lengths = normalizing_lengths(keypoints, keypoint_set, [50, 100, 200])
    np.testing.assert_array_equal(lengths, [50, 100, 200])
    result = nme(predictions, keypoints, lengths)
    errors = np.linalg.norm(predictions - keypoints[..., :2], axis=-1).mean(1)
    np.testing.assert_allclose(result.per_face, errors / lengths)
    with pytest.raises(ValueError, match="not known for 1 of 3 faces.*is face 1"):
        normalizing_lengths(keypoints, keypoint_set, [50, 0, 200])
    with pytest.raises(ValueError, match="not known for 3 of 3 faces"):
        normalizing_lengths(keypoints, keypoint_set)


def test_errors():
    predictions, keypoints = random_faces(2, 3)
    with pytest.raises(ValueError, match="NME of 2 faces, of which 2 have a normal"):
        nme(predictions, keypoints, [0, 0])
    with pytest.raises(ValueError, match=r"lengths of shape \[2\]"):
        nme(predictions, keypoints, [1.0])
    predictions[1, 2, 0] = np.nan
    with pytest.raises(ValueError, match="joint 2 of person 1"):
        nme(predictions, keypoints, [1.0, 1.0])


def test_boxes_are_the_lengths_where_nothing_else_is_known():
    keypoint_set = load_keypoint_set("aflw")
    points = np.ones((2, keypoint_set.num_keypoints, 3))
    boxes = np.array([[0, 0, 16.0, 9], [5, 5, 4, 0]])
    found = normalizing_lengths(points, keypoint_set, np.zeros(2), boxes=boxes)
    np.testing.assert_allclose(found, [12, 0])
    # What the file tells goes before.
    sizes = np.array([20.0, 30])
    found = normalizing_lengths(points, keypoint_set, sizes, boxes=boxes)
    np.testing.assert_array_equal(found, sizes)
