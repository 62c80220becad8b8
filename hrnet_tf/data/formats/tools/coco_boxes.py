"""Boxes of COCO's json, one file or one for each split."""

import itertools
from pathlib import Path
from typing import Any

from hrnet_tf.data.formats import coco_objects
from hrnet_tf.data.formats.checked_json import field
from hrnet_tf.data.formats.tools.base import LabelledData
from hrnet_tf.data.formats.tools.boxes import box_data
from hrnet_tf.data.formats.tools.coco_outlines import classes_of
from hrnet_tf.data.object_sets import ObjectSet
from hrnet_tf.typing import Progress


def read_boxes(
    path: Path,
    sources: list,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> LabelledData:
    """Reads the boxes of COCO's files.

    The classes are all categories of the files, in the order in which they occur; of
    files without categories their numbers.

    Args:
        path: `Path` that was named.
        sources: list of (`CocoFile`, its content, `Path` of the images' folder).
        skip_bad, progress: see `ToolFormat`.
    Returns:
        `LabelledData`.
    Raises:
        ValueError: see `coco_objects.read_objects`.
    """
    sources = [(f, _with_categories(content), folder) for f, content, folder in sources]
    names: dict[str, None] = {}
    for file, content, _ in sources:
        names.update(dict.fromkeys(classes_of(file.path, content).values()))
    if not names:
        raise ValueError(
            f"{path} does not tell what its objects are: 'categories' names no class,"
            " and no annotation has the number of one ('category_id')."
        )
    objects = ObjectSet(path.resolve().stem or "own", tuple(names))
    found = [
        (
            coco_objects.read_objects(
                *(file.path, folder, objects, False, skip_bad, progress),
                contents=content,
            ),
            file.split,
        )
        for file, content, folder in sources
    ]
    return box_data("coco", path, found)


def has_boxes(contents: dict[str, list[Any]]) -> bool:
    """Whether one of a file's first annotations has a box."""
    entries = itertools.islice(contents["annotations"], 200)
    return any(field(entry, "bbox") for entry in entries)


def _with_categories(content):
    """The content, with numbers for the classes of a file that names none."""
    if content["categories"]:
        return content
    numbers = {field(entry, "category_id") for entry in content["annotations"]}
    numbers = sorted(n for n in numbers if isinstance(n, int))
    return {
        **content,
        "categories": [{"id": n, "name": f"class_{n}"} for n in numbers],
    }
