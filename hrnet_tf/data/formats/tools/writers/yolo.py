"""Poses and objects in the layout of YOLO: a text for each picture, and data.yaml."""

import json
import warnings
from pathlib import Path

import numpy as np

from hrnet_tf.data.formats.tools.writers.predicted import found_in, put_pictures
from hrnet_tf.io import write_bytes


def write(predictions: dict, out: Path, images: Path | None = None) -> list:
    """See `ToolFormat.write`: data.yaml, images/train and labels/train.

    Points outside of their picture are not placed: tools leave out the whole picture
    of one.
    """
    found = found_in(predictions, images)
    put_pictures(found, out / "images" / "train")
    lost = 0
    for picture in found.pictures:
        lines = [_object_line(found, o, picture.size) for o in picture.objects]
        for person in picture.people:
            line, outside = _line(person, picture.size)
            lines.append(line)
            lost += outside
        name = f"{Path(picture.name).stem}.txt"
        write_bytes(out / "labels" / "train" / name, "".join(lines))
    if lost:
        warnings.warn(
            f"{lost} keypoints that lie outside of their pictures are not in the files"
            " of YOLO, which cannot say so.",
            stacklevel=2,
        )
    write_bytes(out / "data.yaml", _description(found))
    return [out / "data.yaml", out / "images", out / "labels"]


def _object_line(found, placed, size):
    """The line of an object: its class and box."""
    label = found.object_set.index(placed.label)
    return f"{label} {_numbers(_shares(placed.box, size))}\n"


def _shares(box, size):
    """A box's centre and sides as shares of the picture's."""
    scale = np.array(size[::-1])
    x, y, across, down = box
    low = np.clip(np.array([x, y]) / scale, 0, 1)
    high = np.clip(np.array([x + across, y + down]) / scale, 0, 1)
    return [*(low + high) / 2, *(high - low)]


def _numbers(values):
    return " ".join(f"{value:.7f}".rstrip("0").rstrip(".") for value in values)


def _line(person, size):
    """The line of a person, and how many points lie outside of the picture."""
    scale = np.array(size[::-1])
    numbers = _shares(person.box, size)
    points = person.points / scale
    inside = ((points >= 0) & (points <= 1)).all(1)
    for point, there in zip(points, person.placed & inside, strict=True):
        numbers += [*point, 2] if there else [0, 0, 0]
    return f"0 {_numbers(numbers)}\n", int((person.placed & ~inside).sum())


def _description(found):
    """The text of data.yaml; what json writes is yaml too."""
    fields = {"path": ".", "train": "images/train", "val": "images/train"}
    if found.object_set is not None:
        fields["names"] = dict(enumerate(found.object_set.classes))
        return _yaml(fields)
    fields |= {
        "kpt_shape": [len(found.names), 3],
        "flip_idx": found.flip_indices,
        "names": {0: found.category},
        "kpt_names": {0: list(found.names)},
    }
    return _yaml(fields)


def _yaml(fields):
    lines = [f"{key}: {_text(value)}" for key, value in fields.items()]
    return "\n".join(lines) + "\n"


def _text(value):
    if isinstance(value, dict):
        inside = ", ".join(f"{key}: {_text(entry)}" for key, entry in value.items())
        return "{" + inside + "}"
    return json.dumps(value, ensure_ascii=False)
