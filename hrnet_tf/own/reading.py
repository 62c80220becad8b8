"""Reads data of the user's own: parts, and what there is to know of each."""

import dataclasses
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np

from hrnet_tf.data.bad_examples import told_to_skip
from hrnet_tf.data.formats import image_folder, label_folder
from hrnet_tf.data.formats.tools.base import LabelledData
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.own.layout import find_layout
from hrnet_tf.own.merging import merged
from hrnet_tf.own.records import read_part
from hrnet_tf.typing import PathLike


@dataclasses.dataclass(frozen=True, eq=False)
class UserData:
    """Data of the user's own.

    Attributes:
        source: Path that was given.
        kind: str, see `LabelledData.task`.
        splits: dict of "train", "val", "test" to `LabelledData`.
        fields: dict of a descriptor's fields that a description gives.
        split_text: str. How the validation came about; "" where the data tell it.
        left_out: `LeftOut`. What was left out and belongs to none of several parts.
    """

    source: Path
    kind: str
    splits: dict
    fields: dict = dataclasses.field(default_factory=dict)
    split_text: str = ""
    left_out: LeftOut = dataclasses.field(default_factory=LeftOut)

    @property
    def train(self) -> LabelledData:
        """`LabelledData` to train on."""
        return self.splits["train"]

    @property
    def val(self) -> LabelledData:
        """`LabelledData` to test on while training."""
        return self.splits["val"]

    @property
    def name(self) -> str:
        """str: what to call the data."""
        given = self.fields.get("name")
        source = Path(self.source).resolve()
        generic = source.stem in ("data", "dataset", "train", "annotations")
        return given or (source.parent.name if generic else source.stem) or "data"

    def paths(self, split: str) -> list[str]:
        """Returns the paths of a part's pictures (list of str)."""
        return [example.image_path for example in self.splits[split].examples]


def read_data(
    source: PathLike,
    kind: str,
    images: PathLike | None = None,
    format: str | None = None,
    skip_bad: bool = False,
    progress: Callable[..., Any] | None = None,
    task: str | None = None,
    work: PathLike | None = None,
    parts: Collection[str] | None = None,
) -> UserData:
    """Reads data of the user's own.

    Args:
        source: path of a description, a folder, or an annotation file.
        kind: str, see `LabelledData.task`.
        images: path of the folder of the pictures, or None.
        format: str or None, of the annotations; None is found out.
        skip_bad: bool. Leaves out single bad examples, with a warning.
        progress: callable (done, total) or None.
        task: str or None. Name of the task that asks; another one in a description is
            an error.
        work: path of a folder for label maps that are drawn from polygons, or None.
        parts: names of those to read, where the layout tells several; None reads all.
    Returns:
        `UserData`, without validation where the data tell none.
    Raises:
        ValueError: if there is nothing to read, or it is bad.
    """
    layout = find_layout(source, kind, images, format)
    if task is not None and layout.task not in (None, task, kind):
        raise ValueError(
            f"{layout.source} is for the task {layout.task!r}. Received: {task!r}. Name"
            f" that task in the command, or change the line 'task: {layout.task}'."
        )
    splits: dict[str, LabelledData] = {}
    for split, part in layout.parts.items():
        if parts is not None and split not in parts:
            continue
        own_work = None if work is None else Path(work) / split
        with told_to_skip():
            files = []
            for number, file in enumerate((part, *part.more)):
                place = own_work / str(number) if own_work and part.more else own_work
                files.append(_read_part(file, kind, skip_bad, progress, splits, place))
            splits[split] = merged(files)
    left_out = LeftOut()
    if list(splits) == ["train"] and splits["train"].splits:
        left_out = splits["train"].left_out.of(None)
        splits = by_names(splits["train"], splits["train"].splits)
    if kind == "detection":
        splits = _with_all_names(splits)
    _check_names(splits)
    return UserData(Path(source), kind, splits, layout.fields, left_out=left_out)


def _read_part(part, kind, skip_bad, progress, before, work):
    """The `LabelledData` of a part."""
    if part.format == "folder" and kind == "segmentation":
        return _masks(part, skip_bad)
    if part.format == "folders" and kind == "classification":
        names = before["train"].names if "train" in before else None
        return _classes(part, names, skip_bad, progress)
    if part.format == "records":
        return read_part(part.labels.parent, part.labels.name, kind, progress)
    from hrnet_tf.data.formats.tools import read_labelled

    return read_labelled(
        part.labels,
        format=part.format,
        images=part.images,
        work=work,
        task=kind,
        skip_bad=skip_bad,
        progress=progress,
    )


def _masks(part, skip_bad):
    images = part.images or part.labels
    examples = label_folder.load_segmentation(images, part.labels, skip_bad=skip_bad)
    return LabelledData("segmentation", "folder", part.labels, examples, ())


def _classes(part, names, skip_bad, progress):
    names = names or image_folder.class_folders(part.labels)
    examples = image_folder.load_folders(part.labels, names, skip_bad, progress)
    return LabelledData("classification", "folders", part.labels, examples, names)


def by_names(labelled: LabelledData, wanted: dict[str, str]) -> dict[str, LabelledData]:
    """Divides data by a dict of image path to the name of the part.

    Args:
        labelled: `LabelledData`.
        wanted: dict; pictures that it does not name go into "train".
    Returns:
        dict of the parts' names to `LabelledData`, each with what was left out of it;
        empty ones are left out.
    """
    found: dict[str, list[Any]] = {"train": [], "val": [], "test": []}
    for example in labelled.examples:
        found[wanted.get(example.image_path, "train")].append(example)
    parts = {}
    for split, examples in found.items():
        if examples:
            left_out = labelled.left_out.of(split)
            # What goes for all is told once.
            notes = labelled.notes if split == "train" else ()
            parts[split] = dataclasses.replace(
                labelled, examples=examples, left_out=left_out, notes=notes
            )
    return parts


def _with_all_names(splits):
    """Parts of objects with one list of classes.

    Many tools tell classes by their use alone, which differs from part to part.
    """
    names = dict.fromkeys(name for part in splits.values() for name in part.names)
    places = {name: number for number, name in enumerate(names)}
    found = {}
    for split, labelled in splits.items():
        if tuple(labelled.names) != tuple(names):
            order = np.array([places[name] for name in labelled.names], np.int32)
            examples = [
                dataclasses.replace(example, classes=order[example.classes])
                for example in labelled.examples
            ]
            labelled = dataclasses.replace(
                labelled, examples=examples, names=tuple(names)
            )
        found[split] = labelled
    return found


def _check_names(splits):
    first = next(iter(splits.values()))
    for split, labelled in splits.items():
        if tuple(labelled.names) == tuple(first.names):
            continue
        raise ValueError(
            f"The names in {labelled.source} ({split}) are not those in {first.source}:"
            f" {', '.join(labelled.names[:8])} there,"
            f" {', '.join(first.names[:8])} here. Use the same names in the same order."
        )
