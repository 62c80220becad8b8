"""Top-k accuracies and the confusion matrix against plain NumPy."""

import numpy as np
import pytest

from hrnet_tf.metrics import topk


@pytest.fixture
def outcome():
    rng = np.random.default_rng(0)
    return rng.normal(size=(500, 12)).astype("float32"), rng.integers(0, 12, 500)


@pytest.mark.parametrize("k", [1, 3, 5, 12, 20])
def test_top_k_equals_sorting(outcome, k):
    scores, labels = outcome
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    expected = np.mean([label in row for label, row in zip(labels, best, strict=True)])
    assert topk.top_k_accuracy(scores, labels, k) == pytest.approx(expected, abs=1e-12)


def test_of_equal_scores_the_lower_class_is_first():
    scores = np.zeros((3, 4))
    assert topk.top_k_accuracy(scores, [0, 1, 2], 1) == pytest.approx(1 / 3)
    assert topk.top_k_accuracy(scores, [0, 1, 2], 2) == pytest.approx(2 / 3)


def test_confusion_matrix(outcome):
    scores, labels = outcome
    expected = np.zeros((12, 12), int)
    for row, label in zip(scores, labels, strict=True):
        expected[label, row.argmax()] += 1
    confusion = topk.confusion_matrix(scores, labels)
    np.testing.assert_array_equal(confusion, expected)
    top1 = topk.top_k_accuracy(scores, labels, 1)
    assert np.trace(confusion) / confusion.sum() == pytest.approx(top1, abs=1e-12)


def test_per_class_accuracy():
    shares = topk.per_class_accuracy(np.array([[3, 1, 0], [0, 0, 0], [2, 0, 2]]))
    np.testing.assert_array_equal(shares, [0.75, np.nan, 0.5])


def test_bad_input(outcome):
    scores, labels = outcome
    with pytest.raises(ValueError, match=r"shapes \(500, 12\) and \(499,\)"):
        topk.top_k_accuracy(scores, labels[1:], 1)
    with pytest.raises(ValueError, match=r"holds 12 for example 3; expected 0\.\.11"):
        topk.confusion_matrix(scores, np.where(np.arange(500) == 3, 12, labels))
    with pytest.raises(ValueError, match="k must be positive. Received: k=0"):
        topk.top_k_accuracy(scores, labels, 0)
    scores[7, 2] = np.nan
    with pytest.raises(ValueError, match="scores of example 7 hold NaN"):
        topk.top_k_accuracy(scores, labels, 1)
