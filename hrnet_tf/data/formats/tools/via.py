"""VGG Image Annotator's csv and json: points and outlines.

Reference: https://www.robots.ox.ac.uk/~vgg/software/via, version 2, the json of
version 1 (whose regions are a dict), and the projects of version 3 (`via_projects`).
"""

import collections
import csv
import io
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.formats.checked_json import decode
from hrnet_tf.data.formats.image_finder import ImageFinder, folder_of_images
from hrnet_tf.data.formats.tools import via_projects
from hrnet_tf.data.formats.tools.base import LabelledData, Match, ToolFormat
from hrnet_tf.data.formats.tools.drawn_boxes import (
    BoxedPicture,
    DrawnObject,
    around,
    drawn_box_data,
)
from hrnet_tf.data.formats.tools.label_maps import (
    OutlinedPicture,
    Region,
    label_map_data,
    polygon,
)
from hrnet_tf.data.formats.tools.loose_points import LoosePoint, people_of
from hrnet_tf.data.formats.tools.marks import content_of, match_of
from hrnet_tf.data.formats.tools.outlines import ellipse, points_of, rectangle
from hrnet_tf.data.formats.tools.people import Picture, pose_data
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.io import read_json
from hrnet_tf.typing import Progress

_METADATA = "_via_img_metadata"
_COLUMNS = ("filename", "region_shape_attributes", "region_attributes")
# Attributes that mean a class or a keypoint, and those that mean whose it is.
_LABELS = ("label", "class", "keypoint", "name", "category", "type", "object", "part")
_OWNERS = ("person", "group", "instance", "individual", "track", "object_id", "id")
_UNNAMED = "object"
_NO_NAMES = (
    "Its regions have no attributes: all outlines were read as one class,"
    f" {_UNNAMED!r}."
)


class ShapeEntry(msgspec.Struct):
    """A region's shape."""

    name: str
    x: float | None = None
    y: float | None = None
    width: float | None = None
    height: float | None = None
    cx: float | None = None
    cy: float | None = None
    r: float | None = None
    rx: float | None = None
    ry: float | None = None
    theta: float | None = None
    all_points_x: list[float] | None = None
    all_points_y: list[float] | None = None


class RegionEntry(msgspec.Struct):
    """A region of a picture."""

    shape_attributes: ShapeEntry
    region_attributes: dict[str, Any] = {}


class PictureEntry(msgspec.Struct):
    """A picture with its regions."""

    filename: str
    regions: list[RegionEntry] | dict[str, RegionEntry] = []

    def __post_init__(self):
        if isinstance(self.regions, dict):
            self.regions = list(self.regions.values())


def match(path: Path) -> Match:
    """See `ToolFormat`."""
    content = content_of(path, ".csv", ".json")
    if all(f'"{mark}"'.encode() in content for mark in (*via_projects.MARKS, "vid")):
        # Version 3.
        return Match(1)
    return match_of(
        (bool(content), "it is no .csv or .json file"),
        (b"filename" in content, "it has no 'filename'"),
        (b"region_attributes" in content, "it has no 'region_attributes'"),
        (b"shape_attributes" in content, "it has no 'shape_attributes'"),
    )


def read(
    path: Path,
    images: Path | None = None,
    work: Path | None = None,
    task: str | None = None,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> LabelledData:
    """See `ToolFormat`."""
    bad, left_out = BadExamples(path, skip_bad), LeftOut()
    entries = _entries(path, bad, left_out)
    names = [entry.filename for entry in entries]
    finder = ImageFinder(images or folder_of_images(path, names[:5]))
    task = task or _guess(entries)
    label, owner = _attributes(path, entries)
    if task == "pose":
        if label is None:
            raise ValueError(
                f"{path} does not name its points: no region has an attribute. Give the"
                " regions an attribute such as 'keypoint' with the keypoint's name."
            )
        return _poses(path, entries, finder, label, owner, bad, left_out, progress)
    notes = (_NO_NAMES,) if label is None else ()
    if task == "detection":
        pictures = [
            _boxed(path, entry, _find(finder, entry), label, left_out)
            for entry in entries
        ]
        return drawn_box_data(
            "via", path, pictures, bad, left_out, progress, notes=notes
        )
    outlined = []
    for entry in entries:
        try:
            regions = _regions(path, entry, label, left_out)
        except BadExample as error:
            bad.add(error)
        else:
            find = _find(finder, entry)
            outlined.append(OutlinedPicture(entry.filename, find, regions))
    return label_map_data(
        "via", path, outlined, work, bad, left_out, progress, notes=notes
    )


def guess(path: Path) -> str:
    """See `ToolFormat`."""
    return _guess(_entries(path, BadExamples(path, True), LeftOut()))


def _guess(entries):
    kinds = {r.shape_attributes.name for e in entries for r in e.regions}
    if "point" in kinds:
        return "pose"
    # Of boxes alone nobody outlined anything.
    return "detection" if kinds == {"rect"} else "segmentation"


def _entries(path, bad, left_out):
    is_table = path.suffix.lower() == ".csv"
    return _of_table(path, bad) if is_table else _of_json(path, bad, left_out)


def _of_json(path, bad, left_out):
    content = read_json(path)
    if via_projects.is_project(content):
        content = via_projects.pictures_of(path, content, bad, left_out)
    elif isinstance(content, dict) and isinstance(content.get(_METADATA), dict):
        content = content[_METADATA]
    if not isinstance(content, dict):
        raise ValueError(
            f"{path} holds a {type(content).__name__}; expected VIA's dict of pictures."
        )
    entries = []
    for key, entry in content.items():
        # Beside pictures a project has settings.
        if key.startswith("_via_"):
            continue
        try:
            entries.append(decode(entry, PictureEntry, f"{path}: {key}"))
        except BadExample as error:
            bad.add(error)
    return _different(path, entries, bad)


def _of_table(path, bad):
    """The pictures of a table with a line for each region."""
    try:
        text = path.read_text("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline="")))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"{path} is no table of comma-separated text: {error}."
        ) from None
    header = [name.strip().lstrip("#") for name in rows[0]] if rows else []
    absent = [name for name in _COLUMNS if name not in header]
    if absent:
        raise ValueError(
            f"{path} has no column {absent[0]!r}; it has {', '.join(header)[:120]}."
        )
    pictures: dict = {}
    for number, row in enumerate(rows[1:], 2):
        if not row:
            continue
        where = f"{path}, line {number}"
        try:
            if len(row) != len(header):
                raise BadExample(
                    "wrong number of columns",
                    f"{where} has {len(row)} columns, the first line {len(header)}.",
                )
            fields = dict(zip(header, row, strict=True))
            name = fields["filename"]
            key = (name, fields.get("file_size"))
            entry = pictures.setdefault(key, PictureEntry(name, []))
            region = _region_of_row(where, fields)
            if region is not None:
                entry.regions.append(region)
        except BadExample as error:
            bad.add(error)
    return _different(path, list(pictures.values()), bad)


def _region_of_row(where, fields):
    """The region of a line; None in that of a picture without one."""
    parts = {}
    for key in _COLUMNS[1:]:
        try:
            parts[key] = msgspec.json.decode(fields[key].encode() or b"{}")
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise BadExample(
                f"wrong {key}", f"{where}: {key} is no json: {error}."
            ) from error
    shape, attributes = parts.values()
    if not shape:
        return None
    entry = {"shape_attributes": shape, "region_attributes": attributes}
    return decode(entry, RegionEntry, where)


def _different(path, entries, bad):
    """The entries, but those of a picture that others have too."""
    counts = collections.Counter(entry.filename for entry in entries)
    for name, count in counts.items():
        if count > 1:
            bad.add(
                BadExample(
                    "file of two images",
                    f"{path}: {count} of its pictures are called {name!r}, so it is"
                    " unclear whose labels are whose. Rename them.",
                )
            )
    kept = [entry for entry in entries if counts[entry.filename] == 1]
    if not kept:
        raise ValueError(
            f"{path} holds no picture that can be used; bad:"
            f" {bad.describe() or 'none'}."
        )
    return kept


def _attributes(path, entries):
    """The attributes that name regions, and tell whose they are; each may be None."""
    values = collections.defaultdict(set)
    for entry in entries:
        for region in entry.regions:
            for name, value in region.region_attributes.items():
                if _text(value):
                    values[name].add(_text(value))
    owners = [n for n in values if n.casefold().replace(" ", "_") in _OWNERS]
    names = [n for n in values if n not in owners]
    if not names and len(owners) == 1:
        names, owners = owners, []
    known = [n for n in names if n.casefold() in _LABELS]
    known.sort(key=lambda n: _LABELS.index(n.casefold()))
    if len(names) > 1 and not known:
        raise ValueError(
            f"{path}: its regions have the attributes {', '.join(map(repr, names))};"
            f" which one is the class or the keypoint? Call it one of"
            f" {', '.join(_LABELS)}."
        )
    label = (known or names or [None])[0]
    return label, (owners or [None])[0]


def _text(value):
    """The text of an attribute's value; "" where none is chosen."""
    if isinstance(value, dict):
        # A checkbox: the options that are on.
        return "_".join(sorted(str(key) for key, on in value.items() if on))
    is_number = type(value) in (int, float) and abs(value) < np.inf
    return str(value) if isinstance(value, str) or is_number else ""


def _find(finder, entry):
    return lambda: finder.find(entry.filename)


def _poses(path, entries, finder, label, owner, bad, left_out, progress):
    pictures, names = [], {}
    for entry in entries:
        points, boxes = [], {}
        try:
            for number, region in enumerate(entry.regions):
                shape, where = region.shape_attributes, _where(path, entry, number)
                group = _text(region.region_attributes.get(owner)) if owner else ""
                name = _text(region.region_attributes.get(label))
                if shape.name == "point" and not name:
                    left_out.add("points without a name", entry.filename)
                elif shape.name == "point":
                    (x, y), *_ = points_of(where, [[shape.cx, shape.cy]], 1)
                    place = (float(x), float(y), 2)
                    points.append(LoosePoint(name, place, group or None))
                elif shape.name == "rect":
                    boxes[group or f"box {number}"] = around(_ring(where, shape))
                else:
                    left_out.add(f"shapes of the kind {shape.name}", entry.filename)
            people = people_of(entry.filename, points, boxes)
        except BadExample as error:
            bad.add(error)
            continue
        for person in people:
            names.update(dict.fromkeys(person.points))
        pictures.append(Picture(entry.filename, _find(finder, entry), people))
    return pose_data("via", path, pictures, tuple(names), bad, left_out, progress)


def _where(path, entry, number):
    return f"{path}: region {number} (from 0) of {entry.filename}"


def _regions(path, entry, label, left_out):
    return [
        Region(name, polygon([_ring(where, shape)]))
        for where, name, shape in _outlines(path, entry, label, left_out)
    ]


def _boxed(path, entry, find, label, left_out):
    """The `BoxedPicture` of an entry."""
    objects = [
        DrawnObject(
            where,
            name,
            lambda where=where, shape=shape: around(_ring(where, shape)),
            shape.name != "rect",
        )
        for where, name, shape in _outlines(path, entry, label, left_out)
    ]
    return BoxedPicture(entry.filename, find, objects)


def _outlines(path, entry, label, left_out):
    """Yields where each outlined shape of an entry is, its class, and the shape."""
    for number, region in enumerate(entry.regions):
        shape, name = region.shape_attributes, _UNNAMED
        if label is not None:
            name = _text(region.region_attributes.get(label))
        if shape.name in ("point", "polyline"):
            left_out.add(f"shapes of the kind {shape.name}", entry.filename)
        elif not name:
            left_out.add("outlines without a class", entry.filename)
        else:
            yield _where(path, entry, number), name, shape


def _ring(where, shape) -> np.ndarray:
    """The corners `[N, 2]` of a shape."""
    if shape.name in ("polygon", "polyline"):
        xs, ys = shape.all_points_x or [], shape.all_points_y or []
        if len(xs) != len(ys):
            raise BadExample(
                "wrong points", f"{where} has {len(xs)} x, but {len(ys)} y."
            )
        return points_of(where, [list(pair) for pair in zip(xs, ys, strict=True)], 3)
    if shape.name == "rect":
        sizes = [shape.width, shape.height]
        (x, y), (width, height) = points_of(where, [[shape.x, shape.y], sizes], 2)
        return rectangle(np.array([(x, y), (x + width, y + height)]))
    if shape.name in ("circle", "ellipse"):
        radii = [shape.rx, shape.ry] if shape.name == "ellipse" else [shape.r] * 2
        places = [[shape.cx, shape.cy], radii, [shape.theta or 0.0, 0.0]]
        center, (rx, ry), (turn, _) = points_of(where, places, 3)
        return ellipse(center, rx, ry, turn)
    raise BadExample(
        "unknown shape", f"{where} is a {shape.name!r}, which VIA does not draw."
    )


FORMAT = ToolFormat(
    name="via",
    title="VGG Image Annotator",
    tasks=("pose", "segmentation", "detection"),
    match=match,
    read=read,
    guess=guess,
)
