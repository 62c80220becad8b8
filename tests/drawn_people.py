"""Pictures and files of people with three points, drawn for tests of formats."""

import json

import numpy as np
from PIL import Image

NAMES = ("tip", "left", "right")
HEIGHT, WIDTH = 30, 40


def draw_pictures(folder, *names):
    """Draws small pictures, and returns the folder."""
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(number)
        pixels = rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder


def coco_person(id_, image_id, **changes):
    """An annotation of COCO's, with a hidden and an unlabelled point."""
    fields = {
        "id": id_,
        "image_id": image_id,
        "category_id": 1,
        "iscrowd": 0,
        "area": 50.0,
        "bbox": [5.0, 4.0, 20.0, 10.0],
        "num_keypoints": 2,
        "keypoints": [10, 5, 2, 12, 6, 1, 0, 0, 0],
    }
    return {**fields, **changes}


def coco_content(*file_names):
    """The content of a COCO file with a person in each picture."""
    images = [
        {"id": i, "file_name": name, "height": HEIGHT, "width": WIDTH}
        for i, name in enumerate(file_names, 1)
    ]
    return {
        "images": images,
        "annotations": [coco_person(i["id"] * 10, i["id"]) for i in images],
        "categories": [
            {
                "id": 1,
                "name": "bird",
                "keypoints": list(NAMES),
                "skeleton": [[1, 2], [1, 3]],
            }
        ],
    }


def write(path, content, encoding="utf-8"):
    """Writes json, and returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding=encoding)
    return path
