"""Boxes of CVAT's shapes, and the data of a detector of them."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.formats.checks import FARTHEST
from hrnet_tf.data.formats.tools.base import LabelledData
from hrnet_tf.data.formats.tools.cvat_shapes import CvatFile, Frame, Shape, numbers_of
from hrnet_tf.data.formats.tools.drawn_boxes import (
    BoxedPicture,
    DrawnObject,
    around,
    drawn_box_data,
)
from hrnet_tf.data.formats.tools.outlines import ellipse
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.typing import Progress
from hrnet_tf.words import counted

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

# What is drawn of an object, and what labels of it may be.
_DRAWN = ("box", "polygon", "mask", "ellipse")
_TYPES = ("", "any", "rectangle", "polygon", "mask", "ellipse")
_FRAMES = "Of videos the frames that show an object were read, no others."


def box_of(shape: Shape, name: str) -> tuple[float, ...]:
    """Returns x, y, width and height, px from the picture's corner, of a box.

    Of a turned one they are those of the upright box around it.

    Args:
        shape: `Shape` of the kind "box".
        name: str. The picture, for messages.
    Raises:
        BadExample: if it lacks numbers.
    """
    left, top, right, bottom = _numbers(shape, name, "xtl", "ytl", "xbr", "ybr")
    turn = np.radians(_turn(shape, name))
    center = np.array([left + right, top + bottom]) / 2
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    if turn:
        corners = _turned(corners - center, turn) + center
        return around(corners)
    return left, top, right - left, bottom - top


def ellipse_of(shape: Shape, name: str) -> np.ndarray:
    """Returns corners `[N, 2]`, px from the picture's corner, of an ellipse.

    Args:
        shape: `Shape` of the kind "ellipse".
        name: str. The picture, for messages.
    Raises:
        BadExample: if it lacks numbers.
    """
    x, y, radius_x, radius_y = _numbers(shape, name, "cx", "cy", "rx", "ry")
    return ellipse((x, y), radius_x, radius_y, np.radians(_turn(shape, name)))


def boxes(
    path: Path,
    content: CvatFile,
    finder: Any,
    split_of: Callable[[Frame], str | None],
    bad: BadExamples,
    left_out: LeftOut,
    progress: Progress | None,
) -> LabelledData:
    """Reads boxes, and those around outlines.

    Args:
        path: `Path` of the file.
        content: `CvatFile`.
        finder: its `of(frame)` returns the name of a frame and what finds its file.
        split_of: function of a `Frame` to the part that it is of, or None.
        bad, left_out, progress: see `drawn_box_data`.
    """
    pictures = []
    for frame in content.frames:
        name, find = finder.of(frame)
        drawn, split = [], split_of(frame)
        for shape in frame.shapes:
            if shape.kind not in _DRAWN:
                left_out.add("skeletons, points and tags", name, split=split)
            elif not shape.outside:
                where = f"{name}: the {shape.kind} {shape.label!r}"
                box = functools.partial(_box_around, shape, name)
                outlined = shape.kind != "box"
                drawn.append(DrawnObject(where, shape.label, box, outlined))
        group = frame.video or None
        pictures.append(BoxedPicture(name, find, drawn, frame.size, group, split))
    names = [name for name, kind in content.types.items() if kind in _TYPES]
    notes = (_FRAMES,) if any(frame.video for frame in content.frames) else ()
    return drawn_box_data("cvat", path, pictures, bad, left_out, progress, names, notes)


def _box_around(shape, name):
    """The box of any shape that is drawn of an object."""
    if shape.kind == "box":
        return box_of(shape, name)
    if shape.kind == "mask":
        # Its own numbers are those of the smallest box around it.
        return tuple(_numbers(shape, name, "left", "top", "width", "height"))
    if shape.kind == "ellipse":
        return around(ellipse_of(shape, name))
    return around(ring_of(shape, name))


def ring_of(shape: Shape, name: str) -> np.ndarray:
    """Returns the corners `[N, 2]`, px from the picture's corner, of a polygon.

    Args:
        shape: `Shape` of the kind "polygon".
        name: str. The picture, for messages.
    Raises:
        BadExample: if it has no three corners of finite numbers.
    """
    corners = numbers_of(shape, name) + 0.5
    if len(corners) < 3:
        raise BadExample(
            "wrong points",
            f"{name}: the polygon {shape.label!r} has"
            f" {counted(len(corners), 'corners')}; expected three or more.",
        )
    return corners


def _turned(points: "ArrayLike", angle: float) -> np.ndarray:
    """Points turned clockwise in the picture, whose y goes down."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.asarray(points) @ np.array([[cos, sin], [-sin, cos]])


def _turn(shape, name):
    """The angle that a shape is turned by, degrees."""
    return _numbers(shape, name, "rotation")[0] if "rotation" in shape.fields else 0.0


def _numbers(shape, name, *fields):
    try:
        numbers = [float(shape.fields[field]) for field in fields]
    except (KeyError, ValueError):
        numbers = [np.nan]
    if not (np.abs(numbers) < FARTHEST).all():
        raise BadExample(
            f"wrong {shape.kind}",
            f"{name}: a {shape.kind} of {shape.label!r} lacks numbers"
            f" ({', '.join(fields)}): it has"
            f" {', '.join(repr(shape.fields.get(f)) for f in fields)}.",
        )
    return numbers
