"""What is known to be wrong with classified images before anything is trained."""

import collections
from collections.abc import Sequence
from typing import Any

from hrnet_tf.data.copies import check_splits
from hrnet_tf.data.findings import Finding
from hrnet_tf.data.sides import listed
from hrnet_tf.data.spelling import check_spelling

# Copies among more pictures take too long to look for at each start.
MOST_COMPARED = 20_000
_FEW = 10


def check_classes(
    train: Sequence[Any],
    val: Sequence[Any],
    names: Sequence[str],
    same: str = "warning",
) -> list[Finding]:
    """Checks the images of a run.

    Args:
        train, val: lists of `ClassificationExample`, or `TfdsImages`, of which less is
            known.
        names: sequence of str, the classes.
        same: level of the finding that both parts are the same pictures.
    Returns:
        List of `Finding`.
    """
    found = check_spelling(names, "classes")
    if len(names) < 2:
        found.append(
            Finding(
                "error",
                f"There is one class only: {listed(names)}.",
                "A classifier tells two or more; add a folder of pictures that are not"
                " of this class.",
            )
        )
    if not isinstance(train, list) or not isinstance(val, list):
        return found
    paths = {
        split: [example.image_path for example in examples]
        for split, examples in (("train", train), ("val", val))
    }
    found += check_splits(paths, same, MOST_COMPARED)
    counts = [collections.Counter(e.label for e in part) for part in (train, val)]
    return [*found, *_check_counts(names, *counts)]


def _check_counts(names, train, val):
    """Classes of which there are no or few pictures."""
    found = []
    absent = [name for i, name in enumerate(names) if not train[i]]
    if absent:
        found.append(
            Finding(
                "warning",
                f"{listed(absent)}: no training picture is of this class.",
                "It is not learnt; add pictures, or remove the class.",
            )
        )
    untested = [n for i, n in enumerate(names) if train[i] and not val[i]]
    if untested:
        found.append(
            Finding(
                "note",
                f"{listed(untested)}: no validation picture is of this class.",
                "Nothing is said about how well it is told.",
            )
        )
    few = [n for i, n in enumerate(names) if 0 < train[i] < _FEW]
    if few:
        found.append(
            Finding(
                "warning",
                f"{listed(few)}: fewer than {_FEW} training pictures.",
                "Expect little of it; add pictures, or begin with --weights.",
            )
        )
    return found
