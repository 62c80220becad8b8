"""OKS, suppression and the COCO numbers, against those of the official code."""

import copy
import json

import numpy as np
import pytest

from hrnet_tf.metrics.oks import (
    COCO_SIGMAS,
    STAT_NAMES,
    coco_keypoint_stats,
    coco_results,
    keypoint_category,
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


def triangles(num_images=2):
    """Annotations with 3 keypoints and nothing but what is required, and results."""
    points = [10, 10, 2, 60, 10, 2, 35, 60, 1]
    images = [{"id": i} for i in range(num_images)]
    annotations = [
        {"id": i, "image_id": i, "bbox": [0, 0, 70, 70], "keypoints": list(points)}
        for i in range(num_images)
    ]
    results = [
        {"image_id": i, "category_id": 1, "keypoints": list(points), "score": 0.5}
        for i in range(num_images)
    ]
    return {"images": images, "annotations": annotations}, results


SIGMAS = (0.05, 0.05, 0.05)


class TestStatsOfOtherKeypointSets:
    def test_perfect_predictions(self):
        truth, results = triangles()
        before = copy.deepcopy((truth, results))
        stats = coco_keypoint_stats(truth, results, SIGMAS)
        assert stats["AP"] == pytest.approx(1.0)
        assert stats["AR (M)"] == 1.0
        assert stats["AP (L)"] == -1
        assert (truth, results) == before

    def test_sigmas_matter(self):
        truth, results = triangles()
        for result in results:
            result["keypoints"][1] += 20
        strict = coco_keypoint_stats(truth, results, (0.01,) * 3)
        tolerant = coco_keypoint_stats(truth, results, (0.5,) * 3)
        assert strict["AP .75"] == 0
        assert tolerant["AP .75"] == pytest.approx(1.0)

    def test_missed_images_count_unless_left_out(self):
        truth, results = triangles(4)
        assert coco_keypoint_stats(truth, results[:2], SIGMAS)["AR"] == 0.5
        stats = coco_keypoint_stats(truth, results[:2], SIGMAS, image_ids=[0, 1])
        assert stats["AR"] == 1

    def test_other_categories_of_the_file_are_ignored(self):
        truth, results = triangles()
        truth["annotations"].append(
            {"id": 9, "image_id": 0, "category_id": 2, "bbox": [0, 0, 5, 5]}
        )
        stats = coco_keypoint_stats(truth, results, SIGMAS)
        assert stats["AP"] == pytest.approx(1.0)

    def test_the_one_category_with_keypoints(self):
        truth, _ = triangles()
        assert keypoint_category(truth) == 1
        for annotation in truth["annotations"]:
            annotation["category_id"] = 7
        truth["annotations"].append({"id": 9, "image_id": 0, "category_id": 2})
        assert keypoint_category(truth) == 7
        truth["annotations"][0]["category_id"] = 3
        with pytest.raises(ValueError, match=r"categories \[3, 7\]"):
            keypoint_category(truth)

    def test_null_means_none(self):
        truth, results = triangles()
        crowd = {"id": 9, "image_id": 0, "iscrowd": 1, "bbox": None, "area": None}
        truth["annotations"].append({**crowd, "keypoints": None, "category_id": 1})
        truth["annotations"][0]["area"] = None
        assert coco_keypoint_stats(truth, results, SIGMAS)["AP"] == pytest.approx(1)

    def test_bad_annotations_are_left_out_on_request(self):
        truth, results = triangles(4)
        truth["annotations"][2]["keypoints"][0] = float("nan")
        truth["annotations"][3]["keypoints"].pop()
        with pytest.raises(ValueError):
            coco_keypoint_stats(truth, results, SIGMAS)
        stats = coco_keypoint_stats(truth, results[:2], SIGMAS, skip_bad=True)
        assert stats["AR"] == 1


class TestStatsErrors:
    def check(self, message, change=lambda truth, results: None, sigmas=SIGMAS):
        truth, results = triangles()
        change(truth, results)
        with pytest.raises(ValueError, match=message):
            coco_keypoint_stats(truth, results, sigmas)

    def test_no_results(self):
        self.check("list of results is empty", lambda t, r: r.clear())

    def test_unknown_image(self):
        self.check(
            r"1 image ids are not in the ground truth, such as \[99\]",
            lambda t, r: r[0].update(image_id=99),
        )

    def test_unknown_category(self):
        self.check(r"category ids.*\[5\]", lambda t, r: r[0].update(category_id=5))

    def test_nan(self):
        def change(truth, results):
            results[1]["keypoints"][4] = float("nan")

        self.check(r"keypoints of the results holds nan at \[1, 4\]", change)
        self.check("scores", lambda t, r: r[0].update(score=float("nan")))

    def test_nan_in_the_annotations(self):
        def change(truth, results):
            truth["annotations"][1]["keypoints"][0] = float("nan")

        self.check("annotation 1: keypoints holds nan", change)

    def test_other_number_of_keypoints(self):
        self.check(
            r"results\[1\] \(image 1\).*3 x 3 keypoint numbers.*Received 51 numbers",
            lambda t, r: r[1].update(keypoints=[0.0] * 51),
        )

    def test_missing_score(self):
        self.check(r"Received no \['score'\]", lambda t, r: r[0].pop("score"))

    def test_sigmas_of_another_keypoint_set(self):
        self.check(r"3 keypoints a person, but sigmas of shape \(17,\)", sigmas=None)

    def test_annotations_that_contradict_each_other(self):
        self.check(
            r"of \[9, 12\] numbers",
            lambda t, r: t["annotations"][0].update(keypoints=[1] * 12),
        )

    def test_no_images(self):
        self.check("holds no 'images'", lambda t, r: t.pop("images"))

    def test_file(self, tmp_path):
        path = tmp_path / "truth.json"
        with pytest.raises(ValueError, match="truth.json is no readable json"):
            coco_keypoint_stats(path, [])
        path.write_text('{"images": [')
        with pytest.raises(ValueError, match="truth.json is no readable json"):
            coco_keypoint_stats(path, [])
