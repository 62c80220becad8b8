"""Losses on label maps, against the official rules written in NumPy."""

import keras
import numpy as np
import pytest

from hrnet_tf.losses.segmentation import OHEMCrossEntropy, SegmentationCrossEntropy

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 3, (2, 8, 12))
LABELS[:, :3, :5] = 255
LOGITS = RNG.normal(0, 2, (2, 8, 12, 3)).astype(np.float32)
WEIGHTS = (0.5, 1.0, 3.0)


def pixels(labels=LABELS, logits=LOGITS):
    """Probabilities of the true classes, and the classes, of the labelled pixels."""
    odds = np.exp(logits.astype(np.float64))
    shares = odds / odds.sum(-1, keepdims=True)
    valid = labels != 255
    classes = labels[valid]
    return shares[valid][np.arange(len(classes)), classes], classes


class TestCrossEntropy:
    def test_is_the_weighted_mean_over_labelled_pixels(self):
        shares, classes = pixels()
        weights = np.array(WEIGHTS)[classes]
        expected = (weights * -np.log(shares)).sum() / weights.sum()
        found = SegmentationCrossEntropy(WEIGHTS)(LABELS, LOGITS)
        np.testing.assert_allclose(found, expected, rtol=1e-6)
        found = SegmentationCrossEntropy()(LABELS, LOGITS)
        np.testing.assert_allclose(found, -np.log(shares).mean(), rtol=1e-6)

    def test_of_nothing_labelled_is_zero(self):
        labels = np.full_like(LABELS, 255)
        for loss in (SegmentationCrossEntropy(WEIGHTS), OHEMCrossEntropy()):
            assert float(loss(labels, LOGITS)) == 0

    @pytest.mark.parametrize("rule", ["bilinear", "bilinear_align_corners"])
    def test_resizes_logits_by_the_rule_given(self, rule):
        small = LOGITS[:, :2, :3]
        at = {
            "bilinear": lambda n, m: (np.arange(m) + 0.5) * n / m - 0.5,
            "bilinear_align_corners": lambda n, m: np.linspace(0, n - 1, m),
        }[rule]
        rows, columns = at(2, 8).clip(0, 1), at(3, 12).clip(0, 2)
        along = np.stack([1 - rows, rows], 1)
        across = np.maximum(0, 1 - abs(columns[:, None] - np.arange(3)))
        large = np.einsum("yi,xj,bijc->byxc", along, across, small)
        shares, _ = pixels(logits=large)
        found = SegmentationCrossEntropy(interpolation=rule)(LABELS, small)
        np.testing.assert_allclose(found, -np.log(shares).mean(), rtol=1e-5)

    def test_says_which_weights_do_not_fit(self):
        with pytest.raises(ValueError, match="holds 2 numbers for 3 classes"):
            SegmentationCrossEntropy((1.0, 2.0))(LABELS, LOGITS)


class TestOHEM:
    @pytest.mark.parametrize("kept", [1, 20, 10**6])
    @pytest.mark.parametrize("threshold", [0.3, 0.9])
    @pytest.mark.parametrize("images", [1, 2])
    def test_keeps_the_hard_pixels(self, kept, threshold, images):
        labels, logits = LABELS[:images], LOGITS[:images]
        shares, classes = pixels(labels, logits)
        place = min(kept * images, len(shares) - 1)
        hard = shares < max(np.sort(shares)[place], threshold)
        losses = -np.log(shares) * np.array(WEIGHTS)[classes]
        loss = OHEMCrossEntropy(threshold, kept, class_weights=WEIGHTS)
        expected = losses[hard].mean()
        np.testing.assert_allclose(loss(labels, logits), expected, rtol=1e-5)

    def test_copies_of_a_batch_cost_the_same(self):
        loss = OHEMCrossEntropy(0.3, 10)
        twice = loss(np.concatenate([LABELS] * 2), np.concatenate([LOGITS] * 2))
        np.testing.assert_allclose(twice, loss(LABELS, LOGITS), rtol=1e-6)

    def test_says_what_cannot_be_kept(self):
        with pytest.raises(ValueError, match="positive integer. .*per_image=0"):
            OHEMCrossEntropy(min_kept_per_image=0)

    def test_ignored_pixels_get_no_gradient(self):
        tf = pytest.importorskip("tensorflow")
        logits = tf.Variable(LOGITS)
        with tf.GradientTape() as tape:
            loss = OHEMCrossEntropy(0.3, 10)(LABELS, logits)
        gradient = abs(tape.gradient(loss, logits).numpy()).sum(-1)
        shares, _ = pixels()
        limit = max(np.sort(shares)[20], 0.3)
        hard = np.zeros(LABELS.shape, bool)
        hard[LABELS != 255] = shares < limit
        assert ((gradient > 0) == hard).all()


@pytest.mark.parametrize(
    "loss",
    [
        SegmentationCrossEntropy(WEIGHTS, "bilinear_align_corners"),
        OHEMCrossEntropy(0.5, 7, class_weights=WEIGHTS),
    ],
)
def test_survives_saving(loss):
    fields = keras.saving.serialize_keras_object(loss)
    copy = keras.saving.deserialize_keras_object(fields)
    assert copy.get_config() == loss.get_config()
    assert float(copy(LABELS, LOGITS)) == float(loss(LABELS, LOGITS))
