"""What is the same whichever tool gave pictures a class: from words to examples."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.formats.checks import image_size
from hrnet_tf.data.formats.tools.base import LabelledData
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.data.schema import ClassificationExample


@dataclasses.dataclass
class ClassedPicture:
    """A picture with what was said of it.

    Attributes:
        name: str. What the annotations call it.
        find: function without arguments to the `Path` of the image file, which may
            raise `BadExample`.
        classes: list of str, of which there should be one.
        group: str or None. See `LabelledData.groups`.
        split: str or None. See `LabelledData.splits`.
    """

    name: str
    find: Callable
    classes: list
    group: str | None = None
    split: str | None = None


def class_data(
    format: str,
    source: Path,
    pictures: list,
    bad: BadExamples,
    left_out: LeftOut,
    progress: Callable | None = None,
    **fields: Any,
) -> LabelledData:
    """Makes examples of pictures with a class each; names are in alphabetical order.

    Args:
        format: str. The name of the `ToolFormat`.
        source: `Path` of the file or folder.
        pictures: list of `ClassedPicture`.
        bad: `BadExamples`, which gets those that cannot be used.
        left_out: `LeftOut`, which gets what has no class.
        progress: callable `(num_done, num_images)` or None.
        **fields: of `LabelledData`.
    Returns:
        `LabelledData`.
    Raises:
        ValueError: if no picture with a class is left.
    """
    names = sorted({name for p in pictures for name in p.classes if name})
    examples: list[ClassificationExample] = []
    groups: dict[str, str] = {}
    splits: dict[str, str] = {}
    for done, picture in enumerate(pictures, 1):
        try:
            path = _file(picture, left_out)
        except BadExample as error:
            bad.add(error)
        else:
            if path is not None:
                label = names.index(picture.classes[0])
                examples.append(ClassificationExample(str(path), label))
                for known, value in (groups, picture.group), (splits, picture.split):
                    if value is not None:
                        known[str(path)] = value
        if progress is not None:
            progress(done, len(pictures))
    if not examples:
        raise ValueError(
            f"{source} holds no picture with a class; left out:"
            f" {left_out.describe() or 'none'}; bad: {bad.describe() or 'none'}."
        )
    bad.warn()
    return LabelledData(
        task="classification",
        format=format,
        source=source,
        examples=examples,
        names=tuple(names),
        groups=groups,
        splits=splits,
        left_out=left_out,
        **fields,
    )


def _file(picture, left_out):
    """The checked file of a picture, or None where it has no class."""
    if not picture.classes:
        left_out.add("pictures without labels", picture.name, split=picture.split)
        return None
    if len(set(picture.classes)) > 1:
        raise BadExample(
            "several classes",
            f"{picture.name} is of several classes: {', '.join(picture.classes)}."
            " Expected one.",
        )
    if not picture.classes[0]:
        raise BadExample("empty class", f"{picture.name}: its class has no name.")
    path = picture.find()
    image_size(path)
    return path
