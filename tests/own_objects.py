"""Drawn pictures of fruit in the layouts of COCO, PASCAL VOC and YOLO."""

import json

import numpy as np
from PIL import Image, ImageDraw

NAMES = ("apple", "pear")
SIZE = (96, 80)
_COLORS = ((220, 40, 30), (60, 220, 40))


def draw_objects(folder, count=12, seed=0, empty=0):
    """Draws pictures into a folder; returns each name and its (class, box) pairs.

    Boxes are left, top, right and bottom. The last `empty` pictures show nothing.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {}
    for i in range(count):
        color = tuple(int(v) for v in rng.integers(0, 60, 3))
        picture = Image.new("RGB", SIZE, color)
        draw = ImageDraw.Draw(picture)
        objects = []
        for k in range(2 if i < count - empty else 0):
            w, h = (int(v) for v in rng.integers(16, 32, 2))
            # One in each half, so that none hides another.
            x = int(rng.integers(0, 48 - w)) + 48 * k
            y = int(rng.integers(0, SIZE[1] - h))
            label = int(rng.integers(2)) if i else k
            draw.ellipse([x, y, x + w - 1, y + h - 1], fill=_COLORS[label])
            objects.append((label, (x, y, x + w, y + h)))
        picture.save(folder / f"{i:02d}.png")
        drawn[f"{i:02d}.png"] = objects
    return drawn


def coco(folder, name="fruit.json", images="images", **arguments):
    """A json and its pictures; returns the path of the json."""
    drawn = draw_objects(folder / images, **arguments)
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(coco_content(drawn)))
    return path


def coco_content(drawn):
    sizes = {"width": SIZE[0], "height": SIZE[1]}
    return {
        "images": [
            {"id": i, "file_name": name, **sizes} for i, name in enumerate(drawn)
        ],
        "annotations": [
            {
                "id": 100 * i + k + 1,
                "image_id": i,
                "category_id": label,
                "bbox": [x, y, right - x, bottom - y],
                "segmentation": [],
                "area": (right - x) * (bottom - y),
                "iscrowd": 0,
            }
            for i, objects in enumerate(drawn.values())
            for k, (label, (x, y, right, bottom)) in enumerate(objects)
        ],
        # As Roboflow writes it: a category above all others.
        "categories": [
            {"id": 9, "name": "fruit", "supercategory": "none"},
            *(
                {"id": i, "name": name, "supercategory": "fruit"}
                for i, name in enumerate(NAMES)
            ),
        ],
    }


def voc(folder, lists=None, annotations="Annotations", images="JPEGImages", **draw):
    """Xml files and their pictures, with lists of names for the parts."""
    drawn = draw_objects(folder / images, **draw)
    (folder / annotations).mkdir(parents=True, exist_ok=True)
    for name, objects in drawn.items():
        entries = "".join(
            f"<object><name>{NAMES[label]}</name><bndbox><xmin>{x + 1}</xmin>"
            f"<ymin>{y + 1}</ymin><xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox>"
            "</object>"
            for label, (x, y, right, bottom) in objects
        )
        text = (
            f"<annotation><filename>{name}</filename><size><width>{SIZE[0]}</width>"
            f"<height>{SIZE[1]}</height></size>{entries}</annotation>"
        )
        (folder / annotations / name).with_suffix(".xml").write_text(text)
    for part, names in (lists or {}).items():
        path = folder / "ImageSets" / "Main" / f"{part}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(names))
    return folder


def yolo(folder, parts=("train", "val"), **draw):
    """Text files, pictures and a data.yaml; returns the folder."""
    for number, part in enumerate(parts):
        drawn = draw_objects(folder / "images" / part, seed=number, **draw)
        (folder / "labels" / part).mkdir(parents=True, exist_ok=True)
        for name, objects in drawn.items():
            width, height = SIZE
            lines = [
                f"{label} {(x + right) / 2 / width:.6f} {(y + bottom) / 2 / height:.6f}"
                f" {(right - x) / width:.6f} {(bottom - y) / height:.6f}"
                for label, (x, y, right, bottom) in objects
            ]
            path = (folder / "labels" / part / name).with_suffix(".txt")
            path.write_text("\n".join(lines))
    entries = "".join(f"{part}: images/{part}\n" for part in parts)
    names = ", ".join(NAMES)
    (folder / "data.yaml").write_text(f"{entries}nc: 2\nnames: [{names}]\n")
    return folder
