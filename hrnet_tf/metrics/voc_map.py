"""PASCAL VOC's mean average precision.

Reference: PASCAL VOC development kit, VOCevaldet.m (matching, difficult objects, the
area under the curve, since 2010) and VOCap.m of 2007 (eleven points).
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from hrnet_tf.data.detection_example import DetectionExample
from hrnet_tf.metrics.boxes import box_iou

THRESHOLD = 0.5


@dataclasses.dataclass(frozen=True)
class VocScores:
    """The outcome of VOC's test.

    Attributes:
        area, eleven_points: float64 `[C]`, the average precision of each class by the
            area under its curve and at eleven recalls; NaN of classes without a
            labelled object that is not difficult.
        curves: tuple of `C` pairs of float64 arrays, recalls and precisions, one of
            each found object, the surest first.
    """

    area: np.ndarray
    eleven_points: np.ndarray
    curves: tuple

    @property
    def numbers(self) -> dict[str, float]:
        """dict of "mAP" and "mAP_11" to float, means over the classes that occur."""
        present = np.isfinite(self.area)
        if not present.any():
            return {"mAP": float("nan"), "mAP_11": float("nan")}
        return {
            "mAP": float(self.area[present].mean()),
            "mAP_11": float(self.eleven_points[present].mean()),
        }


def voc_scores(
    examples: Sequence[DetectionExample],
    boxes: Sequence[np.ndarray],
    scores: Sequence[np.ndarray],
    classes: Sequence[np.ndarray],
    num_classes: int,
    threshold: float = THRESHOLD,
) -> VocScores:
    """Scores detections as VOC's kit does.

    Each found object belongs to the labelled one of its class that it overlaps most:
    right if that is more than `threshold` and no surer one took it. Those that belong
    to a difficult object, or a crowd, count neither as right nor as wrong. An overlap
    of exactly the threshold counts, as in the kit.

    Args:
        examples: `I` examples.
        boxes, scores, classes: `I` arrays each, of what was found in an image:
            `[N, 4]` (left, top, right, bottom), `[N]` and `[N]`.
        num_classes: int, `C`.
        threshold: float, the overlap (IoU).
    Returns:
        `VocScores`.
    """
    matched = [
        _matched(*found, threshold)
        for found in zip(examples, boxes, scores, classes, strict=True)
    ]
    every = [np.concatenate(part) for part in zip(*matched, strict=True)]
    found_scores, found_classes, right, ignored = every
    counts = np.zeros(num_classes, np.int64)
    for example in examples:
        np.add.at(counts, example.classes[~example.ignored], 1)
    curves, areas, points = [], [], []
    for number in range(num_classes):
        chosen = (found_classes == number) & ~ignored
        order = np.argsort(-found_scores[chosen], kind="stable")
        hits = right[chosen][order]
        total = counts[number]
        recall = np.cumsum(hits) / max(total, 1)
        precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
        curves.append((recall, precision))
        areas.append(_area(recall, precision) if total else np.nan)
        points.append(_eleven_points(recall, precision) if total else np.nan)
    return VocScores(np.array(areas), np.array(points), tuple(curves))


def _matched(example, boxes, scores, classes, threshold):
    """Scores, classes, and which are right and to be ignored, of an image's objects."""
    scores, classes = np.asarray(scores), np.asarray(classes)
    order = np.argsort(-scores, kind="stable")
    scores, classes, boxes = scores[order], classes[order], np.asarray(boxes)[order]
    right, ignored = np.zeros((2, len(scores)), bool)
    overlaps = box_iou(boxes, example.boxes)
    overlaps[classes[:, None] != example.classes[None]] = -1
    taken = np.zeros(example.num_objects, bool)
    for i in range(len(scores)):
        if not example.num_objects:
            break
        best = int(overlaps[i].argmax())
        if overlaps[i, best] < threshold:
            continue
        if example.ignored[best]:
            ignored[i] = True
        elif not taken[best]:
            right[i] = taken[best] = True
    return scores, classes, right, ignored


def _area(recall, precision):
    """The area under the curve, with precisions that never rise with the recall."""
    recall = np.concatenate([[0.0], recall, [1.0]])
    precision = np.concatenate([[0.0], precision, [0.0]])
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall) * precision[1:]))


def _eleven_points(recall, precision):
    """The mean of the best precisions at recalls of 0, 0.1 ... 1 or more."""
    best = [precision[recall >= tenths / 10].max(initial=0.0) for tenths in range(11)]
    return float(np.mean(best))
