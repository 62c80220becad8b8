"""What is known to be wrong with labelled people before anything is trained on them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hrnet_tf.data.copies import check_splits
from hrnet_tf.data.findings import Finding
from hrnet_tf.data.keypoint_sets import KeypointSet
from hrnet_tf.data.sides import guess_pairs, listed, one_sided
from hrnet_tf.data.spelling import check_spelling

# Copies among more pictures take too long to look for at each start.
MOST_COMPARED = 20_000
_FEW = 20


def check_people(
    train: Sequence[Any],
    val: Sequence[Any],
    keypoint_set: KeypointSet,
    flips: bool,
    lengths: Callable[..., Any] | None = None,
    same: str = "warning",
) -> list[Finding]:
    """Checks the people of a run.

    Args:
        train, val: lists of `PoseExample`.
        keypoint_set: `KeypointSet`.
        flips: bool. Whether training mirrors pictures.
        lengths: `(examples) -> array [N]` of the lengths that the test's errors are
            relative to, 0 where they are unknown; or None where it needs none.
        same: level of the finding that both parts are the same pictures.
    Returns:
        List of `Finding`.
    """
    paths = {
        name: [example.image_path for example in examples]
        for name, examples in (("train", train), ("val", val))
    }
    found = check_splits(paths, same, MOST_COMPARED)
    if not train or not val:
        return found
    found += check_sides(keypoint_set, flips)
    found += check_spelling(keypoint_set.names, "keypoints")
    found += _check_labels(train, val, keypoint_set.names)
    if lengths is not None and not np.any(lengths(val) > 0):
        found.append(_not_scored(keypoint_set))
    people = sum(example.num_people for example in train)
    if people < _FEW:
        found.append(
            Finding(
                "warning",
                f"There are only {people} labelled objects to train on.",
                "Expect little of the result; label more, or begin with --weights.",
            )
        )
    return found


def check_sides(keypoint_set: KeypointSet, flips: bool) -> list[Finding]:
    """Checks that names that tell a side have a partner, if pictures are mirrored.

    Args:
        keypoint_set: `KeypointSet`.
        flips: bool. Whether training mirrors pictures.
    Returns:
        List of `Finding`.
    """
    names, pairs = keypoint_set.names, keypoint_set.flip_pairs
    alone = one_sided(names, pairs)
    if not alone or not flips:
        return []
    guessed = [pair for pair in guess_pairs(names) if set(pair) & set(alone)]
    if guessed:
        advice = f'Add to the keypoint set "flip_pairs": {_pairs_text(guessed)}.'
    else:
        advice = "Name their partners in flip_pairs, or train without mirroring."
    return [
        Finding(
            "warning",
            f"Training mirrors pictures, but {listed(alone)} of the keypoint set"
            f" {keypoint_set.name!r} are in no pair of flip_pairs: in mirrored pictures"
            " left and right are labelled wrong.",
            advice,
        )
    ]


def _pairs_text(pairs):
    shown = ", ".join(f'["{a}", "{b}"]' for a, b in pairs)
    return f"[{shown}]"


def _check_labels(train, val, names):
    """Keypoints that are never labelled."""
    found = []
    for split, examples in (("training", train), ("validation", val)):
        labelled = np.concatenate([e.keypoints[..., 2] > 0 for e in examples]).sum(0)
        if not labelled.any():
            found.append(
                Finding(
                    "error",
                    f"No keypoint of anybody in the {split} data is labelled: all have"
                    " the visibility 0.",
                    "Check how the annotation tool writes visible points (2, or 1 where"
                    " they are hidden).",
                )
            )
            continue
        never = [n for n, count in zip(names, labelled, strict=True) if not count]
        if never:
            found.append(
                Finding(
                    "warning" if split == "training" else "note",
                    f"{listed(never)}: labelled on nobody in the {split} data.",
                    "They are not learnt; leave them out of the names, or label them."
                    if split == "training"
                    else "They do not count in the score.",
                )
            )
    return found


def _not_scored(keypoint_set):
    pair = keypoint_set.pck_reference
    if pair is None:
        return Finding(
            "error",
            "The score is relative to the boxes, and no box of the validation data has"
            " an extent.",
            "Give the annotations boxes, or the keypoint set a pck_reference.",
        )
    return Finding(
        "error",
        f"The score is relative to the distance of {pair[0]} and {pair[1]}, which are"
        " labelled together on nobody in the validation data.",
        "Name two other keypoints as pck_reference, or leave it out: the score is then"
        " relative to the boxes.",
    )
