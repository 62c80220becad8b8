"""The Lovász-Softmax loss, against a direct computation in NumPy."""

import keras
import numpy as np
import pytest

from hrnet_tf.losses.lovasz import LovaszCrossEntropy, lovasz_softmax
from hrnet_tf.losses.segmentation import SegmentationCrossEntropy

NUM_CLASSES = 4


def reference(probabilities, labels):
    """Adds pixel after pixel to the set of wrong ones, the worst first."""
    kept = labels != 255
    probabilities, labels = probabilities[kept], labels[kept]
    losses = []
    for c in np.unique(labels):
        truth = labels == c
        errors = np.abs(truth - probabilities[:, c])
        wrong, before, loss = np.zeros(len(labels), bool), 0.0, 0.0
        for i in np.argsort(-errors, kind="stable"):
            wrong[i] = True
            found = truth ^ wrong
            iou = (truth & found).sum() / (truth | found).sum()
            loss += errors[i] * (1 - iou - before)
            before = 1 - iou
        losses.append(loss)
    return np.mean(losses) if losses else 0.0


def draw(seed, num_pixels, ignored=0.2):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(NUM_CLASSES), num_pixels)
    # One class is nowhere.
    labels = rng.integers(0, NUM_CLASSES - 1, num_pixels)
    labels[rng.random(num_pixels) < ignored] = 255
    return probabilities.astype("float32"), labels.astype("int32")


@pytest.mark.parametrize("ignored", [0.0, 0.2, 1.0])
def test_equals_the_direct_computation(ignored):
    probabilities, labels = draw(0, 60, ignored)
    found = float(
        lovasz_softmax(*map(keras.ops.convert_to_tensor, (probabilities, labels)))
    )
    assert found == pytest.approx(reference(probabilities, labels), abs=1e-6)


def test_hard_decisions_cost_what_iou_loses():
    """For probabilities 0 and 1 the loss is 1 - IoU exactly."""
    rng = np.random.default_rng(1)
    labels, found = rng.integers(0, NUM_CLASSES, (2, 200))
    loss = float(lovasz_softmax(np.eye(NUM_CLASSES, dtype="float32")[found], labels))
    ious = [
        ((labels == c) & (found == c)).sum() / ((labels == c) | (found == c)).sum()
        for c in range(NUM_CLASSES)
    ]
    assert loss == pytest.approx(1 - np.mean(ious), abs=1e-6)


@pytest.mark.parametrize(
    "interpolation, places",
    [("bilinear", [2, 6, 10]), ("bilinear_align_corners", [0, 6, 11])],
)
def test_is_added_to_the_cross_entropy(interpolation, places):
    rng = np.random.default_rng(2)
    logits = rng.normal(size=(2, 3, 3, NUM_CLASSES)).astype("float32")
    labels = rng.integers(0, NUM_CLASSES, (2, 12, 12)).astype("uint8")
    labels[:, :3] = 255
    arguments = {"class_weights": (1, 2, 3, 4), "interpolation": interpolation}
    plain = float(SegmentationCrossEntropy(**arguments)(labels, logits))
    loss = LovaszCrossEntropy(lovasz_weight=0.5, **arguments)
    loss = LovaszCrossEntropy.from_config(loss.get_config())
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    picked = labels[:, places][:, :, places]
    lovasz = reference(probabilities.reshape(-1, NUM_CLASSES), picked.reshape(-1))
    assert float(loss(labels, logits)) == pytest.approx(plain + 0.5 * lovasz, rel=1e-5)


def test_a_negative_weight():
    with pytest.raises(ValueError, match="lovasz_weight=-1"):
        LovaszCrossEntropy(lovasz_weight=-1)
