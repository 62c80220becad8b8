"""Which regions are learnt from, and what their classes, boxes and masks cost."""

import detection_cases as cases
import numpy as np
import pytest

from hrnet_tf.losses.detection.labels import read_labels
from hrnet_tf.losses.detection.matching import MatchRule
from hrnet_tf.losses.detection.regions import (
    draw_regions,
    mask_loss,
    mask_targets,
    region_losses,
)

# A proposal half of the first object, one beside all, a padded one; a padded object.
PROPOSALS = np.float32([[[0, 0, 10, 12], [40, 0, 50, 10], [20, 0, 30, 10]]])
VALID = np.array([[True, True, False]])
LABELS = {
    "boxes": np.float32([[[0, 0, 0, 0], [0, 0, 10, 20], [20, 0, 30, 10]]]),
    "classes": np.int32([[-1, 2, 0]]),
    "crowd": np.zeros((1, 3), bool),
    "image_sizes": np.float32([[32, 64]]),
}


def keys(number):
    return np.linspace(0.9, 0.1, number, dtype=np.float32)[None]


def draw(size=8, fraction=0.5, labels=LABELS, rule=MatchRule(0.5, 0.5)):  # noqa: B008
    truths = read_labels(labels)
    found = draw_regions(
        PROPOSALS, VALID, truths, rule, size, fraction, 3, lambda n: keys(int(n))
    )
    return truths, type(found)(*(np.asarray(x) for x in found))


class TestDraw:
    def test_objects_boxes_first(self):
        _, found = draw()
        assert found.boxes[0, :4].tolist() == [
            [0, 0, 10, 20],
            [20, 0, 30, 10],
            [0, 0, 10, 12],
            [40, 0, 50, 10],
        ]
        assert found.valid[0].tolist() == [True] * 4 + [False] * 4
        assert found.classes[0, :4].tolist() == [2, 0, 2, 3]
        assert found.positive[0].tolist() == [True] * 3 + [False]
        assert found.indices[0, :3].tolist() == [1, 2, 1]
        assert found.is_truth[0].tolist() == [True] * 2 + [False] * 6
        assert not found.boxes[0, 4:].any()

    def test_share_of_objects(self):
        _, found = draw(size=4, fraction=0.25)
        assert found.positive.tolist() == [[True]]
        assert found.classes[0, :2].tolist() == [2, 3]
        assert found.valid.sum() == 2

    def test_an_image_without_objects(self):
        _, found = draw(labels={**LABELS, "classes": np.int32([[-1, -1, -1]])})
        assert found.valid.sum() == 2 and not found.positive.any()
        assert (found.classes == 3).all()

    def test_no_gradients_flow_through_proposals(self):
        import tensorflow as tf

        proposals = tf.constant(PROPOSALS)
        with tf.GradientTape() as tape:
            tape.watch(proposals)
            found = draw_regions(
                *(proposals, VALID, read_labels(LABELS), MatchRule(0.5, 0.5)),
                *(8, 0.5, 3, lambda n: keys(int(n))),
            )
            total = tf.reduce_sum(found.boxes)
        assert tape.gradient(total, proposals) is None


class TestLosses:
    @pytest.mark.parametrize("agnostic", [False, True])
    def test_by_hand(self, agnostic):
        truths, regions = draw()
        rng = np.random.default_rng(0)
        logits = rng.normal(size=(1, 8, 4)).astype(np.float32)
        deltas = np.full((1, 8, 1 if agnostic else 3, 4), 9, np.float32)
        channels = (0, 0, 0) if agnostic else (2, 0, 2)
        deltas[0, [0, 1, 2], channels] = 0
        # The third has the right width and a height that is wrong by a factor.
        found = cases.means(
            region_losses(logits, deltas, regions, truths, 0.0, cases.encode)
        )
        shares = np.exp(logits[0]) / np.exp(logits[0]).sum(-1, keepdims=True)
        expected = -np.log(shares[[0, 1, 2, 3], [2, 0, 2, 3]]).mean()
        np.testing.assert_allclose(found["class_loss"], expected, rtol=1e-6)
        expected = (np.log(20 / 12) + 4 / 12) / 4
        np.testing.assert_allclose(found["box_loss"], expected, rtol=1e-6)


class TestMasks:
    def targets(self, masks, box, side=4, owner=(10, 10, 30, 50)):
        labels = {
            **LABELS,
            "boxes": np.float32([[[0, 0, 0, 0], [0, 0, 0, 0], owner]]),
            "masks": np.stack([masks * 0, masks * 0, masks])[None],
        }
        truths = read_labels(labels, with_masks=True)
        indices = np.int32([[2]])
        found = mask_targets(np.float32([[box]]), indices, truths, side).numpy()
        static = mask_targets(np.float32([[box]]), indices, truths, side, static=True)
        np.testing.assert_array_equal(static, found)
        return found[0, 0]

    def test_of_the_objects_own_box_is_the_mask(self):
        rng = np.random.default_rng(0)
        coarse = rng.integers(0, 2, (4, 4))
        masks = np.kron(coarse, np.ones((28, 28))).astype(np.uint8)
        np.testing.assert_array_equal(self.targets(masks, (10, 10, 30, 50)), coarse)

    def test_half_of_a_cell_is_enough_however_it_is_rounded(self):
        # Samples lie between two of a cell's four rows, of which every other is 1.
        masks = np.zeros((112, 112), np.uint8)
        masks[::2] = 1
        rng = np.random.default_rng(0)
        for box in cases.draw_boxes(rng, (20,), sides=(3, 50)):
            assert self.targets(masks, box, 28, box).all()

    def test_of_a_box_beside_it_moves(self):
        coarse = np.arange(16).reshape(4, 4) % 3 > 0
        masks = np.kron(coarse, np.ones((28, 28))).astype(np.uint8)
        # A cell is 5x10 pixels.
        found = self.targets(masks, (15, 20, 35, 60))
        expected = np.zeros((4, 4))
        expected[:3, :3] = coarse[1:, 1:]
        np.testing.assert_array_equal(found, expected)
        # Of the same corner and twice as large: half a cell or more is the object's.
        found = self.targets(np.ones((112, 112), np.uint8), (10, 10, 50, 90))
        np.testing.assert_array_equal(found, np.kron([[1, 0], [0, 0]], np.ones((2, 2))))

    def test_loss_is_of_the_labels_channel(self):
        labels = {**LABELS, "masks": np.ones((1, 3, 112, 112), np.uint8)}
        truths = read_labels(labels, with_masks=True)
        _, regions = draw()
        logits = np.full((1, 4, 28, 28, 3), 9, np.float32)
        logits[0, 0, :, :, 2], logits[0, 1, :, :, 0] = 1, -1
        # The third covers the upper 12 of 20 rows of its object.
        logits[0, 2, :, :, 2] = 2
        part = mask_loss(logits, regions, truths)
        expected = [np.log1p(np.exp(-x)) for x in (1, -1, 2)]
        np.testing.assert_allclose(part.total, sum(expected), rtol=1e-6)
        assert float(part.weight) == 3
