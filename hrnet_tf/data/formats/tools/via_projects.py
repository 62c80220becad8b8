"""The projects of VGG Image Annotator 3, as the pictures of version 2.

There views show files, and all regions of all views are in one dict. A region's shape
is a number with its coordinates, and its attributes are numbers, whose names and
options stand elsewhere.

Reference: https://www.robots.ox.ac.uk/~vgg/software/via, _via_metadata.js and
_via_file.js of version 3.
"""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.formats.checked_json import decode
from hrnet_tf.data.formats.checks import FARTHEST
from hrnet_tf.data.left_out import LeftOut

# What a project has, and no other json of VIA.
MARKS = ("metadata", "view", "file", "attribute")
_POINT, _RECTANGLE, _CIRCLE, _ELLIPSE = 1, 2, 3, 4
_LINES, _POLYGON, _EXTREME_RECTANGLE, _EXTREME_CIRCLE = (5, 6), 7, 8, 9
_IMAGE = 2
# A checkbox, of whose options several may be on.
_CHECKBOX = 2


class FileEntry(msgspec.Struct):
    """A file; `type` 2 is an image, others are videos and sounds."""

    fname: str = ""
    type: int = _IMAGE
    src: str = ""


class ViewEntry(msgspec.Struct):
    """What is shown together; of one image mostly."""

    fid_list: list[str | int]


class AttributeEntry(msgspec.Struct):
    """An attribute and the texts of its options."""

    aname: str
    type: int = 1
    options: dict[str, str | int] = {}


class MetadataEntry(msgspec.Struct):
    """A region (`xy`: the shape's number, and coordinates), or what goes without."""

    vid: str | int
    xy: list[float] = []
    av: dict[str, Any] = {}


def is_project(content: Any) -> bool:
    """Returns whether what a json file holds is a project of version 3."""
    return isinstance(content, dict) and all(
        isinstance(content.get(key), dict) for key in MARKS
    )


def pictures_of(
    path: Path, content: dict[str, Any], bad: BadExamples, left_out: LeftOut
) -> dict[str, dict[str, Any]]:
    """Returns the pictures of a project as version 2 writes them.

    Args:
        path: `Path` of the file.
        content: dict, see `is_project`.
        bad: `BadExamples`, which gets entries that cannot be used.
        left_out: `LeftOut`, which gets what is no region of a picture.
    Returns:
        dict of a view's id to "filename" and "regions".
    """
    attributes = {
        str(key): decode(entry, AttributeEntry, f"{path}: attribute {key}")
        for key, entry in content["attribute"].items()
    }
    pictures: dict[str, dict[str, Any]] = {}
    videos: set[str] = set()
    for key, entry in content["view"].items():
        try:
            name = _name(path, key, entry, content["file"])
        except BadExample as error:
            bad.add(error)
            continue
        if name is None:
            videos.add(key)
        else:
            pictures[key] = {"filename": name, "regions": []}
    for key, entry in content["metadata"].items():
        where = f"{path}: the metadata {key}"
        try:
            found = decode(entry, MetadataEntry, where)
            view = str(found.vid)
            if view in videos:
                left_out.add("labels of videos and sounds", key)
            elif not found.xy:
                left_out.add("attributes of whole pictures", key)
            elif view in pictures:
                region = {
                    "shape_attributes": _shape(where, found.xy),
                    "region_attributes": _values(where, found.av, attributes),
                }
                pictures[view]["regions"].append(region)
        except BadExample as error:
            bad.add(error)
    return pictures


def _name(path, key, entry, files):
    """The name of a view's picture; None where it is of a video or a sound."""
    view = decode(entry, ViewEntry, f"{path}: view {key}")
    found = [files.get(str(number)) for number in view.fid_list]
    if len(found) != 1 or found[0] is None:
        raise BadExample(
            "view of several files",
            f"{path}: the view {key} shows the files {view.fid_list}; expected one that"
            " the project has.",
        )
    file = decode(found[0], FileEntry, f"{path}: file {view.fid_list[0]}")
    if file.type != _IMAGE:
        return None
    # Pictures inside of the project have but a name.
    return file.fname if file.src.startswith("data:") else file.src or file.fname


def _values(where, given, attributes):
    """The attributes' texts by their names."""
    values = {}
    for key, value in given.items():
        known = attributes.get(str(key))
        if known is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise BadExample(
                "wrong av",
                f"{where}: its attribute {known.aname!r} is {value!r:.80}; expected the"
                " text or the number of an option.",
            )
        chosen = str(value).split(",") if known.type == _CHECKBOX else [str(value)]
        texts = [str(known.options.get(option, option)) for option in chosen]
        values[known.aname] = "_".join(text for text in texts if text)
    return values


def _shape(where, numbers):
    """A shape as version 2 writes it."""
    if not all(abs(number) < FARTHEST for number in numbers) or numbers[0] % 1:
        raise BadExample(
            "wrong shape",
            f"{where} has the shape {numbers!r:.80}; expected finite numbers, the first"
            " of 1 to 9.",
        )
    kind, places = int(numbers[0]), numbers[1:]
    needed = {_POINT: 2, _RECTANGLE: 4, _CIRCLE: 3, _ELLIPSE: 4}
    if len(places) < needed.get(kind, 6 if kind == _EXTREME_CIRCLE else 4):
        raise BadExample(
            "wrong shape",
            f"{where} has the shape {numbers!r:.80}, which lacks coordinates.",
        )
    if kind == _POINT:
        return {"name": "point", "cx": places[0], "cy": places[1]}
    if kind == _RECTANGLE:
        names = ("x", "y", "width", "height")
        return {"name": "rect", **dict(zip(names, places, strict=False))}
    if kind == _CIRCLE:
        return {"name": "circle", **dict(zip(("cx", "cy", "r"), places, strict=False))}
    if kind == _ELLIPSE:
        names = ("cx", "cy", "rx", "ry")
        return {"name": "ellipse", **dict(zip(names, places, strict=False))}
    xs, ys = places[::2], places[1::2]
    if kind == _EXTREME_RECTANGLE:
        left, top = min(xs), min(ys)
        size = {"width": max(xs) - left, "height": max(ys) - top}
        return {"name": "rect", "x": left, "y": top, **size}
    if kind == _EXTREME_CIRCLE:
        return _circle(where, xs, ys)
    if kind == _POLYGON or kind in _LINES:
        name = "polygon" if kind == _POLYGON else "polyline"
        return {"name": name, "all_points_x": xs, "all_points_y": ys}
    raise BadExample("unknown shape", f"{where} has the shape {kind}, not 1 to 9.")


def _circle(where, xs, ys):
    """The circle through three points."""
    points = np.array([xs[:3], ys[:3]]).T
    matrix = 2 * (points[1:] - points[0])
    squares = (points**2).sum(1)
    try:
        center = np.linalg.solve(matrix, squares[1:] - squares[0])
    except np.linalg.LinAlgError as error:
        raise BadExample(
            "wrong shape", f"{where}: the three points of its circle are in a line."
        ) from error
    radius = float(np.hypot(*(points[0] - center)))
    x, y = center.tolist()
    return {"name": "circle", "cx": x, "cy": y, "r": radius}
