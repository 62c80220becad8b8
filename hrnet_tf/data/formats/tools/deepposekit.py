"""Annotations of DeepPoseKit: an HDF5 file with the pictures inside."""

import csv
from pathlib import Path

import numpy as np

from hrnet_tf.data.bad_examples import BadExamples
from hrnet_tf.data.formats.tools.base import LabelledData, Match, ToolFormat
from hrnet_tf.data.formats.tools.frames import VideoFrames
from hrnet_tf.data.formats.tools.marks import match_of
from hrnet_tf.data.formats.tools.people import (
    Person,
    Picture,
    check_source,
    limbs_of,
    pose_data,
)
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.typing import Progress

_PARTS = ("images", "annotations", "annotated", "skeleton")
_NOTE = (
    "DeepPoseKit has no mark for occluded points: those that are annotated were read as"
    " visible, others as not labelled."
)


def match(path: Path) -> Match:
    """See `ToolFormat`."""
    import h5py

    present: set = set()
    try:
        if path.suffix.lower() in (".h5", ".hdf5") and path.is_file():
            with h5py.File(path, "r") as file:
                present = set(file)
    except (OSError, RuntimeError):
        pass
    return match_of(
        (bool(present), "it is no .h5 file that can be read"),
        *((part in present, f"it has no data set {part!r}") for part in _PARTS),
    )


def read(
    path: Path,
    images: Path | None = None,
    work: Path | None = None,
    task: str | None = None,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> LabelledData:
    """See `ToolFormat`."""
    import h5py

    path = Path(path)
    check_source(path, "file of DeepPoseKit")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise ValueError(
            f"{path} is no HDF5 file that can be read: {error}."
        ) from error
    with file:
        points, annotated, tree = _arrays(path, file)
        names, notes = _names(path, points.shape[1])
        # One file is of one recording, as far as it tells.
        frames = VideoFrames(
            path, path.stem, lambda numbers: _pictures(file, numbers), work
        )
        pictures = []
        for number in range(len(points)):
            people = [Person(_placed(names, points[number], annotated[number]))]
            find = frames.want(number) if annotated[number].any() else None
            people = people if find is not None else []
            pictures.append(Picture(f"{path.name}, image {number}", find, people))
        parents, swaps = tree[:, 0], tree[:, 1] if tree.shape[1] > 1 else []
        limbs = [(names[i], names[p]) for i, p in enumerate(parents) if p >= 0]
        pairs = [(names[i], names[s]) for i, s in enumerate(swaps) if s > i]
        return pose_data(
            "deepposekit",
            path,
            pictures,
            names,
            BadExamples(path, skip_bad),
            LeftOut(),
            progress,
            notes=(_NOTE, *notes),
            skeleton=limbs_of(limbs, names),
            flip_pairs=tuple(pairs) or None,
        )


def _arrays(path, file):
    missing = [part for part in _PARTS if part not in file]
    if missing:
        raise ValueError(
            f"{path} is no file of DeepPoseKit's annotator: it lacks"
            f" {', '.join(missing)}."
        )
    points, annotated = file["annotations"][...], file["annotated"][...]
    tree = file["skeleton"][...]
    count = len(file["images"])
    shapes = points.shape, annotated.shape, tree.shape
    num_keypoints = points.shape[1] if points.ndim == 3 else None
    expected = (count, num_keypoints, 2), (count, num_keypoints)
    if shapes[:2] != expected or tree.ndim != 2 or len(tree) != num_keypoints:
        raise ValueError(
            f"{path}: annotations, annotated and skeleton of {count} images have the"
            f" shapes {shapes}; expected [{count}, K, 2], [{count}, K] and [K, 2]."
        )
    if tree.size and (tree.min() < -1 or tree.max() >= num_keypoints):
        raise ValueError(
            f"{path}: its skeleton holds {tree.min()} to {tree.max()}; expected -1 or"
            f" the numbers of {num_keypoints} keypoints, from 0."
        )
    return points, annotated.astype(bool), tree


def _names(path, count):
    """Names of the keypoints, of the skeleton's table beside the file; and notes."""
    for file in sorted(path.parent.glob("*.csv")):
        try:
            with open(file, newline="", encoding="utf-8-sig") as table:
                rows = list(csv.DictReader(table))
        except (OSError, UnicodeError, csv.Error):
            continue
        if rows and {"name", "parent", "swap"} <= set(rows[0]) and len(rows) == count:
            return [row["name"] for row in rows], (f"Names are those of {file}.",)
    names = [f"keypoint_{i}" for i in range(1, count + 1)]
    return names, (
        f"{path} does not name its keypoints: they are numbered. Put the skeleton's"
        " table (name, parent, swap) beside it.",
    )


def _placed(names, points, annotated):
    return {
        name: (float(x), float(y), 2)
        for name, (x, y), there in zip(names, points, annotated, strict=True)
        if there and np.isfinite([x, y]).all()
    }


def _pictures(file, numbers):
    for number in numbers:
        yield number, np.asarray(file["images"][number], np.uint8)


FORMAT = ToolFormat(
    name="deepposekit",
    title="DeepPoseKit",
    tasks=("pose",),
    match=match,
    read=read,
)
