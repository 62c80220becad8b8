"""Which anchors are learnt from, and the losses of a handful by hand."""

import detection_cases as cases
import numpy as np
import pytest

from hrnet_tf.losses.detection.labels import read_labels, smooth_l1
from hrnet_tf.losses.detection.proposals import proposal_losses, usable_anchors
from hrnet_tf.losses.detection.rules import TwoStageRule, two_stage_rule

# One object, the same as the second of four anchors; the third overlaps it by a third,
# the others not at all.
ANCHORS = np.float32(
    [[0, 0, 10, 10], [20, 0, 30, 10], [25, 0, 35, 10], [50, 0, 60, 10]]
)
LABELS = {
    "boxes": np.float32([[[20, 0, 30, 10], [0, 0, 0, 0]]]),
    "classes": np.int32([[2, -1]]),
    "crowd": np.zeros((1, 2), bool),
    "image_sizes": np.float32([[32, 64]]),
}
SCORES = np.float32([[1.0, 2.0, 50.0, -3.0]])
DELTAS = np.float32([[[9] * 4, [0.5, 0, -0.05, 0], [9] * 4, [9] * 4]])
KEYS = np.float32([[0.9, 0.1, 0.5, 0.3]])


def losses(rule, labels=LABELS, keys=KEYS, usable=None):
    usable = np.ones((1, 4), bool) if usable is None else usable
    parts = proposal_losses(
        *(SCORES, DELTAS, ANCHORS, usable, read_labels(labels), rule),
        *(cases.encode, keys),
    )
    return cases.means(parts)


def cost(score, label):
    return np.log1p(np.exp(-score if label else score))


class TestLosses:
    def test_of_all_anchors(self):
        found = losses(TwoStageRule())
        expected = (cost(2, 1) + cost(1, 0) + cost(-3, 0)) / 3
        np.testing.assert_allclose(found["rpn_class_loss"], expected, rtol=1e-6)
        np.testing.assert_allclose(found["rpn_box_loss"], 0.55 / 3, rtol=1e-6)

    def test_with_a_smooth_bottom(self):
        found = losses(TwoStageRule(anchor_beta=1 / 9))["rpn_box_loss"]
        expected = (0.5 - 1 / 18 + 0.05**2 * 4.5) / 3
        np.testing.assert_allclose(found, expected, rtol=1e-6)

    def test_of_a_sample(self):
        found = losses(TwoStageRule(anchor_samples=2))
        expected = (cost(2, 1) + cost(1, 0)) / 2
        np.testing.assert_allclose(found["rpn_class_loss"], expected, rtol=1e-6)
        found = losses(TwoStageRule(anchor_samples=2), keys=1 - KEYS)
        expected = (cost(2, 1) + cost(-3, 0)) / 2
        np.testing.assert_allclose(found["rpn_class_loss"], expected, rtol=1e-6)

    def test_of_an_image_without_objects(self):
        labels = {**LABELS, "classes": np.int32([[-1, -1]])}
        found = losses(TwoStageRule(), labels)
        # As published, an image counts as if it had one object's anchor.
        expected = sum(cost(x, 0) for x in SCORES[0]) / 5
        np.testing.assert_allclose(found["rpn_class_loss"], expected, rtol=1e-6)
        assert found["rpn_box_loss"] == 0

    def test_gradients_are_finite_where_boxes_are_empty(self):
        import tensorflow as tf

        labels = {**LABELS, "boxes": np.zeros((1, 2, 4), np.float32)}
        scores, deltas = tf.constant(SCORES), tf.constant(DELTAS)
        with tf.GradientTape() as tape:
            tape.watch([scores, deltas])
            parts = proposal_losses(
                *(scores, deltas, ANCHORS * 0, np.ones((1, 4), bool)),
                *(read_labels(labels), TwoStageRule(), cases.encode, KEYS),
            )
            loss = sum(part.total for part in parts.values())
        for gradient in tape.gradient(loss, [scores, deltas]):
            assert np.isfinite(gradient).all()

    def test_are_torchvisions(self):
        """Numbers of torchvision 0.29 for these boxes, all anchors taken."""
        rng = np.random.default_rng(7)
        truths = cases.make_truths(rng, mask_size=112)
        boxes = [(4, 4, 28, 22), (40, 6, 58, 30), (66, 30, 92, 60), (6, 34, 30, 62)]
        boxes = np.float32([*boxes, (70, 2, 92, 20), (0, 0, 0, 0)])
        truths = truths._replace(boxes=np.stack([boxes, boxes]))
        anchors = np.concatenate(cases.make_anchors())
        rng = np.random.default_rng(8)
        scores = rng.normal(0, 3, (2, len(anchors))).astype(np.float32)
        deltas = rng.normal(0, 0.3, (2, len(anchors), 4)).astype(np.float32)
        rule = TwoStageRule(anchor_samples=4000, anchor_beta=1 / 9)
        parts = proposal_losses(
            *(scores, deltas, anchors, np.ones(scores.shape, bool), truths, rule),
            *(cases.encode, scores * 0),
        )
        found = list(cases.means(parts).values())
        np.testing.assert_allclose(found, [1.4418746, 0.023529584], rtol=1e-5)


class TestUsableAnchors:
    def find(self, image_sizes, **kwargs):
        anchors = cases.make_anchors()
        sizes = [[side // s for side in cases.IMAGE_SIZE] for s in cases.STRIDES]
        found = usable_anchors(
            anchors, sizes, cases.STRIDES, np.float32(image_sizes), **kwargs
        )
        assert found.shape == (len(image_sizes), sum(map(len, anchors)))
        return np.asarray(found), np.concatenate(anchors)

    def test_all_of_a_full_image(self):
        assert self.find([cases.IMAGE_SIZE])[0].all()

    def test_cells_of_the_images_own_padding_alone(self):
        # Padded to 32x64, so that four and two rows, eight and four columns are its.
        found, anchors = self.find([(20, 33)])
        x, y = (anchors[:, i] + anchors[:, i + 2] for i in (0, 1))
        np.testing.assert_array_equal(found[0], (x / 2 < 64) & (y / 2 < 32))
        assert found.sum() == 3 * (4 * 8 + 2 * 4)

    @pytest.mark.parametrize("border", [0.0, 6.0])
    def test_those_that_stay_inside(self, border):
        found, anchors = self.find([(50, 90)], border=border)
        inside = (anchors[:, :2] >= -border).all(1)
        inside &= (anchors[:, 2:] < np.array([90, 50]) + border).all(1)
        np.testing.assert_array_equal(found[0], inside)
        assert 0 < inside.sum() < len(inside)


def test_smooth_l1():
    errors = np.float32([[0.5, -2, 0, 0]])
    np.testing.assert_allclose(smooth_l1(errors, 1.0), [0.125 + 1.5])
    np.testing.assert_allclose(smooth_l1(errors, 0.0), [2.5])


class TestRules:
    def test_generations_differ(self):
        new, old = two_stage_rule("mmdet"), two_stage_rule("official")
        assert (new.anchor_beta, new.roi_beta, new.border) == (0, 0, None)
        assert (old.anchor_beta, old.roi_beta, old.border) == (1 / 9, 1, 0)
        assert new.roi_matches[0].forced is None and old.roi_matches[0].forced == 0.5

    def test_cascade(self):
        rule = two_stage_rule("mmdet", 3)
        assert [match.positive for match in rule.roi_matches] == [0.5, 0.6, 0.7]
        assert rule.stage_weights == (1, 0.5, 0.25)
        assert (rule.anchor_beta, rule.roi_beta, rule.border) == (1 / 9, 1, 0)

    def test_says_what_is_not_published(self):
        with pytest.raises(ValueError, match="one stage or of three.*num_stages=2"):
            two_stage_rule("mmdet", 2)
        with pytest.raises(ValueError, match="mmdet, official.*convention='coco'"):
            two_stage_rule("coco")


class TestLabels:
    def test_says_what_they_lack(self):
        with pytest.raises(ValueError, match="lack crowd.*Received: boxes, classes"):
            read_labels({k: v for k, v in LABELS.items() if k != "crowd"})
        with pytest.raises(ValueError, match="lack masks.*with_masks=False"):
            read_labels(LABELS, with_masks=True)
        with pytest.raises(ValueError, match="must be a dict of boxes.*ndarray"):
            read_labels(LABELS["boxes"])

    def test_crowds_and_padding_are_no_objects(self):
        crowd = np.array([[True, True]])
        truths = read_labels({**LABELS, "crowd": crowd})
        assert not np.asarray(truths.present).any()
        np.testing.assert_array_equal(truths.crowd, [[True, False]])

    def test_boxes_that_end_at_their_last_pixel(self):
        found = read_labels(LABELS, extent=1.0).boxes
        np.testing.assert_array_equal(found[0], [[20, 0, 29, 9], [0, 0, 0, 0]])

    def test_of_no_row_get_one_of_padding(self):
        labels = {k: v[:, :0] for k, v in LABELS.items() if k != "image_sizes"}
        labels |= {"image_sizes": LABELS["image_sizes"], "masks": np.ones((1, 0, 9, 9))}
        truths = read_labels(labels, with_masks=True)
        assert truths.boxes.shape == (1, 1, 4) and truths.masks.shape == (1, 1, 9, 9)
        assert not np.asarray(truths.present).any()
        assert losses(TwoStageRule(), labels)["rpn_box_loss"] == 0
