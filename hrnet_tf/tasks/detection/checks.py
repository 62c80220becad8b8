"""What is known to be wrong with labelled objects before any training on them."""

from collections.abc import Sequence

import numpy as np

from hrnet_tf.data.copies import check_splits
from hrnet_tf.data.detection_example import DetectionExample
from hrnet_tf.data.findings import Finding
from hrnet_tf.data.object_sets import ObjectSet
from hrnet_tf.data.sides import listed
from hrnet_tf.data.spelling import check_spelling
from hrnet_tf.words import count_text, counted

# Copies among more pictures take too long to look for at each start.
MOST_COMPARED = 20_000
# Of boxes that are labelled twice: their overlap.
_SAME = 0.9
_FEW, _RARE = 20, 10
_LIE = ("box lies", "boxes lie")


def check_objects(
    train: Sequence[DetectionExample],
    val: Sequence[DetectionExample],
    object_set: ObjectSet,
    same: str = "warning",
) -> list[Finding]:
    """Checks the objects of a run.

    Args:
        train, val: lists of `DetectionExample`; what is in records may be left out.
        object_set: `ObjectSet`.
        same: level of the finding that both parts are the same pictures.
    Returns:
        List of `Finding`.
    """
    paths = {
        name: [example.image_path for example in examples]
        for name, examples in (("train", train), ("val", val))
    }
    found = check_splits(paths, same, MOST_COMPARED) if train else []
    found += check_spelling(object_set.classes, "classes")
    for part, examples in (("training", train), ("validation", val)):
        if not examples:
            continue
        counts, _ = class_counts(examples, object_set.num_classes)
        if not counts.any():
            found.append(_none(part, examples, object_set))
            continue
        absent = [n for n, c in zip(object_set.classes, counts, strict=True) if not c]
        if absent:
            found.append(
                Finding(
                    "warning" if part == "training" else "note",
                    f"{listed(absent)}: on no picture of the {part} data.",
                    "They are not learnt; leave them out of the classes."
                    if part == "training"
                    else "They do not count in the score.",
                )
            )
    return found


def _none(part, examples, object_set):
    ignored = sum(int(example.ignored.sum()) for example in examples)
    if ignored:
        boxes = counted(ignored, "boxes")
        return Finding(
            "error",
            f"No picture of the {part} data has an object to learn: its {boxes} are"
            " crowds, or difficult.",
            "Check 'iscrowd' of the annotations: sleap-io, for one, writes 1 for every"
            " object with a mask. Of single objects it is 0.",
        )
    return Finding(
        "error",
        f"No picture of the {part} data has an object.",
        "Check the annotations, and the classes of the object set"
        f" {object_set.name!r}.",
    )


def class_counts(
    examples: Sequence[DetectionExample], num_classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Counts the objects to learn of each class, and the pictures that show them.

    Args:
        examples: list of `DetectionExample`.
        num_classes: int, `C`.
    Returns:
        int64 arrays `[C]`, of objects and of pictures.
    """
    objects, pictures = (np.zeros(num_classes, np.int64) for _ in range(2))
    for example in examples:
        classes = example.classes[~example.ignored]
        np.add.at(objects, classes, 1)
        pictures[np.unique(classes)] += 1
    return objects, pictures


def check_boxes(
    train: Sequence[DetectionExample],
    val: Sequence[DetectionExample],
    object_set: ObjectSet,
) -> list[Finding]:
    """Checks for boxes that are labelled twice, and for few objects.

    Args:
        train, val, object_set: see `check_objects`.
    Returns:
        List of `Finding`.
    """
    found = _check_few(train, object_set)
    twice: list[str] = []
    contradict: list[str] = []
    for example in (*train, *val):
        for a, b in _same_boxes(example):
            names = [object_set.classes[example.classes[i]] for i in (a, b)]
            box = [round(float(v), 1) for v in example.boxes[b]]
            where = f"{box} in {example.image_path}"
            if names[0] == names[1]:
                twice.append(f"{names[0]} {where}")
            else:
                contradict.append(f"{names[0]} and {names[1]} {where}")
    if twice:
        found.append(
            Finding(
                "warning",
                f"{count_text(len(twice), *_LIE)} on another one of the same class,"
                f" such as {twice[0]} (left, top, right, bottom).",
                "Remove one of each two: an object that is labelled twice is found"
                " once, and counts as missed.",
            )
        )
    if contradict:
        found.append(
            Finding(
                "warning",
                f"{count_text(len(contradict), *_LIE)} on another one of another"
                f" class, such as {contradict[0]} (left, top, right, bottom).",
                "Decide for one class each, unless both are there.",
            )
        )
    return found


def _check_few(train, object_set):
    objects, _ = class_counts(train, object_set.num_classes)
    if 0 < objects.sum() < _FEW:
        return [
            Finding(
                "warning",
                f"There are only {objects.sum()} labelled objects to train on.",
                "Expect little of the result; label more, or begin with --weights.",
            )
        ]
    rare = [
        f"{name} ({count})"
        for name, count in zip(object_set.classes, objects, strict=True)
        if 0 < count < _RARE
    ]
    if not rare:
        return []
    return [
        Finding(
            "note",
            f"Few objects to train on: {listed(rare)}.",
            "Label more pictures of these classes.",
        )
    ]


def _same_boxes(example):
    """Yields pairs of objects whose boxes are nearly the same."""
    kept = np.flatnonzero(~example.ignored)
    boxes = example.boxes[kept].astype(np.float64)
    if len(boxes) < 2:
        return
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=-1)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=-1)
    overlap = shared / (areas[:, None] + areas[None] - shared)
    for a, b in zip(*np.nonzero(np.triu(overlap >= _SAME, 1)), strict=True):
        yield kept[a], kept[b]
