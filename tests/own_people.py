"""Drawn pictures with a labelled object each, as COCO's json."""

import json

import numpy as np
from PIL import Image, ImageDraw

NAMES = ("nose", "left_paw", "right_paw")
# Where a picture of several people has a crowd: x, y, width and height.
CROWD = (100, 4, 24, 16)


def draw_people(folder, count=12, names=NAMES, seed=0, stem="mouse{}_{}", **category):
    """Draws pictures into folder/images; returns the content of their json.

    Each three pictures are of one animal, by their names.
    """
    rng = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True, exist_ok=True)
    images, annotations = [], []
    for i in range(count):
        name = stem.format(i // 3, i) + ".png"
        color = tuple(int(v) for v in rng.integers(40, 200, 3))
        picture = Image.new("RGB", (96, 80), color)
        points = rng.uniform((24, 20), (72, 60), (len(names), 2)).round(1)
        draw = ImageDraw.Draw(picture)
        for point in points:
            draw.ellipse([*(point - 3), *(point + 3)], fill=(250, 250, 250))
        picture.save(folder / "images" / name)
        images.append({"id": i, "file_name": name, "width": 96, "height": 80})
        visible = np.column_stack([points, np.full(len(names), 2)])
        box = [*(points.min(0) - 4), *(np.ptp(points, 0) + 8)]
        annotations.append(
            {
                "id": i + 1,
                "image_id": i,
                "category_id": 1,
                "iscrowd": 0,
                "bbox": [round(float(v), 1) for v in box],
                "area": round(float(box[2] * box[3]), 1),
                "num_keypoints": len(names),
                "keypoints": visible.ravel().tolist(),
            }
        )
    categories = [{"id": 1, "name": "mouse", "keypoints": list(names), **category}]
    return {"images": images, "annotations": annotations, "categories": categories}


def write_people(folder, name="mice.json", **arguments):
    """Draws pictures and writes their json; returns its path."""
    content = draw_people(folder, **arguments)
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def draw_crowds(folder, count=8, people=2, crowd=True):
    """Draws pictures of several animals; writes and returns the json's path."""
    rng = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    for i in range(count):
        picture = Image.new("RGB", (128, 96), tuple(rng.integers(0, 90, 3).tolist()))
        draw = ImageDraw.Draw(picture)
        for k in range(people):
            low = 8 + 110 // people * k
            points = rng.uniform((low, 30), (low + 80 // people, 88), (3, 2)).round(1)
            for point in points:
                draw.ellipse([*(point - 3), *(point + 3)], fill=(250, 250, 250))
            box = [*(points.min(0) - 4), *(np.ptp(points, 0) + 8)]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": i,
                    "category_id": 1,
                    "iscrowd": 0,
                    "bbox": [round(float(v), 1) for v in box],
                    "area": round(float(box[2] * box[3]), 1),
                    "keypoints": [v for x, y in points.tolist() for v in (x, y, 2)],
                }
            )
        if crowd:
            x, y, w, h = CROWD
            ring = [x, y, x + w, y, x + w, y + h, x, y + h]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": i,
                    "category_id": 1,
                    "iscrowd": 1,
                    "bbox": list(CROWD),
                    "segmentation": [ring],
                    "area": w * h,
                    "keypoints": [0] * 9,
                }
            )
        picture.save(folder / "images" / f"{i}.png")
        size = {"width": 128, "height": 96}
        images.append({"id": i, "file_name": f"{i}.png", **size})
    categories = [{"id": 1, "name": "mouse", "keypoints": list(NAMES)}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    path = folder / "mice.json"
    path.write_text(json.dumps(content))
    return path
