"""Accuracies of classification."""

import numpy as np


def top_k_accuracy(scores: np.ndarray, labels: np.ndarray, k: int) -> float:
    """Share of the examples whose class is among the `k` of the highest scores.

    Of equal scores the lower class counts as the higher one.

    Args:
        scores: array `[N, C]`, logits or probabilities.
        labels: int array `[N]`, 0-based.
        k: int. With `k >= C` the share is 1.
    Returns:
        float in 0..1.
    Raises:
        ValueError: for wrong shapes, labels out of range, or scores that are NaN.
    """
    scores, labels = _checked(scores, labels)
    if k < 1:
        raise ValueError(f"k must be positive. Received: k={k}.")
    own = scores[np.arange(len(labels)), labels][:, None]
    before = np.arange(scores.shape[1]) < labels[:, None]
    rank = np.count_nonzero((scores > own) | ((scores == own) & before), axis=1)
    return float(np.mean(rank < k))


def confusion_matrix(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Counts the examples of each class by the class of the highest score.

    Args:
        scores, labels: see `top_k_accuracy`.
    Returns:
        int64 array `[C, C]`; rows are the true classes.
    """
    scores, labels = _checked(scores, labels)
    count = scores.shape[1]
    cells = labels * count + np.argmax(scores, axis=1)
    return np.bincount(cells, minlength=count * count).reshape(count, count)


def per_class_accuracy(confusion: np.ndarray) -> np.ndarray:
    """Share of each class's examples that were found: float64 `[C]`, NaN without any.

    Args:
        confusion: int array `[C, C]` from `confusion_matrix`.
    """
    counts = confusion.sum(1)
    shares = np.full(len(counts), np.nan)
    np.divide(np.diagonal(confusion), counts, out=shares, where=counts > 0)
    return shares


def _checked(scores, labels):
    scores, labels = np.asarray(scores), np.asarray(labels)
    if scores.ndim != 2 or labels.shape != scores.shape[:1] or not len(labels):
        raise ValueError(
            "Expected scores [N, C] and labels [N] of at least one example. Received"
            f" the shapes {scores.shape} and {labels.shape}."
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= scores.shape[1]))
    if wrong.size:
        raise ValueError(
            f"labels holds {labels[wrong[0]]} for example {wrong[0]}; expected"
            f" 0..{scores.shape[1] - 1}, as scores has {scores.shape[1]} classes."
        )
    bad = np.flatnonzero(np.isnan(scores).any(1))
    if bad.size:
        raise ValueError(
            f"scores of example {bad[0]} hold NaN. A diverged model predicts such"
            " values."
        )
    return scores, labels.astype(np.int64)
