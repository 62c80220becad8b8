"""Classes and label maps of the user's own data: what they are, and what is wrong."""

import dataclasses
import functools
from typing import Any

import numpy as np

from hrnet_tf.data.findings import Finding
from hrnet_tf.data.formats.label_checks import check_labels, read_label
from hrnet_tf.data.label_set import IGNORE_LABEL, LabelSet
from hrnet_tf.data.label_sets import load_label_set
from hrnet_tf.data.label_tables import LABEL_SETS
from hrnet_tf.data.sides import guess_pairs, listed
from hrnet_tf.own.choices import Choices
from hrnet_tf.own.reading import UserData
from hrnet_tf.pictures.masks import draw_segmentation
from hrnet_tf.tasks.base import Table
from hrnet_tf.tasks.segmentation.checks import check_maps
from hrnet_tf.tasks.segmentation.own_test import fitted
from hrnet_tf.tasks.segmentation.result import SegmentationMap
from hrnet_tf.tasks.sizes import sizes_table
from hrnet_tf.words import counted

_FIELDS = tuple(field.name for field in dataclasses.fields(LabelSet))
# So many label maps tell which values there are.
_SAMPLE = 200


def choose_labels(choices: "Choices", data: "UserData", given: Any = None) -> LabelSet:
    """Chooses the label set: a named one, or what the data and their file tell.

    Args:
        choices: `Choices`.
        data: `UserData`.
        given: str or dict or None. The user's label set.
    Returns:
        `LabelSet`.
    """
    fields = {key: value for key, value in data.fields.items() if key in _FIELDS}
    if given is not None:
        is_dict = isinstance(given, dict)
        label_set = LabelSet.from_dict(given) if is_dict else load_label_set(given)
        label_set, note = _by_names(label_set, data.train)
        reason = f"as asked for{note}"
    elif "classes" in fields:
        label_set = LabelSet.from_dict({"name": data.name, **fields})
        label_set, note = _by_names(label_set, data.train)
        classes = counted(label_set.num_classes, "classes")
        reason = f"the {classes} that {data.source} names{note}"
    elif data.train.names:
        told = {"classes": data.train.names, "palette": data.train.palette}
        label_set = LabelSet.from_dict({"name": data.name, **told, **fields})
        reason = (
            f"the {counted(label_set.num_classes, 'classes')} of {data.train.source}"
        )
    else:
        values = _values(data)
        label_set = LabelSet.from_dict(
            {"name": data.name, **_unnamed(values), **fields}
        )
        reason = f"the label maps hold the values {_ranges(values)}, without names"
        reason += "" if "label_ids" in fields else _hint(values)
    if not label_set.flip_pairs and "flip_pairs" not in fields and given is None:
        pairs = guess_pairs(label_set.classes)
        label_set = dataclasses.replace(label_set, flip_pairs=pairs)
    choices.put("labels", label_set.to_dict(), reason, "--labels NAME|FILE")
    return label_set


def _by_names(label_set, labelled):
    """The label set with the values of its names in the data, and what to say of it."""
    names = tuple(labelled.names)
    if not names or names == label_set.classes:
        return label_set, ""
    if not set(names) & set(label_set.classes):
        # Other names for the same classes.
        if len(names) != label_set.num_classes:
            raise ValueError(
                f"The label set {label_set.name!r} has {label_set.num_classes} classes,"
                f" but {labelled.source} has {len(names)}: {listed(names)}. Name the"
                " same ones."
            )
        return label_set, f", for {listed(names)} there, in this order"
    fit = fitted(label_set, labelled, f"the label set {label_set.name!r}")
    return fit, ", which have other numbers there"


def _values(data):
    """The values of a part of the label maps, sorted."""
    examples = data.train.examples
    step = max(1, -(-len(examples) // _SAMPLE))
    found = set()
    for example in examples[::step]:
        found.update(np.unique(read_label(example.label_path)).tolist())
    return sorted(found)


def _unnamed(values):
    """Fields of a label set of values that nobody names."""
    if values in ([0, IGNORE_LABEL], [IGNORE_LABEL]):
        classes = ("background", "foreground")
        ids = (0, IGNORE_LABEL)
        return {"classes": classes, "label_ids": ids, "ignored_ids": ()}
    ids = [value for value in values if value != IGNORE_LABEL]
    return {"classes": tuple(f"class_{i}" for i in ids), "label_ids": tuple(ids)}


def _hint(values):
    """Which known label sets have these values, or ""."""
    ids = set(values) - {IGNORE_LABEL}
    known = {
        name: (set(_ids(label_set)), set(label_set.ignored_ids) - {IGNORE_LABEL})
        for name, label_set in LABEL_SETS.items()
    }
    alike = [
        f"--labels {name}"
        for name, (classes, ignored) in known.items()
        if ids in (classes, classes | ignored)
    ]
    if not alike:
        return ""
    return (
        f"; if they mean the same as there, {' or '.join(alike)} names them, and tells"
        " which are no class"
    )


def _ids(label_set):
    """The values of a label set's classes."""
    return label_set.label_ids or range(label_set.num_classes)


def _ranges(values):
    """Such as "0-11, 255"."""
    parts, start = [], None
    for i, value in enumerate(values):
        start = value if start is None else start
        if i + 1 == len(values) or values[i + 1] != value + 1:
            parts.append(f"{start}-{value}" if start != value else str(value))
            start = None
    return ", ".join(parts)


@functools.lru_cache(maxsize=1)
def _counts(data, label_set):
    """The pixels of each class in each part; label maps are decoded once."""
    return {
        split: check_labels(part.examples, label_set, skip_bad=True)[1]
        for split, part in data.splits.items()
    }


def check(
    data: "UserData", settings: dict[str, Any], deep: bool = False
) -> list[Finding]:
    """Checks label maps before they are trained on; see `OwnData.check`."""
    label_set = LabelSet.from_dict(settings["labels"])
    parts = data.train.examples, data.val.examples
    counts = None
    if deep:
        found = _counts(data, label_set)
        counts = [found["train"], found["val"]]
    return check_maps(*parts, label_set, settings["flips"], counts, "error")


def facts(
    data: UserData, settings: dict[str, Any], deep: bool = False
) -> dict[str, Table]:
    """Tables of the classes and sizes; see `OwnData.facts`."""
    if not deep:
        return {"Pictures": sizes_table(data)}
    label_set = LabelSet.from_dict(settings["labels"])
    found = _counts(data, label_set)
    columns, rows = ["class"], [[name] for name in label_set.classes]
    for split in data.splits:
        counts = found[split]
        columns.append(f"{split}: share of pixels")
        for row, count in zip(rows, counts, strict=True):
            row.append(f"{count / max(1, counts.sum()):.2%}")
    table = Table(tuple(columns), tuple(map(tuple, rows)))
    return {"Classes": table, "Pictures": sizes_table(data)}


def draw(example: Any, settings: dict[str, Any]) -> np.ndarray:
    """Draws a picture with its classes as colours."""
    label_set = LabelSet.from_dict(settings["labels"])
    labels = label_set.lookup()[read_label(example.label_path)]
    return draw_segmentation(example.image_path, SegmentationMap(labels, label_set))
