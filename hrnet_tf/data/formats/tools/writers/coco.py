"""Poses as COCO's json, beside the pictures."""

from pathlib import Path

from hrnet_tf.data.formats.tools.writers.predicted import found_in, put_pictures
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
        for person in picture.people:
            annotation = _annotation(person, len(annotations) + 1, number)
            annotations.append(annotation)
    category = {
        "id": 1,
        "name": found.category,
        "supercategory": "",
        "keypoints": list(found.names),
        # From 1, as in COCO's own files.
        "skeleton": [[a + 1, b + 1] for a, b in found.limbs],
    }
    path = out / "annotations" / "person_keypoints_default.json"
    content = {"images": entries, "annotations": annotations, "categories": [category]}
    write_json(path, content)
    return [path, out / "images"]


def _annotation(person, number, image):
    points = [
        [round(x, 3), round(y, 3), 2] if placed else [0, 0, 0]
        for (x, y), placed in zip(person.points.tolist(), person.placed, strict=True)
    ]
    _, _, width, height = person.box
    return {
        "id": number,
        "image_id": image,
        "category_id": 1,
        "bbox": [round(side, 3) for side in person.box],
        "area": round(width * height, 3),
        "iscrowd": 0,
        "segmentation": [],
        "keypoints": [value for point in points for value in point],
        "num_keypoints": int(person.placed.sum()),
        "score": round(person.score, 5),
    }
