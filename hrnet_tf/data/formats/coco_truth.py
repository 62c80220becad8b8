"""COCO-style files as pycocotools is to score them, read as training reads them."""

from pathlib import Path
from typing import Any

import numpy as np

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.formats.boxes import box_around
from hrnet_tf.data.formats.checked_json import decode, field, read_lists
from hrnet_tf.data.formats.checks import finite_numbers
from hrnet_tf.data.formats.coco_entries import (
    AnnotationEntry,
    as_number,
    categories_with_keypoints,
    check_image_number,
    checked_area,
    checked_keypoints,
    numbers_of_texts,
    order_in,
    orders_of,
)

_PEOPLE = 1


def ground_truth(source: Any, keypoint_set: Any, skip_bad: bool = False) -> dict:
    """Returns what a COCO-style file labels, in the order of a keypoint set.

    All categories with the set's keypoints are one, as a top-down network does not tell
    them apart. Crowds and people without a labelled keypoint stay: found people that
    match them are not counted as wrong.

    Args:
        source: path of the json, or its content (a dict, not changed).
        keypoint_set: `KeypointSet`.
        skip_bad: bool. Leaves out annotations that cannot be used instead of raising.
    Returns:
        dict with images, annotations and categories, all complete.
    Raises:
        ValueError: naming file and entry, as `coco.load_pose` does.
    """
    path, contents = _contents(source)
    categories = categories_with_keypoints(path, contents["categories"])
    orders, _ = orders_of(path, categories, keypoint_set)
    bad = BadExamples(path, skip_bad)
    annotations: list[Any] = []
    texts = numbers_of_texts(contents["images"])
    images = [{"id": _image_id(path, e, texts)} for e in contents["images"]]
    # Numbers that stand for texts are nobody's else.
    known = {image["id"] for image in images} - set(texts.values())
    for position, entry in enumerate(contents["annotations"]):
        where = f"{path}: annotation {position} (from 0)"
        try:
            annotation = decode(entry, AnnotationEntry, where)
            order = order_in(orders, annotation)
            if order is None:
                continue
            if annotation.image_id not in known and annotation.image_id not in texts:
                raise BadExample(
                    "dangling image id",
                    f"{where}: there is no image {annotation.image_id!r} among the"
                    f" {len(images)} images.",
                )
            annotation.image_id = texts.get(annotation.image_id, annotation.image_id)
            scored = _scored(where, annotation, order, keypoint_set)
        except BadExample as error:
            bad.add(error)
        else:
            annotations.append({"id": len(annotations) + 1, **scored})
    bad.warn()
    categories = [{"id": _PEOPLE, "name": "people"}]
    return {"images": images, "annotations": annotations, "categories": categories}


def category_ids(source: Any, keypoint_set: Any) -> set:
    """Returns the ids of the categories whose people have a set's keypoints.

    Args:
        source, keypoint_set: see `ground_truth`.
    Returns:
        set of int; that of all annotations if no category declares keypoints.
    Raises:
        ValueError: if the file cannot be read, or all its keypoints are others.
    """
    path, contents = _contents(source)
    categories = categories_with_keypoints(path, contents["categories"])
    orders, _ = orders_of(path, categories, keypoint_set)
    found = list(orders)
    if not orders:
        found = [field(entry, "category_id") for entry in contents["annotations"]]
        found = [_PEOPLE if number is None else as_number(number) for number in found]
    return {number for number in found if isinstance(number, int)}


def _contents(source):
    if isinstance(source, dict):
        lists = {key: source.get(key) or [] for key in ("images", "annotations")}
        return "the ground truth", {**lists, "categories": source.get("categories", [])}
    path = Path(source)
    return path, read_lists(path, ("images", "annotations"), ("categories",))


def _image_id(path, entry, texts):
    number = as_number(field(entry, "id"))
    number = texts.get(number, number) if isinstance(number, str) else number
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    check_image_number(number, path, field(entry, "file_name"))
    return number


def _scored(where, annotation, order, keypoint_set):
    keypoints = np.zeros((keypoint_set.num_keypoints, 3))
    if annotation.keypoints:
        keypoints = checked_keypoints(where, annotation.keypoints, keypoint_set)
        keypoints = order.apply(keypoints)
    labelled = keypoints[keypoints[:, 2] > 0, :2]
    box = np.zeros(4)
    if annotation.bbox:
        box = finite_numbers(where, {"bbox": annotation.bbox}, "bbox", (4,))
    if len(labelled) and min(box[2:]) <= 0:
        box = box_around(labelled)
    area = checked_area(where, annotation.area)
    if area is None or (not area and len(labelled)):
        area = float(box[2] * box[3])
    return {
        "image_id": annotation.image_id,
        "category_id": _PEOPLE,
        "iscrowd": int(bool(annotation.iscrowd)),
        "bbox": box.tolist(),
        "area": area,
        "num_keypoints": len(labelled),
        "keypoints": keypoints.ravel().tolist(),
    }
