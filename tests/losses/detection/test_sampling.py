"""Which boxes are drawn: how many, by which seed, and in which order."""

import numpy as np
import pytest
import tensorflow as tf

from hrnet_tf.losses.detection.sampling import draw_keys, image_seeds, sample

LABELS = np.array([[1] * 5 + [0] * 15 + [-1] * 4, [0] * 3 + [1] * 20 + [-1]], np.int32)
KEYS = np.random.default_rng(0).uniform(size=LABELS.shape).astype(np.float32)


def drawn(labels=LABELS, size=8, fraction=0.5, keys=KEYS):
    return [np.asarray(x) for x in sample(labels, size, fraction, keys)]


class TestSample:
    def test_takes_positives_up_to_their_share_then_negatives(self):
        indices, positive, valid = drawn()
        assert indices.shape == (2, 8)
        # Four of five and four of 15; four of 20 and all three.
        assert positive.sum(1).tolist() == [4, 4]
        assert valid.sum(1).tolist() == [8, 7]
        for b in range(2):
            chosen = indices[b][valid[b]]
            assert len(set(chosen.tolist())) == len(chosen)
            assert (LABELS[b, chosen] == positive[b][valid[b]]).all()
            # Those with the largest keys, positives first.
            for label, number in ((1, 4), (0, valid[b].sum() - 4)):
                of_label = np.flatnonzero(LABELS[b] == label)
                best = of_label[np.argsort(-KEYS[b, of_label])][:number]
                taken = chosen[LABELS[b, chosen] == label]
                np.testing.assert_array_equal(taken, best)
        assert (np.diff(positive.astype(int), axis=1) <= 0).all()

    def test_few_positives_leave_their_places_to_negatives(self):
        labels = np.zeros((1, 24), np.int32)
        labels[0, 3] = 1
        _, positive, valid = drawn(labels, keys=KEYS[:1])
        assert positive.sum() == 1 and valid.sum() == 8

    def test_more_places_than_boxes_take_all(self):
        indices, positive, valid = drawn(size=64)
        assert indices.shape == (2, 64)
        assert positive.sum(1).tolist() == [5, 20]
        assert valid.sum(1).tolist() == [20, 23]

    def test_nothing_to_take(self):
        _, _, valid = drawn(np.full((1, 24), -1, np.int32), keys=KEYS[:1])
        assert not valid.any()

    def test_every_box_is_as_likely(self):
        counts = np.zeros(24)
        for step in range(200):
            keys = draw_keys(image_seeds(np.zeros((1, 1, 4)), (0, step)), 24)
            indices, _, valid = drawn(LABELS[:1], keys=keys)
            counts[indices[valid]] += 1
        # 4 of 5 and 4 of 15 in 200 draws: 160 and 53.
        assert (abs(counts[:5] - 160) < 30).all()
        assert (abs(counts[5:20] - 53.3) < 28).all()
        assert (counts[20:] == 0).all()


class TestKeys:
    BOXES = np.random.default_rng(1).uniform(0, 99, (4, 3, 4)).astype(np.float32)

    def keys(self, *base, boxes=BOXES):
        return np.asarray(draw_keys(image_seeds(boxes, base), 50))

    def test_are_the_same_again(self):
        np.testing.assert_array_equal(self.keys(1, 2), self.keys(1, 2))

    @pytest.mark.parametrize("base", [(1, 3), (2, 2), (2, 1)])
    def test_differ_by_seed_and_step(self, base):
        assert not np.isclose(self.keys(1, 2), self.keys(*base)).all(1).any()

    def test_belong_to_an_image_wherever_it_is(self):
        whole = self.keys(1, 2)
        assert len(np.unique(whole)) > 190
        turned = self.keys(1, 2, boxes=self.BOXES[[3, 1]])
        np.testing.assert_array_equal(turned, whole[[3, 1]])

    def test_do_not_depend_on_the_padding(self):
        padded = np.pad(self.BOXES, [(0, 0), (0, 5), (0, 0)])
        np.testing.assert_array_equal(self.keys(1, 2, boxes=padded), self.keys(1, 2))

    @pytest.mark.parametrize("jit_compile", [False, True])
    def test_are_the_floats_of_philox_also_by_xla(self, jit_compile):
        seeds = image_seeds(self.BOXES, (1, 2))
        expected = [
            tf.random.stateless_uniform([50], seed, alg="philox") for seed in seeds
        ]
        draw = tf.function(lambda seeds: draw_keys(seeds, 50), jit_compile=jit_compile)
        np.testing.assert_array_equal(draw(seeds), expected)
