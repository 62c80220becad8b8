"""Anchors, box coding, RoIAlign and suppression, by numbers worked out by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from hrnet_tf.layers.detection.anchors import base_anchors, make_anchors, make_points
from hrnet_tf.layers.detection.box_coding import (
    clip_boxes,
    decode_boxes,
    encode_boxes,
    has_area,
)
from hrnet_tf.layers.detection.convention import CONVENTIONS, convention_of
from hrnet_tf.layers.detection.nms import suppress, suppress_classes, suppress_flat
from hrnet_tf.layers.detection.roi_align import roi_align, roi_levels

MMDET, OFFICIAL = CONVENTIONS["mmdet"], CONVENTIONS["official"]
BOTH = pytest.mark.parametrize("rules", [MMDET, OFFICIAL], ids=["mmdet", "official"])


def test_unknown_conventions_are_refused():
    with pytest.raises(ValueError, match="'mmdet'.*'official'.*convention='coco'"):
        convention_of("coco")


class TestAnchors:
    def test_of_the_first_cell(self):
        wide = base_anchors(4, MMDET)[0]
        np.testing.assert_allclose(wide, [-22.627417, -11.313708, 22.627417, 11.313708])
        # The published ones of the first generation.
        np.testing.assert_array_equal(
            base_anchors(4, OFFICIAL),
            [[-21, -9, 24, 12], [-14, -14, 17, 17], [-9, -21, 12, 24]],
        )

    def test_of_other_cells(self):
        anchors = np.array(make_anchors((2, 3), 16, MMDET))
        assert anchors.shape == (2, 3, 3, 4)
        step = anchors[1, 2] - anchors[0, 0]
        np.testing.assert_allclose(step, [[32, 16, 32, 16]] * 3, atol=1e-4)

    def test_points_are_centres_of_cells(self):
        points = np.array(make_points((2, 3), 8))
        np.testing.assert_array_equal(points[1, 2], [20, 12])


class TestBoxes:
    @BOTH
    def test_decoding_is_the_inverse_of_encoding(self, rules):
        rng = np.random.default_rng(0)
        corners = rng.uniform(0, 200, (50, 2, 2)).astype("float32")
        sizes = rng.uniform(5, 90, (50, 2, 2)).astype("float32")
        boxes, goals = np.moveaxis(np.concatenate([corners, corners + sizes], -1), 1, 0)
        stds = (0.1, 0.1, 0.2, 0.2)
        deltas = encode_boxes(boxes, goals, rules, stds)
        found = decode_boxes(boxes, deltas, rules, stds)
        np.testing.assert_allclose(found, goals, rtol=0, atol=1e-3)

    def test_sizes_are_limited_on_both_sides(self):
        deltas = np.array([[0, 0, 9, -9]], "float32")
        found = np.array(decode_boxes(np.array([[0, 0, 16, 16.0]], "f"), deltas, MMDET))
        np.testing.assert_allclose(found[0, 2] - found[0, 0], 1000, rtol=1e-4)
        np.testing.assert_allclose(found[0, 3] - found[0, 1], 0.256, rtol=1e-3)

    def test_boxes_are_cut_to_the_image(self):
        box = np.array([[-5, -5, 500, 500]], "float32")
        size = np.array([[100, 200]], "float32")
        np.testing.assert_array_equal(clip_boxes(box, size, MMDET), [[0, 0, 200, 100]])
        np.testing.assert_array_equal(
            clip_boxes(box, size, OFFICIAL), [[0, 0, 199, 99]]
        )

    def test_areas(self):
        boxes = np.array([[0, 0, 0, 9], [0, 0, 9, 9], [9, 9, 0, 0]], "float32")
        assert np.array(has_area(boxes, MMDET)).tolist() == [False, True, False]


class TestRegions:
    def test_levels(self):
        sides = np.array([1, 111, 112, 223, 224, 447, 448, 5000], "float32")
        boxes = np.stack([0 * sides, 0 * sides, sides, sides], -1)
        assert roi_levels(boxes, 4, MMDET).numpy().tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
        # A pixel more.
        assert roi_levels(boxes[1:2], 4, OFFICIAL).numpy() == [1]

    @BOTH
    def test_planes_are_met(self, rules):
        """Averages of a plane are its values in the bins' centres."""
        y, x = np.mgrid[:40, :60].astype("float32")
        maps = [np.stack([y, x], -1)[None]]
        boxes = np.array([[[40, 24, 103, 79.5], [24, 40, 63, 63]]], "float32")
        found = np.array(roi_align(maps, boxes, [4], 7, rules))[0]
        shift = 0.5 if rules.aligned else 0
        for features, box in zip(found, boxes[0], strict=True):
            for axis in (0, 1):
                first = box[1 - axis]
                last = box[3 - axis] + rules.extent
                places = first + (np.arange(7) + 0.5) / 7 * (last - first)
                values = np.moveaxis(features[..., axis], axis, 0)
                wanted = np.broadcast_to((places / 4 - shift)[:, None], (7, 7))
                np.testing.assert_allclose(values, wanted, atol=1e-3)

    def test_boxes_without_samples_give_zeros(self):
        maps = [np.ones((1, 8, 8, 1), "float32")]
        boxes = np.array(
            [[[4, 4, 4, 20], [9, 9, 5, 5], [900, 900, 950, 950], [0, 0, 8, 8]]], "f"
        )
        found = np.array(roi_align(maps, boxes, [4], 7, MMDET))[0]
        assert not found[:3].any()
        np.testing.assert_allclose(found[3], 1, atol=1e-6)

    @BOTH
    def test_without_shapes_of_the_boxes_it_is_the_same(self, rules):
        rng = np.random.default_rng(1)
        maps = [
            tf.constant(rng.normal(size=(2, h, w, 3)).astype("float32"))
            for h, w in ((12, 18), (6, 9))
        ]
        # Some reach out of the image, or are empty or reversed.
        corners = rng.uniform(-20, 60, (2, 12, 2))
        sizes = rng.uniform(-5, 90, (2, 12, 2)) * rng.choice([0.1, 1], (2, 12, 1))
        boxes = np.concatenate([corners, corners + sizes], -1).astype("float32")
        weights = rng.normal(size=(2, 12, 7, 7, 3)).astype("float32")

        @tf.function
        def differentiate(maps, static):
            with tf.GradientTape() as tape:
                tape.watch(maps)
                found = roi_align(maps, boxes, [4, 8], 7, rules, static)
                loss = tf.reduce_sum(found * weights)
            return found, *tape.gradient(loss, maps)

        plain, static = (differentiate(maps, value) for value in (False, True))
        assert np.abs(plain[0]).max() > 1
        for wanted, found in zip(plain, static, strict=True):
            limit = 1e-5 * np.abs(wanted).max()
            np.testing.assert_allclose(found, wanted, rtol=0, atol=limit)

    @BOTH
    def test_gradients_are_the_shares(self, rules):
        rng = np.random.default_rng(0)
        maps = [
            tf.constant(rng.normal(size=(2, s, s, 3)).astype("float32"))
            for s in (16, 8)
        ]
        corners = rng.uniform(-9, 50, (2, 5, 2))
        sizes = rng.uniform(0, 200, (2, 5, 2))
        boxes = np.concatenate([corners, corners + sizes], -1).astype("float32")

        @tf.function
        def differentiate(maps):
            with tf.GradientTape() as tape:
                tape.watch(maps)
                found = roi_align(maps, boxes, [4, 8], 7, rules)
                loss = tf.reduce_sum(found**2) / 2
            return found, tape.gradient(loss, maps)

        found, gradients = differentiate(maps)
        # The sum of squares is quadratic in the maps.
        product = sum(
            tf.reduce_sum(m * g) for m, g in zip(maps, gradients, strict=True)
        )
        np.testing.assert_allclose(product, tf.reduce_sum(found**2), rtol=1e-4)


@pytest.fixture(params=[False, True], ids=["plain", "static"])
def static(request):
    return request.param


class TestSuppression:
    # The second and third overlap the first by exactly 0.5 and by more.
    BOXES = np.array([[[0, 0, 10, 10], [0, 0, 10, 5], [0, 0, 10, 6]]], "float32")

    def test_only_larger_overlaps_go(self, static):
        scores = np.array([[0.9, 0.8, 0.7]], "float32")
        indices, valid = suppress(self.BOXES, scores, 0.5, 4, static=static)
        assert valid.numpy().tolist() == [[True, True, False, False]]
        assert indices.numpy()[0, :2].tolist() == [0, 1]

    def test_both_ways_keep_the_same(self):
        rng = np.random.default_rng(0)
        # Many equal scores, and boxes that are reversed or have no area.
        corners = rng.integers(0, 60, (2, 300, 2))
        sides = rng.integers(-3, 30, (2, 300, 2))
        boxes = np.concatenate([corners, corners + sides], -1).astype("float32")
        scores = rng.integers(0, 20, (2, 300)).astype("float32")
        scores[:, ::7] = -np.inf
        for overlap, n in ((0.3, 200), (0.5, 200), (0.7, 60)):
            plain, again = (
                [np.array(x) for x in suppress(boxes, scores, overlap, n, 0.0, static)]
                for static in (False, True)
            )
            assert 20 < plain[1].sum() <= 2 * n
            np.testing.assert_array_equal(again[1], plain[1])
            np.testing.assert_array_equal(
                np.where(again[1], again[0], -1), np.where(plain[1], plain[0], -1)
            )

    def test_of_equal_scores_the_first_is_the_better(self):
        boxes = np.repeat(self.BOXES[:, :1], 3, 1) + np.arange(3)[None, :, None] * 100
        scores = np.full((1, 3), 0.5, "float32")
        indices, _ = suppress(boxes.astype("float32"), scores, 0.5, 2)
        assert indices.numpy().tolist() == [[0, 1]]

    def test_the_threshold_is_the_number_itself(self):
        """float32(0.6) is larger than 0.6, and an overlap of float32(0.6) too."""
        boxes = np.array([[[0, 0, 10, 10], [0, 0, 10, 6]]], "float32")
        scores = np.array([[0.9, 0.8]], "float32")
        _, valid = suppress(boxes, scores, 0.6, 2)
        assert valid.numpy().tolist() == [[True, False]]

    @BOTH
    def test_classes_leave_each_other(self, rules):
        scores = np.array([[0.9, 0.8, 0.7]], "float32")
        classes = np.array([[0, 1, 1]], "int32")
        kept = suppress_flat(self.BOXES, scores, classes, 2, 0.5, 5, rules)
        assert np.array(kept.valid).sum() == 2
        assert np.array(kept.classes)[0, :2].tolist() == [0, 1]
        np.testing.assert_array_equal(kept.boxes[0, :2], self.BOXES[0, :2])
        spread = np.full((1, 3, 2), -np.inf, "float32")
        spread[0, [0, 1, 2], classes[0]] = scores
        again = suppress_classes(self.BOXES[:, :, None], spread, 0.5, 5, rules)
        for ours, theirs in zip(kept, again, strict=True):
            valid = np.array(kept.valid)
            np.testing.assert_array_equal(
                np.array(ours)[valid], np.array(theirs)[valid]
            )

    def test_a_pixel_more(self):
        """With the last pixel counted 11 * 6 of 121 + 66 - 66 is more than half."""
        scores = np.array([[0.9, 0.8]], "float32")
        _, valid = suppress(self.BOXES[:, :2], scores, 0.5, 2, extent=1.0)
        assert valid.numpy().tolist() == [[True, False]]

    def test_scores_of_minus_infinity_are_left_out(self, static):
        scores = np.array([[-np.inf, 0.8, 0.7]], "float32")
        indices, valid = suppress(self.BOXES, scores, 0.99, 3, static=static)
        assert valid.numpy().tolist() == [[True, True, False]]
        assert indices.numpy()[0, :2].tolist() == [1, 2]


def test_float16_maps_stay_float16():
    maps = [keras.ops.ones((1, 8, 8, 2), dtype="float16")]
    found = roi_align(maps, np.array([[[0, 0, 8, 8]]], "float32"), [4], 7, MMDET)
    assert found.dtype == tf.float16 and found.shape == (1, 1, 7, 7, 2)
