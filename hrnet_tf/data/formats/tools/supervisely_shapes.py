"""What Supervisely's json holds, and the outlines and boxes of its objects."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from hrnet_tf.data.bad_examples import BadExample
from hrnet_tf.data.formats.tools.drawn_boxes import around, around_mask
from hrnet_tf.data.formats.tools.label_maps import polygon
from hrnet_tf.data.formats.tools.outlines import (
    mask_of_text,
    placed,
    points_of,
    rectangle,
)


class ClassEntry(msgspec.Struct):
    """A class of meta.json."""

    title: str
    shape: str | None = None
    color: str | None = None
    geometry_config: dict[str, Any] | None = None


class MetaFile(msgspec.Struct):
    """A meta.json."""

    classes: list[ClassEntry]


class NodeEntry(msgspec.Struct):
    """A keypoint of a graph."""

    loc: list[float]
    disabled: bool | None = False


class PointsEntry(msgspec.Struct):
    """The corners of an object, and of its holes."""

    exterior: list[list[float]] = []
    interior: list[list[list[float]]] = []


class BitmapEntry(msgspec.Struct):
    """A mask, and where its first pixel is (x, y)."""

    data: str
    origin: list[float]


class ObjectEntry(msgspec.Struct):
    """An object of a picture."""

    classTitle: str  # noqa: N815
    geometryType: str  # noqa: N815
    points: PointsEntry | None = None
    bitmap: BitmapEntry | None = None
    nodes: dict[str, NodeEntry] | None = None


class PictureFile(msgspec.Struct):
    """The json of a picture."""

    objects: list[ObjectEntry]
    size: dict[str, int] = {}


def mask_of(path: Path, entry: ObjectEntry) -> Callable:
    """Returns `Region.mask` of an object with an outline or a mask.

    Args:
        path: `Path` of the picture's json, for messages.
        entry: `ObjectEntry`.
    Raises:
        BadExample: if it lacks corners or a mask.
    """
    where = where_of(path, entry)
    if entry.geometryType == "bitmap":
        return placed(*_bitmap(where, entry))
    points = entry.points or PointsEntry()
    holes = [points_of(where, hole, 3) for hole in points.interior]
    return polygon([_ring(where, entry)], holes)


def where_of(path: Path, entry: ObjectEntry) -> str:
    """Returns what messages call an object (str); see `mask_of`."""
    return f"{path}: the {entry.geometryType} {entry.classTitle!r}"


def _bitmap(where, entry):
    """A mask, and the left and top of its first pixel."""
    if entry.bitmap is None:
        raise BadExample("absent bitmap", f"{where} has no 'bitmap'.")
    ((left, top),) = points_of(where, [entry.bitmap.origin], 1)
    return mask_of_text(where, entry.bitmap.data, packed=True), left, top


def _ring(where, entry):
    """The outer corners of a polygon or a rectangle."""
    points = entry.points or PointsEntry()
    if entry.geometryType == "rectangle":
        return rectangle(points_of(where, points.exterior, 2))
    return points_of(where, points.exterior, 3)


def box_of(path: Path, entry: ObjectEntry) -> tuple[float, ...]:
    """Returns x, y, width and height, px, of an object; see `mask_of`."""
    where = where_of(path, entry)
    if entry.geometryType != "bitmap":
        return around(_ring(where, entry))
    mask, left, top = _bitmap(where, entry)
    x, y, width, height = around_mask(where, mask)
    return x + round(left), y + round(top), width, height
