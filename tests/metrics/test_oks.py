"""OKS, suppression and the COCO numbers, against those of the official code."""

import json

import numpy as np
import pytest

from hrnet_tf.metrics.coco_stats import (
    STAT_NAMES,
    coco_keypoint_stats,
)
from hrnet_tf.metrics.oks import (
    COCO_SIGMAS,
    coco_results,
    oks,
    oks_nms,
    rescore,
    soft_oks_nms,
)


@pytest.fixture(scope="module")
def official(golden):
    return json.loads((golden / "pose" / "evaluation.json").read_text())


def official_results(official):
    predictions = official["predictions_before_nms"]
    scales = np.array([p["scale"] for p in predictions], np.float32)
    return coco_results(
        [p["image_id"] for p in predictions],
        np.array([p["keypoints"] for p in predictions], np.float32),
        [p["box_score"] for p in predictions],
        np.prod(scales * 200, axis=1),
        score_threshold=official["in_vis_thre"],
        oks_threshold=official["oks_thre"],
    )


class TestGolden:
    def test_kept_results_and_scores_are_exactly_the_official_ones(self, official):
        results = official_results(official)
        kept = [(r["image_id"], r["score"], r["keypoints"][:3]) for r in results]
        expected = official["results_after_rescoring_and_oks_nms"]
        assert len(kept) == 76
        assert kept == [
            (r["image_id"], r["score"], r["first_keypoint"]) for r in expected
        ]

    @pytest.mark.parametrize("sigmas", [None, COCO_SIGMAS])
    def test_ten_numbers_are_exactly_the_official_ones(self, official, shared, sigmas):
        truth = shared / "samples" / "coco" / "test_coco.json"
        stats = coco_keypoint_stats(truth, official_results(official), sigmas)
        assert stats == official["coco_stats"]
        assert tuple(stats) == STAT_NAMES


def person(x=0.0, count=17):
    """A person of `count` keypoints in a row of 10 pixels each, shifted by x."""
    points = np.zeros((count, 2))
    points[:, 0] = x + 10 * np.arange(count)
    return points


class TestOKS:
    def test_same_person_is_one_and_far_person_is_zero(self):
        values = oks(person(), [person(), person(1e5)], 1e4, [1e4, 1e4])
        np.testing.assert_allclose(values, [1, 0], atol=1e-12)

    def test_one_shifted_keypoint(self):
        other = person()
        other[0, 1] += 4
        expected = 16 + np.exp(-16 / (2 * 0.026) ** 2 / 3e4 / 2)
        value = oks(person(), other, 2e4, 4e4)
        np.testing.assert_allclose(value, expected / 17)

    def test_all_pairs_by_broadcasting(self):
        people = np.stack([person(), person(3), person(8)])
        areas = np.array([1e4, 2e4, 3e4])
        values = oks(people[:, None], people, areas[:, None], areas)
        np.testing.assert_allclose(values, values.T)
        np.testing.assert_allclose(np.diag(values), 1)

    def test_wrong_number_of_sigmas(self):
        with pytest.raises(ValueError, match=r"14 keypoints a person.*\(17,\)"):
            oks(person(count=14), person(count=14), 1, 1)


class TestRescore:
    def test_only_confident_keypoints_count(self):
        scores = rescore([[0.5, 0.7, 0.2], [0.1, 0.2, 0.0]], [0.5, 1.0])
        np.testing.assert_allclose(scores, [0.3, 0.0])

    def test_nan_is_named(self):
        with pytest.raises(ValueError, match=r"keypoint_scores holds nan at \[1, 0\]"):
            rescore([[0.5], [np.nan]], [1, 1])

    def test_wrong_shapes(self):
        with pytest.raises(ValueError, match=r"\(2, 1\) and \(3,\)"):
            rescore([[0.5], [0.5]], [1, 1, 1])


class TestSuppression:
    def test_repeated_person_is_dropped_and_the_best_kept_first(self):
        people = np.stack([person(), person(500), person(0.5)])
        keep = oks_nms(people, [0.5, 0.7, 0.6], [1e4] * 3)
        np.testing.assert_array_equal(keep, [1, 2])

    def test_threshold_itself_is_kept(self):
        people = np.stack([person(), person()])
        np.testing.assert_array_equal(oks_nms(people, [1, 1], [1, 1]), [0])
        keep = oks_nms(people, [1, 1], [1, 1], threshold=1.0)
        np.testing.assert_array_equal(keep, [0, 1])

    def test_nobody(self):
        assert oks_nms(np.zeros((0, 17, 2)), [], []).size == 0

    def test_soft_moves_a_repeated_person_behind_the_others(self):
        people = np.stack([person(), person(0.5), person(500)])
        arguments = people, [0.9, 0.8, 0.4], [1e4] * 3
        np.testing.assert_array_equal(soft_oks_nms(*arguments), [0, 2, 1])
        np.testing.assert_array_equal(soft_oks_nms(*arguments, max_people=2), [0, 2])

    def test_nan_is_named(self):
        people = np.stack([person(), person()])
        people[1, 3, 0] = np.nan
        with pytest.raises(ValueError, match=r"keypoints holds nan at \[1, 3, 0\]"):
            oks_nms(people, [1, 1], [1, 1])


class TestCocoResults:
    def keypoints(self, *shifts):
        people = np.ones((len(shifts), 17, 3))
        people[..., :2] = [person(shift) for shift in shifts]
        return people

    def test_images_do_not_suppress_each_other_and_keep_their_order(self):
        results = coco_results(
            [7, 3, 7, 3], self.keypoints(0, 0, 0, 90), [0.5, 1, 0.8, 0.9], [1e4] * 4
        )
        kept = [(r["image_id"], r["score"]) for r in results]
        assert kept == [(7, 0.8), (3, 1.0), (3, 0.9)]
        assert len(results[0]["keypoints"]) == 51
        json.dumps(results)

    def test_without_sigmas_nobody_is_suppressed(self):
        keypoints = self.keypoints(0, 0)
        assert len(coco_results([1, 1], keypoints, [1, 1], [1, 1], None)) == 2
        assert len(coco_results([1, 1], keypoints, [1, 1], [1, 1], soft=True)) == 2

    def test_wrong_number_of_image_ids(self):
        with pytest.raises(ValueError, match=r"image_ids \[N\].*\(1,\) and \(2, 17"):
            coco_results([1], self.keypoints(0, 0), [1, 1], [1, 1])
