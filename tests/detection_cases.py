"""Drawn boxes for the tests of detectors, and deltas in NumPy."""

import numpy as np

from hrnet_tf.losses.detection.labels import read_labels

STRIDES = (8, 16)
IMAGE_SIZE = (64, 96)


def encode(boxes, truths):
    """Deltas without standard deviations, `[..., 4]`."""
    boxes, truths = np.asarray(boxes), np.asarray(truths)
    sizes, goals = (np.maximum(x[..., 2:] - x[..., :2], 1e-3) for x in (boxes, truths))
    shift = (truths[..., :2] + truths[..., 2:] - boxes[..., :2] - boxes[..., 2:]) / 2
    deltas = np.concatenate([shift / sizes, np.log(goals / sizes)], axis=-1)
    return deltas.astype(np.float32)


def draw_boxes(rng, shape, size=IMAGE_SIZE, sides=(8, 40)):
    """Boxes within an image: float32 `[*shape, 4]`."""
    height, width = size
    spans = rng.uniform(*sides, (*shape, 2))
    start = rng.uniform(0, 1, (*shape, 2)) * ((width, height) - spans)
    return np.concatenate([start, start + spans], axis=-1).astype(np.float32)


def make_anchors():
    """Anchors of two levels for `IMAGE_SIZE`, a list of `[h * w * 3, 4]`."""
    levels = []
    for stride in STRIDES:
        y, x = np.meshgrid(
            *(np.arange(side // stride) * stride for side in IMAGE_SIZE), indexing="ij"
        )
        ratios = np.array([0.5, 1.0, 2.0])
        half = 2 * stride * np.stack([ratios**-0.5, ratios**0.5], axis=-1)
        centers = np.stack([x, y], axis=-1)[:, :, None]
        boxes = np.concatenate([centers - half, centers + half], axis=-1)
        levels.append(boxes.reshape(-1, 4).astype(np.float32))
    return levels


def make_labels(rng, counts=(3, 5), rows=6, classes=4, mask_size=None):
    """The labels of a batch: a dict as `model.fit` takes it."""
    boxes = draw_boxes(rng, (len(counts), rows))
    present = np.arange(rows) < np.array(counts)[:, None]
    labels = {
        "boxes": np.where(present[..., None], boxes, 0).astype(np.float32),
        "classes": np.where(
            present, rng.integers(0, classes, present.shape), -1
        ).astype(np.int32),
        "crowd": np.zeros(present.shape, bool),
        "image_sizes": np.array([IMAGE_SIZE] * len(counts), np.float32),
    }
    if mask_size:
        y, x = np.mgrid[:mask_size, :mask_size] + 0.5
        radii = rng.uniform(0.3, 0.6, (*present.shape, 1, 1)) * mask_size
        away = np.hypot(y - mask_size / 2, x - mask_size / 2)
        labels["masks"] = (away < radii).astype(np.uint8)
    return labels


def make_truths(*args, **kwargs):
    """`Truths` of `make_labels`."""
    labels = make_labels(*args, **kwargs)
    return read_labels(labels, with_masks="masks" in labels)


def means(parts):
    """The values of parts of a loss, on one replica."""
    return {
        name: float(part.total) / max(float(part.weight), part.floor)
        for name, part in parts.items()
    }
