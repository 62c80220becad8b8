"""The part of the user's own data that a model is tested on."""

import dataclasses
from pathlib import Path
from typing import Any

from hrnet_tf.data.formats.tools.base import LabelledData
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.own.layout import find_layout
from hrnet_tf.own.reading import UserData, read_data
from hrnet_tf.own.records import check_pictures
from hrnet_tf.own.split import SPLIT_FILE, divided_by
from hrnet_tf.typing import PathLike

# In this order, where nobody names one.
_USUAL = ("val", "test")
ALL = "all"
# Of the pictures that a file divides; some may be new since then.
_FEWEST = 0.5


def read_for_test(
    source: PathLike,
    kind: str,
    split: str | None = None,
    split_file: PathLike | None = None,
    images: PathLike | None = None,
    format: str | None = None,
    **reading: Any,
) -> UserData:
    """Reads the part of data that a model is tested on, and no others.

    Data that are not divided themselves are divided by the file that training wrote
    beside its model, so that the pictures are those of its tests.

    Args:
        source, kind, images, format: see `read_data`.
        split: str or None. "train", "val" or "test"; "all"; or the path of a file such
            as split.json. None: "val" if there is one, else "test", else all.
        split_file: path of the file that divides data which do not tell their parts;
            it is followed if there is one and it is of these pictures.
        **reading: skip_bad, progress, task and work, see `read_data`.
    Returns:
        `UserData` with that part alone.
    Raises:
        ValueError: if there is no such part, or the data are bad.
    """
    asked = False
    if split is not None and split.endswith(".json"):
        asked = True
        if not Path(split).is_file():
            raise ValueError(f"There is no file {split}. Check the path of `split`.")
        split, split_file = "val", split
    told = tuple(find_layout(source, kind, images, format).parts)
    parts = None
    if len(told) > 1 and split != ALL:
        parts = (_part_to_read(source, split, told),)
    data = read_data(source, kind, images, format, parts=parts, **reading)
    if not {"val", "test"} & {*told, *data.splits} or (
        split in ("train", "val") and "val" not in {*told, *data.splits}
    ):
        data = _divided(data, split_file, asked)
    name = split or next((name for name in _USUAL if name in data.splits), ALL)
    if name != ALL and name not in data.splits:
        raise _no_part(source, name, told)
    for labelled in data.splits.values() if name == ALL else (data.splits[name],):
        check_pictures(labelled, "a test")
    part = joined(data) if name == ALL else data.splits[name]
    return dataclasses.replace(data, splits={name: part})


def _part_to_read(source, split, told):
    """The part of a layout that holds what is wanted."""
    if split is None:
        return next((name for name in _USUAL if name in told), "train")
    if split == "val" and "val" not in told:
        # Of which a training may have put some aside.
        return "train"
    if split not in told:
        raise _no_part(source, split, told)
    return split


def _no_part(source, wanted, told):
    there = f"has {', '.join(told)}" if len(told) > 1 else "is not divided"
    return ValueError(
        f"There is no part {wanted!r}: {source} {there}. Leave `split` out, or pass one"
        f" of {', '.join(dict.fromkeys((*told, ALL)))}, or the {SPLIT_FILE} that a"
        " training on these data wrote into its folder."
    )


def _divided(data, file, asked):
    """Data with the division of a file, if it is of their pictures."""
    found = None
    if file is not None and Path(file).is_file():
        found = divided_by(data, file, _FEWEST)
    if found is not None:
        return found
    if asked:
        raise ValueError(
            f"{file} divides other pictures than those of {data.source}. Pass the file"
            " of the training on these data as `split`, or leave it out."
        )
    text = f"not divided, and there is no {SPLIT_FILE} of them beside the model"
    return dataclasses.replace(data, split_text=text)


def joined(data: UserData) -> LabelledData:
    """Returns all parts of data as one, with ids of pictures that are different."""
    first, *others = data.splits.values()
    if not others:
        return first
    examples: list[Any] = []
    left_out, notes = LeftOut(), dict[str, None]()
    for part in data.splits.values():
        examples += part.examples
        left_out.update(part.left_out)
        notes.update(dict.fromkeys(part.notes))
    if data.kind in ("pose", "detection"):
        examples = [
            dataclasses.replace(example, image_id=number)
            for number, example in enumerate(examples, 1)
        ]
    return dataclasses.replace(
        first, examples=examples, left_out=left_out, notes=tuple(notes)
    )
