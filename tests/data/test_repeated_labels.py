"""Sigmas of OKS, by the spread of several labels of the same people."""

import numpy as np
import pytest

from hrnet_tf.data.repeated_labels import FEWEST, RepeatedLabels, estimated_sigmas


def drawn(sigmas, num_people, num_labels=2, seed=0):
    """Labels that lie around the true places as the sigmas say."""
    rng = np.random.default_rng(seed)
    repeats = []
    for _ in range(num_people):
        area = rng.uniform(400, 90_000)
        true = rng.uniform(0, 500, (1, len(sigmas), 2))
        # Of both coordinates together.
        spread = np.array(sigmas)[None, :, None] * np.sqrt(area / 2)
        places = true + spread * rng.normal(size=(num_labels, len(sigmas), 2))
        seen = np.full((num_labels, len(sigmas), 1), 2.0)
        repeats.append(RepeatedLabels(np.concatenate([places, seen], -1), area))
    return repeats


@pytest.mark.parametrize("num_labels", [2, 4])
def test_the_spread_is_found_whatever_the_number_of_labels(num_labels):
    sigmas = (0.025, 0.05, 0.1)
    found = estimated_sigmas(drawn(sigmas, 4000, num_labels))
    np.testing.assert_allclose(found.values, sigmas, rtol=0.03)
    assert (found.num_people, found.shared) == (4000, 0)


def test_keypoints_with_few_labels_share_the_spread_of_all():
    repeats = drawn((0.05, 0.05, 0.05), 400)
    for repeat in repeats[FEWEST - 1 :]:
        repeat.points[1, 2] = (-1e4, 1e4, 0)
    found = estimated_sigmas(repeats)
    assert found.shared == 1
    np.testing.assert_allclose(found.values, 0.05, rtol=0.1)


def test_too_few_tell_nothing():
    repeats = drawn((0.05, 0.05), FEWEST // 2 - 1)
    assert estimated_sigmas(repeats) is None and estimated_sigmas([]) is None
    assert estimated_sigmas(drawn((0.05, 0.05), FEWEST // 2)) is not None


def test_no_keypoint_is_without_a_spread():
    """Of labels that agree to the pixel OKS would be 0 or 1."""
    repeats = drawn((0.0, 0.05), 40)
    assert estimated_sigmas(repeats).values[0] == 0.005
