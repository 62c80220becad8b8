"""Which box is matched with which, by hand and against NumPy's loop over objects."""

import numpy as np
import pytest

from hrnet_tf.losses.detection.matching import MatchRule, match
from hrnet_tf.losses.detection.overlap import overlap

# Objects of 10x10 at x = 0 and 20, and a row of padding that would match anything.
TRUTHS = np.array([[[0, 0, 10, 10], [20, 0, 30, 10], [0, 0, 50, 50]]], np.float32)
PRESENT = np.array([[True, True, False]])


def shifted(*offsets):
    """Boxes of 10x10 whose left edges are at `offsets`: `[1, N, 4]`."""
    return np.array([[[x, 0, x + 10, 10] for x in offsets]], np.float32)


class TestOverlap:
    def test_of_pairs(self):
        boxes = shifted(0, 5, 10)[0]
        found = overlap(boxes[:, None], TRUTHS[0, :1])
        np.testing.assert_allclose(found[:, 0], [1, 1 / 3, 0], rtol=1e-6)

    def test_with_a_pixel_more(self):
        found = overlap(shifted(5)[0], TRUTHS[0, :1], extent=1.0)
        np.testing.assert_allclose(found, [66 / (242 - 66)], rtol=1e-6)

    def test_share_of_the_first(self):
        found = overlap(
            shifted(5)[0], np.array([[0, 0, 100, 100]], np.float32), of="first"
        )
        np.testing.assert_allclose(found, [1.0])
        found = overlap(TRUTHS[0, 2:], shifted(5)[0], of="first")
        np.testing.assert_allclose(found, [100 / 2500])

    def test_of_boxes_without_area_is_zero(self):
        nothing = np.zeros((1, 4), np.float32)
        for of in ("union", "first"):
            assert float(overlap(nothing, nothing, of=of)[0]) == 0


class TestMatch:
    def test_thresholds(self):
        # IoU 1, 2/3, 1/3, 1/9; and 1 with the second.
        boxes = shifted(0, 2, 5, 8, 20)
        found = match(boxes, TRUTHS, PRESENT, MatchRule(0.6, 0.2))
        assert found.labels.numpy().tolist() == [[1, 1, -1, 0, 1]]
        assert found.indices.numpy()[0, [0, 1, 4]].tolist() == [0, 0, 1]
        expected = [1, 2 / 3, 1 / 3, 1 / 9, 1]
        np.testing.assert_allclose(found.overlaps[0], expected, rtol=1e-6)

    def test_an_overlap_at_the_threshold_is_positive(self):
        boxes = np.array([[[0, 0, 10, 5]]], np.float32)
        for rule in (MatchRule(0.5, 0.5), MatchRule(0.5, 0.2)):
            assert match(boxes, TRUTHS, PRESENT, rule).labels.numpy().item() == 1

    def test_the_best_of_each_object_is_forced(self):
        # The best of the second object are two at once, and far below 0.7.
        boxes = shifted(0, 15, 25, 33)
        rule = MatchRule(0.7, 0.3)
        assert match(boxes, TRUTHS, PRESENT, rule).labels.numpy()[0, 1] == -1
        found = match(boxes, TRUTHS, PRESENT, MatchRule(0.7, 0.3, forced=0.3))
        assert found.labels.numpy().tolist() == [[1, 1, 1, 0]]
        assert found.indices.numpy()[0, :3].tolist() == [0, 1, 1]
        # 1/3 is not enough.
        found = match(boxes, TRUTHS, PRESENT, MatchRule(0.7, 0.3, forced=0.4))
        assert found.labels.numpy().tolist() == [[1, -1, -1, 0]]

    def test_padding_forces_nothing(self):
        rule = MatchRule(0.7, 0.3, forced=0.1)
        found = match(shifted(0, 5), TRUTHS, PRESENT & False, rule)
        assert found.labels.numpy().tolist() == [[0, 0]]

    def test_of_no_object_at_all(self):
        found = match(shifted(0, 5), TRUTHS[:, :0], PRESENT[:, :0], MatchRule(0.7, 0.3))
        assert found.labels.numpy().tolist() == [[0, 0]]
        assert found.indices.numpy().tolist() == [[0, 0]]

    def test_what_is_not_valid_is_ignored_and_no_best(self):
        boxes = shifted(0, 2, 40)
        valid = np.array([[False, True, True]])
        rule = MatchRule(0.7, 0.3, forced=0.3)
        found = match(boxes, TRUTHS, PRESENT, rule, valid=valid)
        assert found.labels.numpy().tolist() == [[-1, 1, 0]]

    def test_boxes_in_crowds_are_ignored(self):
        # The third row is a crowd here; the first box is an object's within it.
        boxes = shifted(0, 40, 100)
        crowd = np.array([[False, False, True]])
        rule = MatchRule(0.7, 0.3, 0.3, crowd_share=0.5)
        found = match(boxes, TRUTHS, PRESENT, rule, crowd=crowd)
        assert found.labels.numpy().tolist() == [[-1, -1, 0]]
        # The published settings take no notice of crowds.
        found = match(boxes, TRUTHS, PRESENT, MatchRule(0.7, 0.3, 0.3), crowd=crowd)
        assert found.labels.numpy().tolist() == [[1, 0, 0]]

    @pytest.mark.parametrize("forced", [None, 0.3])
    def test_is_the_loop_over_objects(self, forced):
        rng = np.random.default_rng(3)
        corners = rng.integers(0, 20, (2, 230, 2))
        boxes = np.concatenate([corners, corners + rng.integers(2, 12, (2, 230, 2))], 2)
        boxes, truths = np.split(boxes.astype(np.float32), [200], axis=1)
        present = rng.uniform(size=(2, 30)) < 0.7
        rule = MatchRule(0.7, 0.3, forced)
        found = match(boxes, truths, present, rule)
        for b in range(2):
            ious = overlap(truths[b][:, None], boxes[b]).numpy()
            kept = np.flatnonzero(present[b])
            best = ious[kept].argmax(0)
            labels = np.full(200, -1)
            labels[ious[kept].max(0) < 0.3] = 0
            labels[ious[kept].max(0) >= 0.7] = 1
            indices = kept[best]
            for i in kept if forced else ():
                if ious[i].max() >= forced:
                    labels[ious[i] == ious[i].max()] = 1
                    indices[ious[i] == ious[i].max()] = i
            np.testing.assert_array_equal(found.labels[b], labels)
            positive = labels == 1
            np.testing.assert_array_equal(
                found.indices.numpy()[b][positive], indices[positive]
            )

    def test_compiled_alike(self):
        import tensorflow as tf

        rule = MatchRule(0.7, 0.3, 0.3)
        boxes = shifted(*range(0, 40, 3))
        plain = match(boxes, TRUTHS, PRESENT, rule)
        for jit in (False, True):
            call = tf.function(
                lambda b, t, p: match(b, t, p, rule)[:3], jit_compile=jit
            )
            for a, b in zip(plain, call(boxes, TRUTHS, PRESENT), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-6)

    @pytest.mark.parametrize(
        "arguments, text",
        [
            ((0.3, 0.7), "negative=0.7 is above positive=0.3"),
            ((0.7, 0.3, 0.0), "forced must be above 0.*forced=0.0"),
        ],
    )
    def test_says_which_rule_is_none(self, arguments, text):
        with pytest.raises(ValueError, match=text):
            MatchRule(*arguments)
