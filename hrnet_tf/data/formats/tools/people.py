"""What is the same whichever tool labelled people: from points to examples."""

import dataclasses
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.formats.boxes import box_around
from hrnet_tf.data.formats.checks import check_image
from hrnet_tf.data.formats.tools.base import LabelledData
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.data.schema import PoseExample
from hrnet_tf.words import counted

UNLABELLED = "people without a labelled keypoint"
EMPTY = "pictures without labels"
# Of a person whose tool draws no box.
BOXES_NOTE = (
    "The file has no boxes: each person's is around the labelled points, with a margin"
    " of a tenth on each side; areas are those of the boxes."
)


@dataclasses.dataclass
class Person:
    """A labelled person.

    Attributes:
        points: dict of a keypoint's name to (x, y, visibility), 0-based px, the centre
            of the first pixel at 0, 0; the visibility is 1 (occluded) or 2 (visible).
        box: sequence of x, y, width, height in px, or None.
    """

    points: dict
    box: tuple | None = None


@dataclasses.dataclass
class Picture:
    """A picture with its people.

    Attributes:
        name: str. What the annotations call it.
        find: function without arguments to the `Path` of the image file, which may
            raise `BadExample`.
        people: list of `Person`.
        size: (height, width) in px that the annotations tell, or None.
        group: str or None. See `LabelledData.groups`.
        split: str or None. See `LabelledData.splits`.
    """

    name: str
    find: Callable | None
    people: list
    size: tuple | None = None
    group: str | None = None
    split: str | None = None


def pose_data(
    format: str,
    source: Path,
    pictures: list,
    names: list | tuple,
    bad: BadExamples,
    left_out: LeftOut,
    progress: Callable | None = None,
    notes: tuple = (),
    **fields: Any,
) -> LabelledData:
    """Makes examples of labelled people.

    Args:
        format: str. The name of the `ToolFormat`.
        source: `Path` of the file or folder.
        pictures: list of `Picture`.
        names: the keypoints, in the order of the examples.
        bad: `BadExamples`, which gets those that cannot be used.
        left_out: `LeftOut`, which gets what has no labels.
        progress: callable `(num_done, num_images)` or None.
        notes: tuple of str.
        **fields: of `LabelledData`.
    Returns:
        `LabelledData`.
    Raises:
        ValueError: if no labelled person is left, or keypoints have no names.
    """
    examples: list[PoseExample] = []
    groups: dict[str, str] = {}
    splits: dict[str, str] = {}
    boxless = False
    names = [name for name in names if name]
    for done, picture in enumerate(pictures, 1):
        try:
            example, without = _example(picture, names, len(examples) + 1, left_out)
        except BadExample as error:
            bad.add(error)
        else:
            if example is not None:
                examples.append(example)
                boxless |= without
                if picture.group is not None:
                    groups[example.image_path] = picture.group
                if picture.split is not None:
                    splits[example.image_path] = picture.split
        if progress is not None:
            progress(done, len(pictures))
    if not examples and bad.num_skipped:
        raise ValueError(
            f"{source}: no labelled person can be read; bad: {bad.describe()}; left"
            f" out: {left_out.describe() or 'none'}."
        )
    if not examples:
        raise ValueError(
            f"{source} holds no labelled person in"
            f" {counted(len(pictures), 'pictures')}; left out:"
            f" {left_out.describe() or 'none'}."
        )
    bad.warn()
    return LabelledData(
        task="pose",
        format=format,
        source=source,
        examples=_numbered(examples),
        names=tuple(names),
        groups=groups,
        splits=splits,
        left_out=left_out,
        notes=(*notes, *((BOXES_NOTE,) if boxless else ())),
        **fields,
    )


def check_source(source: Path, what: str) -> None:
    """Raises ValueError if there is no such file or folder of a format."""
    if not source.exists():
        raise ValueError(f"There is no {what} {source}. Check the path.")


def limbs_of(pairs: Iterable[Sequence[str]], names: Collection[str]) -> tuple:
    """Returns the pairs of two different known names, each once."""
    kept = (tuple(pair) for pair in pairs if set(pair) <= set(names) - {""})
    return tuple(dict.fromkeys(p for p in kept if len(p) == 2 and p[0] != p[1]))


def only_text(found: Collection[Any]) -> str | None:
    """Returns the only text of a collection; None if there are others, or none."""
    texts = [text for text in found if isinstance(text, str) and text.strip()]
    return texts[0] if len(texts) == len(found) == 1 else None


def natural(name: str) -> list:
    """Returns what sorts names with numbers as people do: img2 before img10."""
    return [
        (0, int(part), "") if part.isdecimal() else (1, 0, part)
        for part in re.split(r"(\d+)", name)
    ]


def _example(picture, names, number, left_out):
    """The example of a picture or None, and whether a box was made of points."""
    labelled = [person for person in picture.people if person.points]
    if len(labelled) < len(picture.people):
        count = len(picture.people) - len(labelled)
        left_out.add(UNLABELLED, picture.name, count, picture.split)
    elif not labelled:
        left_out.add(EMPTY, picture.name, split=picture.split)
    if not labelled:
        return None, False
    if any("" in person.points for person in labelled):
        raise BadExample(
            "keypoint without name", f"{picture.name}: a keypoint has no name."
        )
    # There are no people without an image.
    assert picture.find is not None
    path = picture.find()
    size = check_image(path, *(picture.size or (None, None)))
    keypoints = np.zeros((len(labelled), len(names), 3))
    boxes = np.zeros((len(labelled), 4))
    for i, person in enumerate(labelled):
        for name, point in person.points.items():
            keypoints[i, names.index(name)] = point
        points = keypoints[i][keypoints[i, :, 2] > 0]
        _check(points[:, :2], picture.name)
        boxes[i] = box_around(points[:, :2], size) if person.box is None else person.box
        if not _overlaps(boxes[i], size):
            raise BadExample(
                "person outside the picture",
                f"{picture.name}: a person lies at {boxes[i].round(1).tolist()} (x, y,"
                f" width, height), outside of {path} of {size[1]}x{size[0]} pixels"
                " (width x height). Is it the picture that was labelled?",
            )
    example = PoseExample(
        image_path=str(path),
        image_id=number,
        height=size[0],
        width=size[1],
        boxes=boxes,
        keypoints=keypoints,
        areas=boxes[:, 2] * boxes[:, 3],
        ids=np.zeros(len(labelled)),
    )
    return example, any(person.box is None for person in labelled)


def _check(points, name):
    if not np.isfinite(points).all():
        raise BadExample(
            "keypoints not finite",
            f"{name}: a keypoint is at {points[~np.isfinite(points).all(1)][0][:2]};"
            " expected finite numbers.",
        )


def _overlaps(box, size):
    x, y, width, height = box
    inside_x = min(x + width, size[1]) - max(x, 0)
    inside_y = min(y + height, size[0]) - max(y, 0)
    return inside_x > 0 and inside_y > 0


def _numbered(examples):
    """The examples with ids of people that are unique in the file."""
    numbered, first = [], 1
    for example in examples:
        ids = np.arange(first, first + example.num_people)
        numbered.append(dataclasses.replace(example, ids=ids))
        first += example.num_people
    return numbered
