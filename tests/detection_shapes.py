"""Drawn shapes to find, and how many a detector finds."""

import numpy as np


def draw_shapes(count, size=(96, 128), seed=0):
    """Pictures of bright rectangles and ellipses: images and labels for `fit`."""
    rng = np.random.default_rng(seed)
    height, width = size
    images = rng.uniform(60, 120, (count, *size, 3)).astype(np.float32)
    labels = {
        "boxes": np.zeros((count, 3, 4), np.float32),
        "classes": np.full((count, 3), -1, np.int32),
        "crowd": np.zeros((count, 3), bool),
        "image_sizes": np.array([size] * count, np.float32),
        "masks": np.zeros((count, 3, 112, 112), np.uint8),
    }
    y, x = np.mgrid[:112, :112]
    ellipse = np.hypot(x - 55.5, y - 55.5) < 56
    for i in range(count):
        for k in range(rng.integers(1, 4)):
            # A column of the picture for each, so that none hides another.
            w, h = rng.integers(20, 38), rng.integers(20, 60)
            left = k * width // 3 + rng.integers(0, width // 3 - w + 1)
            top = rng.integers(0, height - h + 1)
            kind = rng.integers(2)
            mask = ellipse if kind else np.ones_like(ellipse)
            rows, columns = (np.arange(n) * 112 // n for n in (h, w))
            color = rng.uniform(150, 255, 3) * ((1, 0.3, 0.3), (0.3, 0.3, 1))[kind]
            place = images[i, top : top + h, left : left + w]
            place[mask[rows][:, columns]] = color
            labels["boxes"][i, k] = left, top, left + w, top + h
            labels["classes"][i, k] = kind
            labels["masks"][i, k] = mask
    return images, labels


def average_precision(found, labels, overlap=0.5):
    """The mean over classes of the area under the precision by recall.

    Args:
        found: dict of arrays, of `detect`.
        labels: dict of arrays, of `draw_shapes`.
        overlap: float. A detection from this overlap on is one of the object.
    """
    scores = []
    for kind in range(2):
        hits, total = [], 0
        for i, (boxes, classes) in enumerate(
            zip(labels["boxes"], labels["classes"], strict=True)
        ):
            truths = boxes[classes == kind]
            total += len(truths)
            free = np.ones(len(truths), bool)
            for box, score in zip(
                found["boxes"][i][found["classes"][i] == kind],
                found["scores"][i][found["classes"][i] == kind],
                strict=True,
            ):
                shares = np.where(free, _overlaps(box, truths), 0)
                hit = len(truths) and shares.max() >= overlap
                if hit:
                    free[shares.argmax()] = False
                hits.append((score, bool(hit)))
        hits = np.array([hit for _, hit in sorted(hits, key=lambda x: -x[0])])
        precision = hits.cumsum() / np.arange(1, len(hits) + 1)
        best = np.maximum.accumulate(precision[::-1])[::-1]
        scores.append(best[hits].sum() / total)
    return float(np.mean(scores))


def _overlaps(box, truths):
    start = np.maximum(box[:2], truths[:, :2])
    end = np.minimum(box[2:], truths[:, 2:])
    common = (end - start).clip(0).prod(1)
    areas = [(b[..., 2:] - b[..., :2]).prod(-1) for b in (box, truths)]
    return common / (areas[0] + areas[1] - common)
