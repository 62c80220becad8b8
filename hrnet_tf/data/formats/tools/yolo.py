"""YOLO's labels: a text file a picture, and a data.yaml; poses, outlines or boxes.

Reference: https://docs.ultralytics.com/datasets/pose, /segment and /detect.
"""

import contextlib
import functools
import itertools
import math
from pathlib import Path

import numpy as np

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.formats import yolo_objects
from hrnet_tf.data.formats.checks import image_size
from hrnet_tf.data.formats.tools.base import LabelledData, Match, ToolFormat
from hrnet_tf.data.formats.tools.boxes import box_data
from hrnet_tf.data.formats.tools.label_maps import (
    OutlinedPicture,
    Region,
    label_map_data,
    painted,
)
from hrnet_tf.data.formats.tools.marks import content_of, match_of
from hrnet_tf.data.formats.tools.people import Person, Picture, pose_data
from hrnet_tf.data.formats.tools.writers.yolo import write
from hrnet_tf.data.formats.tools.yolo_files import (
    CLASSES,
    check_shares,
    class_names,
    data_file,
    label_rows,
    pictures_of,
    read_data_file,
)
from hrnet_tf.data.keypoint_sets import COCO
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.typing import Progress

_BOX = 5
# So many pictures tell whether there are outlines.
_SAMPLE = 200
_NO_VISIBILITY = (
    "The file tells no visibility of keypoints: those at 0, 0 were read as not"
    " labelled, all others as visible."
)
_COCO_NAMES = (
    "The file does not name its 17 keypoints, but mirrors them as COCO's: they were"
    " given COCO's names."
)
_NUMBERED = "The file does not name its keypoints: they are numbered."


def match(path: Path) -> Match:
    """See `ToolFormat`."""
    file = data_file(path)
    if file is not None and file.name == CLASSES:
        folders = [(path / name).is_dir() for name in ("labels", "images")]
        return match_of(
            (folders[0], f"beside {CLASSES} there is no folder 'labels'"),
            (folders[1], f"beside {CLASSES} there is no folder 'images'"),
        )
    content = b"" if file is None else content_of(file, ".yaml", ".yml")
    # Some tools write the names alone.
    beside = file is not None and (file.parent / "labels").is_dir()
    return match_of(
        (bool(content), "it is no data.yaml, and no folder with one"),
        (b"names" in content, "its yaml has no 'names'"),
        (beside or b"train" in content or b"val" in content, "its yaml has no 'train'"),
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
    file = data_file(path)
    if file is None:
        raise ValueError(f"{path} is no data.yaml of YOLO, and holds none.")
    data = read_data_file(file)
    names = class_names(file, data)
    bad, left_out = BadExamples(file, skip_bad), LeftOut()
    pictures = pictures_of(file, data, images)
    task = task or _guess(data, pictures, len(names))
    if task == "detection":
        objects = yolo_objects.read_objects(
            file, skip_bad=skip_bad, progress=progress, images=images
        )
        told = {str(path): split for path, split in pictures.items() if split}
        return box_data("yolo", file, [(objects, told)])
    if task == "segmentation":
        outlined = [
            picture
            for path, split in pictures.items()
            if (picture := _outlined(path, split, names, bad, left_out)) is not None
        ]
        return label_map_data(
            "yolo", file, outlined, work, bad, left_out, progress, names=names
        )
    return _poses(file, data, names, pictures, bad, left_out, progress)


def guess(path: Path) -> str:
    """See `ToolFormat`."""
    file = data_file(path) or path
    data = read_data_file(file)
    if data.kpt_shape:
        return "pose"
    return _guess(data, pictures_of(file, data, None), len(class_names(file, data)))


def _guess(data, pictures, num_classes):
    """What is to be learned: of lines with a box alone there are no outlines."""
    if data.kpt_shape:
        return "pose"
    lengths = set()
    for picture in itertools.islice(pictures, _SAMPLE):
        with contextlib.suppress(BadExample):
            lengths.update(len(row) for _, row in label_rows(picture, num_classes))
    return "detection" if lengths == {_BOX} else "segmentation"


def _poses(file, data, classes, pictures, bad, left_out, progress):
    count, numbers = _shape(file, data)
    names, notes = _keypoint_names(file, data, count)
    if numbers == 2:
        notes.append(_NO_VISIBILITY)
    found = []
    for path, split in pictures.items():
        try:
            rows = label_rows(path, len(classes))
            people = []
            if rows:
                size = image_size(path)
                people = [
                    _person(where, row, names, numbers, size) for where, row in rows
                ]
        except BadExample as error:
            bad.add(error)
        else:
            find = functools.partial(Path, path)
            found.append(Picture(str(path), find, people, split=split))
    return pose_data(
        "yolo",
        file,
        found,
        names,
        bad,
        left_out,
        progress,
        notes=tuple(notes),
        flip_pairs=_flip_pairs(file, data, names),
        skeleton=COCO.skeleton if tuple(names) == COCO.names else (),
    )


def _shape(file, data):
    """The number of keypoints, and of numbers for each."""
    shape = data.kpt_shape or []
    if len(shape) != 2 or shape[0] < 1 or shape[1] not in (2, 3):
        raise ValueError(
            f"{file}: kpt_shape is {data.kpt_shape}; expected the number of keypoints,"
            " and 2 (x, y) or 3 (x, y, visibility), such as [17, 3]."
        )
    return shape


def _keypoint_names(file, data, count):
    names = data.kpt_names
    if isinstance(names, dict):
        names = next(iter(names.values()), None)
    field = "kpt_names" if names else "node_names"
    names = names or data.node_names
    if names:
        if len(names) != count or len(set(names)) != count or "" in names:
            raise ValueError(
                f"{file}: {field} has {len({*names} - {''})} different names, but"
                f" kpt_shape {count} keypoints."
            )
        return list(names), []
    if tuple(data.flip_idx or ()) == COCO.flip_indices:
        return list(COCO.names), [_COCO_NAMES]
    return [f"keypoint_{i}" for i in range(1, count + 1)], [_NUMBERED]


def _flip_pairs(file, data, names):
    flips = data.flip_idx
    if not flips:
        return None
    places = range(len(names))
    if sorted(flips) != list(places) or any(flips[flips[i]] != i for i in places):
        raise ValueError(
            f"{file}: flip_idx is {flips}; expected for each of the {len(names)}"
            " keypoints, from 0, the one that takes its place in a mirrored picture."
        )
    pairs = tuple((names[i], names[j]) for i, j in enumerate(flips) if i < j)
    if not pairs and data.node_names:
        # sleap-io 0.9.5 writes 0, 1, 2, ... whatever the skeleton says of symmetries.
        return None
    return pairs


def _person(where, row, names, numbers, size):
    expected = _BOX + numbers * len(names)
    if len(row) != expected:
        raise BadExample(
            "wrong label",
            f"{where} has {len(row)} numbers; the class, a box and {len(names)}"
            f" keypoints of {numbers} numbers are {expected}.",
        )
    height, width = size
    x, y, w, h = row[1:_BOX]
    points = np.array(row[_BOX:]).reshape(-1, numbers)
    check_shares(where, [x, y, w, h, *points[points[:, :2].any(1), :2].ravel()])
    if numbers == 2:
        points = np.concatenate([points, 2.0 * points.any(1, keepdims=True)], 1)
    wrong = [v for v in points[:, 2] if v not in (0, 1, 2)]
    if wrong:
        raise BadExample(
            "wrong visibility",
            f"{where}: a keypoint has the visibility {wrong[0]:g}; expected 0 (not"
            " labelled), 1 (occluded) or 2 (visible).",
        )
    box = ((x - w / 2) * width, (y - h / 2) * height, w * width, h * height)
    labelled = {
        name: (px * width, py * height, v)
        for name, (px, py, v) in zip(names, points.tolist(), strict=True)
        if v
    }
    return Person(labelled, box if w > 0 and h > 0 else None)


def _outlined(path, split, names, bad, left_out):
    """The `OutlinedPicture` of a file; None if its labels cannot be used."""
    regions = []
    try:
        for where, row in label_rows(path, len(names)):
            check_shares(where, row[1:] or [math.inf])
            label = names[int(row[0])]
            if len(row) == _BOX:
                x, y, w, h = row[1:]
                corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
                corners = [(x + w / 2 * i, y + h / 2 * j) for i, j in corners]
                reason = "objects without an outline, whose boxes are ignored"
                left_out.add(reason, where, split=split)
                regions.append(Region(label, _mask(corners), ignored=True))
            elif len(row) < 7 or len(row) % 2 == 0:
                raise BadExample(
                    "wrong label",
                    f"{where} has {len(row)} numbers; expected the class and x and y of"
                    " three corners or more.",
                )
            else:
                regions.append(Region(label, _mask(row[1:])))
    except BadExample as error:
        bad.add(error)
        return None
    return OutlinedPicture(str(path), lambda: path, regions, split=split)


def _mask(shares):
    corners = np.reshape(shares, (-1, 2))
    return lambda size: painted([corners * size[::-1]], size)


FORMAT = ToolFormat(
    name="yolo",
    title="YOLO",
    tasks=("pose", "segmentation", "detection"),
    match=match,
    read=read,
    write=write,
    write_tasks=("pose", "detection"),
    guess=guess,
)
