"""What is the same whichever files hold boxes: from a reader's objects to data."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrnet_tf.data.formats.tools.base import LabelledData
from hrnet_tf.data.left_out import LeftOut

if TYPE_CHECKING:
    from hrnet_tf.data.formats.objects import Objects


def box_data(
    format: str,
    path: Path,
    found: "Iterable[tuple[Objects, dict[str, str] | str | None]]",
) -> LabelledData:
    """Returns the `LabelledData` of objects that were read, of one file or several.

    Args:
        format: str, name of the `ToolFormat`.
        path: `Path` of what was read.
        found: pairs of `Objects`, of the same classes, and of the split of their
            pictures: a name, a dict of image path to name, or None.
    """
    examples, left_out = list[Any](), LeftOut()
    splits, notes, names = dict[str, str](), dict[str, None](), tuple[str, ...]()
    for objects, split in found:
        names = objects.object_set.classes
        if isinstance(split, dict):
            splits.update(split)
        elif split is not None:
            splits.update((e.image_path, split) for e in objects.examples)
        examples += objects.examples
        left_out.update(objects.left_out, None if isinstance(split, dict) else split)
        notes.update(dict.fromkeys(objects.notes))
    if len({e.image_id for e in examples}) < len(examples):
        # The files number their images on their own.
        examples = [
            dataclasses.replace(example, image_id=number)
            for number, example in enumerate(examples, 1)
        ]
    return LabelledData(
        task="detection",
        format=format,
        source=path,
        examples=examples,
        names=names,
        splits=splits,
        left_out=left_out,
        notes=tuple(notes),
    )
