"""Objects in YOLO's layout: a text file a picture, and a data.yaml.

A line is the class (from 0) and the box's centre, width and height as shares of the
picture's sides; or the class and the corners of an outline.

Reference: https://docs.ultralytics.com/datasets/detect and /segment.
"""

import functools
import itertools
from pathlib import Path

import numpy as np

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.detection_example import DetectionExample
from hrnet_tf.data.formats.objects import (
    FoundObject,
    ObjectPicture,
    Objects,
    build_examples,
)
from hrnet_tf.data.formats.tools.yolo_files import (
    check_shares,
    class_names,
    data_file,
    label_rows,
    read_data_file,
    splits_of,
)
from hrnet_tf.data.instance_masks import runs_of_polygons
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.data.object_sets import ObjectSet
from hrnet_tf.typing import PathLike, Progress

_BOX = 5


def load_detection(
    path: PathLike,
    split: str | None = None,
    object_set: ObjectSet | None = None,
    masks: bool = False,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> list[DetectionExample]:
    """Loads the objects of a YOLO data set, and tells what it did in warnings.

    Pictures without a text file, or with an empty one, have no objects. Images get the
    ids 1, 2, ... in the order of all pictures.

    Args:
        path: path of the data.yaml, or of the folder with it.
        split: "train", "val" or "test"; None takes all pictures.
        object_set: `ObjectSet` of the classes that are wanted; None: the file's own.
        masks: bool. Whether to read the outlines, which all objects then need to have;
            else their boxes are taken.
        skip_bad: bool. Whether single bad examples are skipped and counted in one
            warning instead of raising.
        progress: callable `(num_done, num_images)` or None.
    Returns:
        A list of `DetectionExample`.
    Raises:
        ValueError: naming file, line and value, see `read_objects`.
    """
    return read_objects(path, split, object_set, masks, skip_bad, progress).told(path)


def read_objects(
    path: PathLike,
    split: str | None = None,
    object_set: ObjectSet | None = None,
    masks: bool = False,
    skip_bad: bool = False,
    progress: Progress | None = None,
    images: PathLike | None = None,
) -> Objects:
    """Reads a data set as `load_detection`, and says what it did.

    Args:
        path, split, object_set, masks, skip_bad, progress: see `load_detection`.
        images: path of the data set's folder, where the data.yaml tells another
            machine's; or None.
    Returns:
        `Objects`.
    Raises:
        ValueError: if there is no data.yaml or no picture of the split, and, without
            `skip_bad`, for an absent or damaged image, an unknown class, numbers that
            are no shares, a box without area, and outlines of under three points.
    """
    file = data_file(Path(path))
    if file is None:
        raise ValueError(f"{path} is no data.yaml of YOLO, and holds none.")
    data = read_data_file(file)
    names = class_names(file, data)
    object_set = object_set or ObjectSet(file.parent.resolve().name, tuple(names))
    bad, left_out = BadExamples(file, skip_bad), LeftOut()
    splits = splits_of(file, data, None if images is None else Path(images))
    every = dict.fromkeys(itertools.chain.from_iterable(splits.values()))
    # Some sets test on what they train on.
    wanted = every if split is None else set(splits.get(split, ()))
    chosen = [(i, picture) for i, picture in enumerate(every, 1) if picture in wanted]
    if not chosen:
        raise ValueError(f"{file} names no pictures of the split {split!r}.")
    pictures = (
        ObjectPicture(
            str(picture),
            number,
            functools.partial(Path, picture),
            (None, None),
            functools.partial(_objects, picture, names, masks),
        )
        for number, picture in chosen
    )
    return build_examples(
        *(file, pictures, object_set, bad, left_out, progress, len(chosen)),
        may_be_corners=True,
        written="the shares of centre x, centre y, width and height",
    )


def _objects(picture, names, masks, size):
    """Returns the `FoundObject`s of a picture; its labels are good or bad together."""
    return [
        _object(where, number, row, names, masks, size)
        for number, (where, row) in enumerate(label_rows(picture, len(names)), 1)
    ]


def _object(where, number, row, names, masks, size):
    height, width = size
    label = names[int(row[0])]
    if len(row) == _BOX:
        check_shares(where, row[1:])
        if masks:
            raise BadExample(
                "no mask", f"{where} has a box alone, but masks are to be learned."
            )
        x, y, w, h = row[1:]
        box = ((x - w / 2) * width, (y - h / 2) * height, w * width, h * height)
        given = (x * width, y * height, w * width, h * height)
        return FoundObject(where, label, box, number, given=given)
    if len(row) < 7 or len(row) % 2 == 0:
        raise BadExample(
            "wrong label",
            f"{where} has {len(row)} numbers; expected the class and a box of four, or"
            " x and y of three corners or more.",
        )
    check_shares(where, row[1:])
    corners = np.reshape(row[1:], (-1, 2)) * (width, height)
    low, high = corners.min(0), corners.max(0)
    runs = runs_of_polygons([corners.ravel().tolist()], size) if masks else None
    return FoundObject(where, label, (*low, *(high - low)), number, runs=runs)
