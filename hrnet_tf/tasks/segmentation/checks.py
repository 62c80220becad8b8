"""What is known to be wrong with label maps before anything is trained on them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hrnet_tf.data.copies import check_splits
from hrnet_tf.data.findings import Finding
from hrnet_tf.data.label_set import LabelSet
from hrnet_tf.data.sides import guess_pairs, listed, one_sided
from hrnet_tf.data.spelling import check_spelling

# Copies among more pictures take too long to look for at each start.
MOST_COMPARED = 20_000
_RARE = 1e-4


def check_maps(
    train: Sequence[Any],
    val: Sequence[Any],
    label_set: LabelSet,
    flips: bool,
    counts: Sequence[np.ndarray] | None = None,
    same: str = "warning",
) -> list[Finding]:
    """Checks the label maps of a run.

    Args:
        train, val: lists of `SegmentationExample`.
        label_set: `LabelSet`.
        flips: bool. Whether training mirrors pictures.
        counts: pair of int arrays `[C]`, the pixels of each class in both; or None.
        same: level of the finding that both parts are the same pictures.
    Returns:
        List of `Finding`.
    """
    paths = {
        name: [example.image_path for example in examples]
        for name, examples in (("train", train), ("val", val))
    }
    found = check_splits(paths, same, MOST_COMPARED)
    found += _check_sides(label_set, flips)
    found += check_spelling(label_set.classes, "classes")
    if counts is not None:
        found += check_counts(label_set, *counts)
    return found


def check_counts(
    label_set: LabelSet, train: np.ndarray, val: np.ndarray
) -> list[Finding]:
    """Checks that classes occur.

    Args:
        label_set: `LabelSet`.
        train, val: int arrays `[C]`, the pixels of each class.
    Returns:
        List of `Finding`.
    """
    present = [n for n, c in zip(label_set.classes, train, strict=True) if c]
    absent = [n for n, c in zip(label_set.classes, train, strict=True) if not c]
    found = []
    if len(present) == 1 and label_set.num_classes > 1:
        found.append(
            Finding(
                "error",
                f"{present[0]!r} is the only class in the label maps of the training;"
                f" {listed(absent)} never occurs.{_ignored_text(label_set)}",
                _advice_for_one(label_set),
            )
        )
    elif absent:
        found.append(
            Finding(
                "warning",
                f"{listed(absent)}: no pixel of the training is of "
                + ("this class." if len(absent) == 1 else "these classes."),
                "They are not learnt; leave them out of the classes, or check the"
                " values of the label maps.",
            )
        )
    total = max(1, int(train.sum()))
    rare = [
        name
        for name, count in zip(label_set.classes, train, strict=True)
        if 0 < count < _RARE * total
    ]
    if rare:
        found.append(
            Finding(
                "note",
                f"{listed(rare)}: less than {_RARE:.2%} of the training's pixels.",
                "Weights of the classes help a little, more pictures of them more.",
            )
        )
    return [*found, *_untested(label_set, train, val)]


def _untested(label_set, train, val):
    """Classes that are learnt, and of which the score says nothing."""
    untested = [
        name
        for name, count, trained in zip(label_set.classes, val, train, strict=True)
        if trained and not count
    ]
    if not untested:
        return []
    return [
        Finding(
            "note",
            f"{listed(untested)}: no pixel of the validation is of this class, which"
            " counts as 0 in mIoU where it is not predicted either.",
            "Put pictures of it into the validation, or watch mIoU_present.",
        )
    ]


def _ignored_text(label_set):
    """What the ignored values mean, for masks of 0 and 255."""
    if not label_set.ignored_ids:
        return ""
    values = ", ".join(map(str, label_set.ignored_ids))
    return f" Pixels of the value {values} are ignored."


def _advice_for_one(label_set):
    ids = list(label_set.file_ids)
    if label_set.num_classes == 2 and 255 in label_set.ignored_ids:
        return (
            f"If 255 is meant to be {label_set.classes[1]!r}, give the label set"
            f' "label_ids": [{ids[0]}, 255] and "ignored_ids": [].'
        )
    return (
        f"Check the values of the label maps: those of the classes are {ids}; others"
        " are given by label_ids."
    )


def _check_sides(label_set, flips):
    alone = one_sided(label_set.classes, label_set.flip_pairs)
    if not alone or not flips:
        return []
    pairs = ", ".join(f'["{a}", "{b}"]' for a, b in guess_pairs(label_set.classes))
    return [
        Finding(
            "warning",
            f"Training mirrors pictures, but the classes {listed(alone)} are in no pair"
            " of flip_pairs: in mirrored pictures left and right are labelled wrong.",
            f'Add to the label set "flip_pairs": [{pairs}].'
            if pairs
            else "Name their partners in flip_pairs.",
        )
    ]
