"""Intersection over union of label maps, by the official rule."""

from dataclasses import dataclass

import numpy as np

from hrnet_tf.data.label_sets import IGNORE_LABEL


@dataclass(frozen=True, eq=False)
class SegmentationScores:
    """What a confusion matrix says; shares are in 0..1.

    Attributes:
        mean_iou: float. Mean over all classes. As in the official code a class that is
            neither labelled nor predicted anywhere counts as 0.
        mean_iou_present: float. Mean over the classes that are labelled somewhere.
        pixel_accuracy: float. Share of the labelled pixels that are right.
        mean_accuracy: float. Mean over all classes of the share of a class's pixels
            that are found; as official, a class without pixels counts as 0.
        iou: float64 `[C]`. Intersection over union of each class.
        accuracy: float64 `[C]`. Share of each class's pixels that are found.
        absent: tuple of int. The classes neither labelled nor predicted anywhere.
    """

    mean_iou: float
    mean_iou_present: float
    pixel_accuracy: float
    mean_accuracy: float
    iou: np.ndarray
    accuracy: np.ndarray
    absent: tuple[int, ...]


def confusion_matrix(
    labels: np.ndarray, predictions: np.ndarray, num_classes: int
) -> np.ndarray:
    """Counts the pixels of each pair of labelled and predicted class.

    Args:
        labels: integer array of any shape, 0..C-1, and 255 for pixels to ignore.
        predictions: integer array of the same shape, 0..C-1.
        num_classes: int, `C`.
    Returns:
        int64 `[C, C]`: the row is the labelled class, the column the predicted one.
    Raises:
        ValueError: if the shapes differ, or a value is no class.
    """
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    if labels.shape != predictions.shape:
        raise ValueError(
            "Labels and predictions must have the same shape. Received: labels"
            f" {labels.shape}, predictions {predictions.shape}."
        )
    counted = labels != IGNORE_LABEL
    # int64: 256 classes squared do not fit into the arrays' own uint8.
    labels = labels[counted].astype(np.int64)
    predictions = predictions[counted].astype(np.int64)
    for name, values in (("labels", labels), ("predictions", predictions)):
        if values.size and not 0 <= values.min() <= values.max() < num_classes:
            wrong = values[(values < 0) | (values >= num_classes)][0]
            raise ValueError(
                f"{name} hold {wrong}, which is none of the {num_classes} classes"
                f" 0..{num_classes - 1}. Map the file's values with the label set, and"
                f" pixels to ignore to {IGNORE_LABEL}."
            )
    counts = np.bincount(labels * num_classes + predictions, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)


def scores(confusion: np.ndarray) -> SegmentationScores:
    """Computes the official numbers of a confusion matrix.

    Args:
        confusion: integer array `[C, C]`, see `confusion_matrix`.
    Returns:
        `SegmentationScores`.
    Raises:
        ValueError: if it is not square, or no pixel was counted.
    Reference:
        HRNet-Semantic-Segmentation, lib/core/function.py, testval.
    """
    confusion = np.asarray(confusion, np.int64)
    if confusion.ndim != 2 or confusion.shape[0] != confusion.shape[1]:
        raise ValueError(
            "A confusion matrix has as many rows as columns. Received the shape"
            f" {confusion.shape}."
        )
    if not confusion.sum():
        raise ValueError(
            "No labelled pixel was counted: all are marked to be ignored. Check that"
            " the label set belongs to these label files."
        )
    labelled, predicted = confusion.sum(1), confusion.sum(0)
    right = np.diag(confusion)
    union = labelled + predicted - right
    # At least 1: classes without pixels get 0 instead of NaN, and count.
    iou = right / np.maximum(union, 1)
    accuracy = right / np.maximum(labelled, 1)
    return SegmentationScores(
        mean_iou=float(iou.mean()),
        mean_iou_present=float(iou[labelled > 0].mean()),
        pixel_accuracy=float(right.sum() / labelled.sum()),
        mean_accuracy=float(accuracy.mean()),
        iou=iou,
        accuracy=accuracy,
        absent=tuple(np.flatnonzero(union == 0).tolist()),
    )
