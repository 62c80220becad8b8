"""COCO's ten numbers for keypoint sets of any kind, and what cannot be scored."""

import copy

import pytest

from hrnet_tf.metrics.coco_stats import coco_keypoint_stats, keypoint_category


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
