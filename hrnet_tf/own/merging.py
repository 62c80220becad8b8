"""Labels of several files as one: those of before, and corrected ones, say."""

import dataclasses
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from hrnet_tf.data.formats.tools.base import LabelledData
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.data.sides import listed
from hrnet_tf.words import counted

_REPLACED = "pictures that a later file labels, too"


def merged(files: Sequence[LabelledData]) -> LabelledData:
    """Puts the labels of several files together.

    Keypoints and classes are matched by their names. Of a picture that several files
    label, the labels of the last one count.

    Args:
        files: `LabelledData` of one task, in the order in which they are named.
    Returns:
        `LabelledData`.
    Raises:
        ValueError: if label maps are of different classes.
    """
    first, *others = files
    if not others:
        return first
    names = tuple(dict.fromkeys(name for file in files for name in file.names))
    files = [_with_names(file, names) for file in files]
    last = {_place(e): number for number, f in enumerate(files) for e in f.examples}
    examples: list[Any] = []
    told = "; ".join(
        f"{counted(len(f.examples), 'pictures')} of {f.source}" for f in files
    )
    left_out, notes = LeftOut(), {f"Labels of {len(files)} files: {told}.": None}
    for number, file in enumerate(files):
        kept = [e for e in file.examples if last[_place(e)] == number]
        for example in file.examples if len(kept) < len(file.examples) else ():
            if last[_place(example)] != number:
                split = file.splits.get(example.image_path)
                left_out.add(_REPLACED, example.image_path, split=split)
        examples += kept
        left_out.update(file.left_out)
        notes.update(dict.fromkeys(file.notes))
    categories = {file.category for file in files} - {None}
    pairs = [file.flip_pairs for file in files if file.flip_pairs is not None]
    return dataclasses.replace(
        first,
        examples=_numbered(examples, first.task),
        names=names,
        skeleton=tuple(dict.fromkeys(limb for f in files for limb in f.skeleton)),
        flip_pairs=tuple(dict.fromkeys(sum(pairs, ()))) if pairs else None,
        palette=next((file.palette for file in files if file.palette), ()),
        groups={path: g for file in files for path, g in file.groups.items()},
        splits={path: split for file in files for path, split in file.splits.items()},
        left_out=left_out,
        notes=tuple(notes),
        repeats=tuple(repeat for file in files for repeat in file.repeats),
        category=categories.pop() if len(categories) == 1 else None,
    )


def _place(example):
    return os.path.realpath(example.image_path)


def _with_names(file, names):
    """A file's labels with the numbers that keypoints or classes have in all."""
    if tuple(file.names) == names:
        return file
    places = np.array([names.index(name) for name in file.names], np.int32)
    if file.task == "pose":
        return _with_keypoints(file, names, places)
    if file.task == "segmentation":
        raise ValueError(
            f"The label maps of {file.source} are of the classes"
            f" {listed(file.names)}; together with those of the other files they would"
            f" be {listed(names)}. Give all files the same classes in the same order."
        )
    field = "label" if file.task == "classification" else "classes"
    examples = [
        dataclasses.replace(e, **{field: _moved(places, getattr(e, field))})
        for e in file.examples
    ]
    return dataclasses.replace(file, examples=examples, names=names)


def _moved(places, numbers):
    return int(places[numbers]) if np.ndim(numbers) == 0 else places[numbers]


def _with_keypoints(file, names, places):
    def spread(points):
        wide = np.zeros((*points.shape[:-2], len(names), 3))
        wide[..., places, :] = points
        return wide

    absent = [name for name in names if name not in file.names]
    note = (
        f"{listed(absent)}: in other files, but not in {file.source}, where they count"
        " as not labelled."
    )
    return dataclasses.replace(
        file,
        names=names,
        examples=[
            dataclasses.replace(e, keypoints=spread(e.keypoints)) for e in file.examples
        ],
        repeats=tuple(
            dataclasses.replace(r, points=spread(r.points)) for r in file.repeats
        ),
        notes=(*file.notes, *((note,) if absent else ())),
    )


def _numbered(examples, task):
    """Examples with numbers of pictures, and of people, that are different."""
    if task not in ("pose", "detection"):
        return examples
    numbered, first = [], 1
    for number, example in enumerate(examples, 1):
        fields: dict[str, Any] = {"image_id": number}
        if task == "pose":
            fields["ids"] = np.arange(first, first + example.num_people)
            first += example.num_people
        numbered.append(dataclasses.replace(example, **fields))
    return numbered
