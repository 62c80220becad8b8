"""Poses as skeletons, segmentations as masks, objects as boxes of CVAT's xml 1.1."""

import math
from html import escape
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np

from hrnet_tf.data.formats.tools.writers.predicted import found_in, put_pictures
from hrnet_tf.data.formats.tools.writers.segments import (
    class_masks,
    drawn_classes,
    parts,
)
from hrnet_tf.io import write_bytes, write_json


def write(predictions: dict, out: Path, images: Path | None = None) -> list:
    """See `ToolFormat.write`: annotations.xml, labels.json and images/.

    labels.json is what CVAT's constructor of labels takes as "Raw"; a task with these
    labels and the pictures takes annotations.xml as "CVAT 1.1".
    """
    found = found_in(predictions, images)
    put_pictures(found, out / "images")
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<annotations>"]
    lines += ["<version>1.1</version>", *_meta(found)]
    for number, picture in enumerate(found.pictures):
        height, width = picture.size
        lines.append(
            f'<image id="{number}" name={quoteattr(picture.name)} width="{width}"'
            f' height="{height}">'
        )
        for group, person in enumerate(picture.people, 1):
            lines += _person(found, person, group)
        if found.label_set is not None:
            lines += _masks(found, picture)
        for placed in picture.objects:
            label, sides = quoteattr(placed.label), _sides(placed.box)
            lines.append(
                f'<box label={label} occluded="0" source="auto" z_order="0"'
                f" {sides}></box>"
            )
        lines.append("</image>")
    lines.append("</annotations>")
    write_bytes(out / "annotations.xml", "\n".join(lines) + "\n")
    write_json(out / "labels.json", _labels(found))
    return [out / "annotations.xml", out / "labels.json", out / "images"]


def _labels(found):
    """What CVAT's constructor of labels takes."""
    if found.label_set is not None or found.object_set is not None:
        return [
            {"name": name, "color": color, "type": kind, "attributes": []}
            for name, color, kind in _colored(found)
        ]
    points = [
        {"name": name, "type": "points", "attributes": []} for name in found.names
    ]
    skeleton = {
        "name": found.category,
        "type": "skeleton",
        "attributes": [],
        "svg": _drawing(found),
        "sublabels": points,
    }
    box = {"name": _box_label(found), "type": "rectangle", "attributes": []}
    return [skeleton, box]


def _colored(found):
    """Yields the classes that are drawn, with their colours and kinds of shapes."""
    label_set, object_set = found.label_set, found.object_set
    if object_set is not None:
        for name, color in zip(object_set.classes, object_set.colors, strict=True):
            yield name, "#" + bytes(color).hex(), "rectangle"
        return
    for name in drawn_classes(found):
        color = label_set.palette[label_set.index(name)]
        yield name, "#" + bytes(color).hex(), "mask"


def _box_label(found):
    return f"{found.category}_box"


def _meta(found):
    yield "<meta><task><labels>"
    if found.label_set is not None or found.object_set is not None:
        for name, color, kind in _colored(found):
            yield (
                f"<label><name>{escape(name)}</name><color>{color}</color>"
                f"<type>{kind}</type><attributes></attributes></label>"
            )
        yield "</labels></task></meta>"
        return
    yield (
        f"<label><name>{escape(found.category)}</name><type>skeleton</type>"
        f"<attributes></attributes><svg>{escape(_drawing(found))}</svg></label>"
    )
    for name in found.names:
        yield (
            f"<label><name>{escape(name)}</name><type>points</type>"
            f"<attributes></attributes><parent>{escape(found.category)}</parent>"
            "</label>"
        )
    yield (
        f"<label><name>{escape(_box_label(found))}</name><type>rectangle</type>"
        "<attributes></attributes></label>"
    )
    yield "</labels></task></meta>"


def _person(found, person, group):
    """The lines of a person: a box, grouped with a skeleton."""
    numbers = _sides(person.box)
    same = f'source="auto" group_id="{group}" z_order="0"'
    label = quoteattr(_box_label(found))
    yield f'<box label={label} occluded="0" {same} {numbers}></box>'
    yield f"<skeleton label={quoteattr(found.category)} {same}>"
    for name, (px, py), placed in zip(
        found.names, person.points.tolist(), person.placed, strict=True
    ):
        # From the picture's corner, half a pixel before the first one's centre.
        yield (
            f'<points label={quoteattr(name)} outside="{int(not placed)}" occluded="0"'
            f' source="auto" points="{px + 0.5:.3f},{py + 0.5:.3f}"></points>'
        )
    yield "</skeleton>"


def _sides(box):
    """The numbers of a box."""
    x, y, width, height = box
    sides = {"xtl": x, "ytl": y, "xbr": x + width, "ybr": y + height}
    return " ".join(f'{side}="{value:.3f}"' for side, value in sides.items())


def _masks(found, picture):
    """The lines of the connected parts of each class."""
    for name, mask in class_masks(found, picture):
        for part in parts(mask):
            rows, columns = (np.flatnonzero(part.any(axis)) for axis in (1, 0))
            top, left = rows[0], columns[0]
            inside = part[top : rows[-1] + 1, left : columns[-1] + 1]
            # Runs outside and inside in turn, by rows; the first may be empty.
            values = np.concatenate([[False], inside.ravel()])
            edges = np.flatnonzero(np.diff(values))
            runs = np.diff(np.concatenate([[0], edges, [inside.size]]))
            yield (
                f'<mask label={quoteattr(name)} source="auto" occluded="0" z_order="0"'
                f' rle="{", ".join(map(str, runs))}" left="{left}" top="{top}"'
                f' width="{inside.shape[1]}" height="{inside.shape[0]}"></mask>'
            )


def _drawing(found):
    """The skeleton as CVAT draws it: the points in a circle, 0 to 100."""
    count = len(found.names)
    angles = [2 * math.pi * i / count for i in range(count)]
    places = [(50 + 40 * math.sin(a), 50 - 40 * math.cos(a)) for a in angles]
    lines = [
        f'<line x1="{places[a][0]:.2f}" y1="{places[a][1]:.2f}"'
        f' x2="{places[b][0]:.2f}" y2="{places[b][1]:.2f}" stroke="black"'
        f' data-type="edge" data-node-from="{a + 1}" stroke-width="0.5"'
        f' data-node-to="{b + 1}"></line>'
        for a, b in found.limbs
    ]
    circles = [
        f'<circle r="1.5" stroke="black" fill="#b3b3b3" cx="{x:.2f}" cy="{y:.2f}"'
        f' stroke-width="0.1" data-type="element node" data-element-id="{i}"'
        f' data-node-id="{i}" data-label-name={quoteattr(name)}></circle>'
        for i, (name, (x, y)) in enumerate(zip(found.names, places, strict=True), 1)
    ]
    return "".join(lines + circles)
