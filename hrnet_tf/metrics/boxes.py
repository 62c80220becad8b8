"""Overlaps of boxes, and which labelled object is found as what."""

from collections.abc import Sequence

import numpy as np

from hrnet_tf.data.detection_example import DetectionExample


def box_iou(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Returns the overlap (intersection over union) of all pairs, float64 `[N, M]`.

    Args:
        boxes, others: float arrays `[N, 4]` and `[M, 4]`: left, top, right, bottom.
    """
    a, b = (np.asarray(x, np.float64).reshape(-1, 4) for x in (boxes, others))
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(-1)
    areas = [(x[:, 2:] - x[:, :2]).prod(-1) for x in (a, b)]
    union = areas[0][:, None] + areas[1][None] - common
    return common / np.maximum(union, 1e-12)


def box_confusion(
    examples: Sequence[DetectionExample],
    boxes: Sequence[np.ndarray],
    scores: Sequence[np.ndarray],
    classes: Sequence[np.ndarray],
    num_classes: int,
    min_score: float,
    threshold: float = 0.5,
) -> np.ndarray:
    """Counts which labelled class is found as which.

    Found and labelled objects are paired whatever their classes, those of the largest
    overlap first, equal classes before others of the same overlap. What is paired with
    nothing is missed, or found in the background; found objects that lie on a region to
    ignore are left out.

    Args:
        examples: `I` examples.
        boxes, scores, classes: `I` arrays each, see `voc_map.voc_scores`.
        num_classes: int, `C`.
        min_score: float. Objects found with a lower score are left out.
        threshold: float, the least overlap (IoU) of a pair.
    Returns:
        int64 `[C + 1, C + 1]`: the row is the labelled class, the column the found one;
        the last row is the background, the last column what was missed.
    """
    counts = np.zeros((num_classes + 1,) * 2, np.int64)
    for example, places, sure, kinds in zip(
        examples, boxes, scores, classes, strict=True
    ):
        shown = np.asarray(sure) >= min_score
        places, kinds = np.asarray(places)[shown], np.asarray(kinds)[shown]
        real = ~example.ignored
        overlaps = box_iou(places, example.boxes)
        labels = example.classes
        same = kinds[:, None] == labels[None]
        # Overlaps are at most 1; equal ones go to the same class.
        ranked = np.argsort(-(overlaps + 1e-6 * same), axis=None, kind="stable")
        found_left, label_left = np.ones(len(kinds), bool), real.copy()
        for i, j in zip(*np.unravel_index(ranked, overlaps.shape), strict=True):
            if overlaps[i, j] < threshold:
                break
            if found_left[i] and label_left[j]:
                counts[labels[j], kinds[i]] += 1
                found_left[i] = label_left[j] = False
        on_ignored = _covered(places, example.boxes[~real]) >= threshold
        np.add.at(counts, (num_classes, kinds[found_left & ~on_ignored]), 1)
        np.add.at(counts, (labels[label_left], num_classes), 1)
    return counts


def _covered(boxes, regions):
    """The largest share of each box that one of the regions covers, float64 `[N]`."""
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    low = np.maximum(boxes[:, None, :2], regions[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], regions[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(-1)
    areas = np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(-1), 1e-12)
    return (common / areas[:, None]).max(1, initial=0.0)
