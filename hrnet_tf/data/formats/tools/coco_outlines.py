"""Outlines of COCO's objects: polygons, and runs of pixels as lists or as text.

Reference: https://cocodataset.org/#format-data.
"""

import collections
import itertools
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from hrnet_tf.data import instance_masks
from hrnet_tf.data.bad_examples import BadExample
from hrnet_tf.data.formats.checked_json import decode, field
from hrnet_tf.data.formats.coco_entries import (
    AnnotationEntry,
    as_number,
    read_categories,
)
from hrnet_tf.data.formats.coco_reader import CocoReader
from hrnet_tf.data.formats.tools.label_maps import (
    OutlinedPicture,
    Region,
    box_region,
    polygon,
)
from hrnet_tf.data.left_out import LeftOut


class OutlinedEntry(AnnotationEntry):
    """An entry of "annotations" with an outline."""

    segmentation: Any = None


class RunsEntry(msgspec.Struct):
    """Runs of pixels, by columns, outside and inside in turn."""

    size: list[int]
    counts: list[int] | str


def classes_of(path: Path, contents: dict) -> dict:
    """Returns the class of each category's id, in the order of the file.

    The category that Roboflow puts above the others is none, unless it is used.

    Raises:
        ValueError: if an entry is of another form.
    """
    categories = read_categories(path, contents["categories"])
    found = [field(entry, "category_id") for entry in contents["annotations"]]
    used = {as_number(number) for number in found if isinstance(number, (int, str))}
    above = {c.supercategory for c in categories if c.supercategory != c.name}
    return {
        c.id: str(c.name if c.name is not None else f"class_{c.id}")
        for c in categories
        if c.id in used or c.name not in above
    }


def pictures_of(
    path: Path,
    contents: dict,
    reader: CocoReader,
    left_out: LeftOut,
    split: str | None = None,
) -> list:
    """Returns the outlined pictures of a file.

    Args:
        path: `Path` of the file.
        contents: dict of lists, see `coco.read_contents`.
        reader: `CocoReader`, which finds the images and gets what is bad.
        left_out: `LeftOut`, which gets what has no outline.
        split: str or None, of all pictures.
    Returns:
        list of `OutlinedPicture`, in the order of the images.
    """
    classes = classes_of(path, contents)
    own = LeftOut()
    regions = collections.defaultdict(list)
    for position, entry in enumerate(contents["annotations"]):
        where = f"{path}: annotation {position} (from 0)"
        try:
            annotation = decode(entry, OutlinedEntry, where)
            image_id = reader.number_of(annotation.image_id)
            if image_id not in reader.images:
                raise BadExample(
                    "dangling image id",
                    f"{where}: there is no image {annotation.image_id!r} among the"
                    f" {len(reader.images)} images.",
                )
            region = _region(where, annotation, classes, own)
        except BadExample as error:
            reader.bad.add(error)
        else:
            if region is not None:
                regions[image_id].append(region)
    left_out.update(own, split)
    return [
        OutlinedPicture(
            image.file_name,
            _finder(reader, image.file_name),
            regions[image_id],
            (image.height, image.width),
            split=split,
        )
        for image_id, image in reader.images.items()
    ]


def _finder(reader, name):
    return lambda: reader.finder.find(name)


def _region(where, annotation, classes, left_out):
    """The `Region` of an annotation; None where it has neither outline nor box."""
    label = classes.get(annotation.category_id)
    if label is None:
        if classes:
            raise BadExample(
                "unknown category",
                f"{where}: there is no category {annotation.category_id!r} among"
                f" {list(classes)[:8]}.",
            )
        label = f"class_{annotation.category_id}"
    outline = annotation.segmentation
    if isinstance(outline, dict):
        runs = decode(outline, RunsEntry, f"{where}: segmentation")
        return Region(label, lambda size: mask_of_runs(runs, size))
    if isinstance(outline, list) and any(outline):
        rings = outline if all(isinstance(r, list) for r in outline) else [outline]
        # Some tools write a point or a line for an object of a few pixels.
        rings = [ring for ring in rings if len(ring) >= 6]
        if rings:
            return Region(label, polygon(rings))
    if outline and not isinstance(outline, list):
        raise BadExample(
            "wrong segmentation",
            f"{where}: segmentation is {outline!r:.80}; expected polygons or runs.",
        )
    box = annotation.bbox or ()
    if len(box) == 4 and np.isfinite(box).all() and min(box[2:]) > 0:
        left_out.add("objects without an outline, whose boxes are ignored", where)
        return box_region(label, tuple(box))
    left_out.add("objects without an outline or a box", where)
    return None


def mask_of_runs(runs: RunsEntry, size: tuple) -> np.ndarray:
    """Returns where an object is, bool `[height, width]`.

    Args:
        runs, size: see `checked_runs`.
    Raises:
        BadExample: see `checked_runs`.
    """
    return instance_masks.mask_of_runs(checked_runs(runs, size), size)


def checked_runs(runs: RunsEntry, size: tuple) -> np.ndarray:
    """Returns the lengths of runs, int64 `[R]`.

    Args:
        runs: `RunsEntry`.
        size: (height, width) of the picture in px.
    Raises:
        BadExample: if the runs are of another size or cannot be read.
    """
    try:
        given = runs.counts
        if isinstance(given, str):
            counts = instance_masks.runs_of_text(given)
        else:
            counts = np.asarray(given, np.int64)
    except (ValueError, OverflowError) as error:
        raise BadExample("wrong segmentation", str(error)) from error
    if (
        list(runs.size) != list(size)
        or counts.min(initial=0) < 0
        or counts.sum() != size[0] * size[1]
    ):
        raise BadExample(
            "wrong segmentation",
            f"its runs are of {counts.sum()} pixels and for {runs.size} (height,"
            f" width); the picture has {list(size)}",
        )
    return counts


def polygon_runs(where: str, rings: list, size: tuple) -> np.ndarray:
    """Returns the runs of polygons, int64 `[R]`, see `instance_masks`.

    Args:
        where: str. File and entry, for the message.
        rings: list of what stands there for flat lists of x and y.
        size: (height, width) of the picture in px.
    Raises:
        BadExample: if one is no list of three corners or more, or not finite.
    """
    for ring in rings:
        wrong = f"{where}: segmentation holds the polygon {ring!r:.80}"
        if len(ring) < 6 or len(ring) % 2:
            raise BadExample(
                "wrong segmentation",
                f"{wrong}, of {len(ring)} numbers; expected x and y of three points or"
                " more.",
            )
        try:
            numbers = np.asarray(ring, np.float64)
        except (OverflowError, TypeError, ValueError):
            numbers = np.full(1, np.nan)
        if numbers.ndim != 1 or not np.isfinite(numbers).all():
            raise BadExample("wrong segmentation", f"{wrong}; expected finite numbers.")
    return instance_masks.runs_of_polygons(rings, size)


def has_outlines(contents: dict) -> bool:
    """Whether one of a file's first annotations has an outline."""
    entries = itertools.islice(contents["annotations"], 200)
    return any(field(entry, "segmentation") for entry in entries)
