"""Poses, segmentations and objects as COCO's json, beside the pictures."""

from pathlib import Path

import numpy as np

from hrnet_tf.data.formats.tools.writers.predicted import found_in, put_pictures
from hrnet_tf.data.formats.tools.writers.segments import class_masks, drawn_classes
from hrnet_tf.io import write_json


def write(predictions: dict, out: Path, images: Path | None = None) -> list:
    """See `ToolFormat.write`: annotations/ and images/, as COCO has them."""
    found = found_in(predictions, images)
    put_pictures(found, out / "images")
    entries: list[dict] = []
    annotations: list[dict] = []
    for number, picture in enumerate(found.pictures, 1):
        height, width = picture.size
        entries.append(
            {"id": number, "file_name": picture.name, "height": height, "width": width}
        )
        for annotation in _annotations(found, picture):
            same = {"id": len(annotations) + 1, "image_id": number, "iscrowd": 0}
            annotations.append({**same, **annotation})
    is_pose = found.label_set is None and found.object_set is None
    kind = "person_keypoints" if is_pose else "instances"
    path = out / "annotations" / f"{kind}_default.json"
    content = {
        "images": entries,
        "annotations": annotations,
        "categories": _categories(found),
    }
    write_json(path, content)
    return [path, out / "images"]


def _categories(found):
    if found.object_set is not None:
        named = zip(found.object_set.file_ids, found.object_set.classes, strict=True)
        return [{"id": i, "name": name, "supercategory": ""} for i, name in named]
    if found.label_set is not None:
        names = enumerate(drawn_classes(found), 1)
        return [{"id": i, "name": name, "supercategory": ""} for i, name in names]
    return [
        {
            "id": 1,
            "name": found.category,
            "supercategory": "",
            "keypoints": list(found.names),
            # From 1, as in COCO's own files.
            "skeleton": [[a + 1, b + 1] for a, b in found.limbs],
        }
    ]


def _annotations(found, picture):
    if found.object_set is not None:
        ids = found.object_set.file_ids
        for placed in picture.objects:
            yield _object(placed, ids[found.object_set.index(placed.label)])
        return
    if found.label_set is None:
        yield from map(_person, picture.people)
        return
    from pycocotools import mask as codec

    numbers = {name: i for i, name in enumerate(drawn_classes(found), 1)}
    for name, mask in class_masks(found, picture):
        encoded = codec.encode(np.asfortranarray(mask, np.uint8))
        yield {
            "category_id": numbers[name],
            "bbox": codec.toBbox(encoded).tolist(),
            "area": int(mask.sum()),
            "segmentation": {**encoded, "counts": encoded["counts"].decode()},
        }


def _object(placed, number):
    _, _, width, height = placed.box
    return {
        "category_id": number,
        "bbox": [round(side, 3) for side in placed.box],
        "area": round(width * height, 3),
        "segmentation": placed.mask or [],
        "score": round(placed.score, 5),
    }


def _person(person):
    points = [
        [round(x, 3), round(y, 3), 2] if placed else [0, 0, 0]
        for (x, y), placed in zip(person.points.tolist(), person.placed, strict=True)
    ]
    _, _, width, height = person.box
    return {
        "category_id": 1,
        "bbox": [round(side, 3) for side in person.box],
        "area": round(width * height, 3),
        "segmentation": [],
        "keypoints": [value for point in points for value in point],
        "num_keypoints": int(person.placed.sum()),
        "score": round(person.score, 5),
    }
