"""What is known to be wrong with labelled objects before any training on them."""

from collections.abc import Sequence

import numpy as np

from hrnet_tf.data.copies import check_splits
from hrnet_tf.data.detection_example import DetectionExample
from hrnet_tf.data.findings import Finding
from hrnet_tf.data.object_sets import ObjectSet
from hrnet_tf.data.sides import listed

# Copies among more pictures take too long to look for at each start.
MOST_COMPARED = 20_000


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
    for part, examples in (("training", train), ("validation", val)):
        if not examples:
            continue
        counts = np.zeros(object_set.num_classes, np.int64)
        for example in examples:
            np.add.at(counts, example.classes[~example.ignored], 1)
        if not counts.any():
            found.append(
                Finding(
                    "error",
                    f"No picture of the {part} data has an object.",
                    "Check the annotations, and the classes of the object set"
                    f" {object_set.name!r}.",
                )
            )
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
