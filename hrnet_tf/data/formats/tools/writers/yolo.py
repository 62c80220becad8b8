"""Poses in the layout of YOLO: a text file for each picture, and data.yaml."""

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
        lines = []
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


def _line(person, size):
    """The line of a person, and how many points lie outside of the picture."""
    height, width = size
    scale = np.array([width, height])
    x, y, across, down = person.box
    low = np.clip(np.array([x, y]) / scale, 0, 1)
    high = np.clip(np.array([x + across, y + down]) / scale, 0, 1)
    numbers = [*(low + high) / 2, *(high - low)]
    points = person.points / scale
    inside = ((points >= 0) & (points <= 1)).all(1)
    for point, there in zip(points, person.placed & inside, strict=True):
        numbers += [*point, 2] if there else [0, 0, 0]
    text = " ".join(f"{value:.7f}".rstrip("0").rstrip(".") for value in numbers)
    return f"0 {text}\n", int((person.placed & ~inside).sum())


def _description(found):
    """The text of data.yaml; what json writes is yaml too."""
    fields = {
        "path": ".",
        "train": "images/train",
        "val": "images/train",
        "kpt_shape": [len(found.names), 3],
        "flip_idx": found.flip_indices,
        "names": {0: found.category},
        "kpt_names": {0: list(found.names)},
    }
    lines = [f"{key}: {_text(value)}" for key, value in fields.items()]
    return "\n".join(lines) + "\n"


def _text(value):
    if isinstance(value, dict):
        inside = ", ".join(f"{key}: {_text(entry)}" for key, entry in value.items())
        return "{" + inside + "}"
    return json.dumps(value, ensure_ascii=False)
