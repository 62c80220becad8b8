"""Poses, segmentations and objects as labelme's files, one beside each picture."""

from pathlib import Path

from hrnet_tf.data.formats.tools.writers.predicted import found_in, put_pictures
from hrnet_tf.data.formats.tools.writers.segments import (
    background_holes,
    class_masks,
    outline,
    parts,
)
from hrnet_tf.io import write_json

# Of labelme whose fields these are.
_VERSION = "5.5.0"


def write(predictions: dict, out: Path, images: Path | None = None) -> list:
    """See `ToolFormat.write`: pictures, and a .json of the same name for each.

    The points of a person and the box have one group_id. Classes are polygons, the
    larger ones first; smaller ones lie on them, background that they enclose too.
    """
    found = found_in(predictions, images)
    files = put_pictures(found, out)
    for picture, file in zip(found.pictures, files, strict=True):
        draw = _people if found.label_set is None else _polygons
        if found.object_set is not None:
            draw = _boxes
        height, width = picture.size
        content = {
            "version": _VERSION,
            "flags": {},
            "shapes": list(draw(found, picture)),
            "imagePath": file.name,
            "imageData": None,
            "imageHeight": height,
            "imageWidth": width,
        }
        write_json(file.with_suffix(".json"), content)
    return [out]


def _people(found, picture):
    for group, person in enumerate(picture.people, 1):
        x, y, width, height = person.box
        # From the picture's corner, half a pixel before the first one's centre.
        x, y = x + 0.5, y + 0.5
        corners = [[x, y], [x + width, y + height]]
        yield _shape(found.category, "rectangle", corners, group)
        for name, (px, py), placed in zip(
            found.names, person.points.tolist(), person.placed, strict=True
        ):
            if placed:
                yield _shape(name, "point", [[px + 0.5, py + 0.5]], group)


def _boxes(found, picture):
    for placed in picture.objects:
        x, y, width, height = placed.box
        corners = [[x, y], [x + width, y + height]]
        yield _shape(placed.label, "rectangle", corners, None)


def _polygons(found, picture):
    masks = [
        (name, part)
        for name, mask in class_masks(found, picture)
        for part in parts(mask)
    ]
    # A polygon has no holes: those are polygons too.
    masks += [("background", hole) for hole in background_holes(found, picture)]
    for name, part in sorted(masks, key=lambda pair: -int(pair[1].sum())):
        yield _shape(name, "polygon", outline(part).tolist(), None)


def _shape(label, kind, points, group):
    return {
        "label": label,
        "points": [[round(x, 3), round(y, 3)] for x, y in points],
        "group_id": group,
        "description": "",
        "shape_type": kind,
        "flags": {},
        "mask": None,
    }
