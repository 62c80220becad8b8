"""labelme's json files, one a picture: points, outlines, or flags of the picture.

Reference: https://github.com/wkentaro/labelme, its json of version 4 to 5.
"""

import base64
import binascii
import collections
import functools
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.formats.checked_json import decode
from hrnet_tf.data.formats.image_finder import ImageFinder
from hrnet_tf.data.formats.tools.base import LabelledData, Match, ToolFormat
from hrnet_tf.data.formats.tools.drawn_boxes import (
    BoxedPicture,
    DrawnObject,
    around,
    around_mask,
    drawn_box_data,
)
from hrnet_tf.data.formats.tools.label_maps import (
    OutlinedPicture,
    Region,
    label_map_data,
    polygon,
)
from hrnet_tf.data.formats.tools.loose_points import LoosePoint, people_of
from hrnet_tf.data.formats.tools.marks import content_of, files_of, match_of
from hrnet_tf.data.formats.tools.outlines import (
    ellipse,
    mask_of_text,
    placed,
    points_of,
    rectangle,
)
from hrnet_tf.data.formats.tools.people import Picture, natural, pose_data
from hrnet_tf.data.formats.tools.splits import split_of
from hrnet_tf.data.formats.tools.whole_pictures import ClassedPicture, class_data
from hrnet_tf.data.formats.tools.writers.labelme import write
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.io import read_json, write_bytes
from hrnet_tf.typing import Progress
from hrnet_tf.words import counted

_OUTLINES = ("polygon", "rectangle", "circle", "mask")
# What labelme calls pixels that are of no object, and those that are not to be learned.
_NO_OBJECTS = ("_background_", "__ignore__")
_HIDDEN = ("occluded", "hidden", "invisible", "not visible")
_NOTE = (
    "labelme counts from the picture's corner; half a pixel was taken off, so that the"
    " centre of the first pixel is at 0, 0. Points with a flag such as 'occluded' were"
    " read as occluded, all others as visible."
)


class Shape(msgspec.Struct):
    """A shape on a picture."""

    label: str | int
    points: list[list[float]]
    shape_type: str | None = "polygon"
    group_id: int | str | None = None
    flags: dict[str, Any] | None = None
    mask: str | None = None


class LabelmeFile(msgspec.Struct):
    """A file of labelme."""

    shapes: list[Shape]
    imagePath: str  # noqa: N815
    imageHeight: int | None = None  # noqa: N815
    imageWidth: int | None = None  # noqa: N815
    imageData: str | None = None  # noqa: N815
    flags: dict[str, Any] | None = None


def match(path: Path) -> Match:
    """See `ToolFormat`."""
    # Some of a folder, as one may be damaged or another's.
    files = [path] if path.is_file() else files_of(path, "**/*.json", limit=5)
    content = b"".join(content_of(file, ".json") for file in files)
    return match_of(
        (bool(content), "it is no .json file, and no folder of them"),
        (b'"shapes"' in content, "it has no list 'shapes'"),
        (b'"imagePath"' in content, "it has no 'imagePath'"),
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
    files = _read_files(path, bad, left_out)
    finder = _Finder(path, images, work)
    task = task or _guess(path, files.values())
    return _READERS[task](path, files, finder, work, bad, left_out, progress)


def guess(path: Path) -> str:
    """See `ToolFormat`."""
    return _guess(path, _read_files(path, BadExamples(path, True), LeftOut()).values())


def _read_files(path, bad, left_out):
    """The content of each file, by its path."""
    paths = [path]
    if path.is_dir():
        paths = sorted(path.rglob("*.json"), key=lambda p: natural(str(p)))
    files = {}
    for file in paths:
        try:
            content = read_json(file)
            if not isinstance(content, dict) or "shapes" not in content:
                if path.is_dir():
                    left_out.add("json files without 'shapes'", file.name)
                    continue
            files[file] = decode(content, LabelmeFile, str(file))
        except BadExample as error:
            bad.add(error)
        except ValueError as error:
            bad.add(BadExample("wrong file", str(error)))
    if not files:
        raise ValueError(
            f"{path} holds no file of labelme; left out:"
            f" {left_out.describe() or 'none'}; bad: {bad.describe() or 'none'}."
        )
    return files


def _guess(path, files):
    kinds = collections.Counter(s.shape_type for file in files for s in file.shapes)
    if kinds["point"]:
        return "pose"
    drawn = {kind for kind in _OUTLINES if kinds[kind]}
    if drawn:
        # Of boxes alone nobody outlined anything.
        return "detection" if drawn == {"rectangle"} else "segmentation"
    if any(any((file.flags or {}).values()) for file in files):
        return "classification"
    raise ValueError(
        f"{path} holds no points, outlines or flags in {counted(len(files), 'files')};"
        " found:"
        f" {', '.join(map(str, kinds)) or 'nothing'}."
    )


def _poses(path, files, finder, work, bad, left_out, progress):
    pictures, names = [], {}
    for file, content in files.items():
        try:
            people = _people(file, content, left_out, _split(path, file))
        except BadExample as error:
            bad.add(error)
            continue
        for person in people:
            names.update(dict.fromkeys(person.points))
        pictures.append(
            Picture(
                str(file),
                finder.of(file, content),
                people,
                _size(content),
                split=_split(path, file),
            )
        )
    return pose_data(
        "labelme", path, pictures, tuple(names), bad, left_out, progress, notes=(_NOTE,)
    )


def _people(file, content, left_out, split):
    points, boxes = [], {}
    for number, shape in enumerate(content.shapes):
        where = f"{file}: the {shape.shape_type} {shape.label!r}"
        group = None if shape.group_id is None else f"group {shape.group_id}"
        if shape.shape_type == "point":
            (x, y), *_ = points_of(where, shape.points, 1) - 0.5
            flags = shape.flags or {}
            hidden = any(flags[f] for f in flags if f.casefold() in _HIDDEN)
            place = (float(x), float(y), 1 if hidden else 2)
            points.append(LoosePoint(str(shape.label), place, group))
        elif shape.shape_type == "rectangle" or (
            group and shape.shape_type in ("polygon", "circle")
        ):
            boxes[group or f"box {number}"] = around(_ring(where, shape) - 0.5)
        else:
            reason = f"shapes of the kind {shape.shape_type}"
            left_out.add(reason, str(file), split=split)
    return people_of(str(file), points, boxes)


def _outlines(path, files, finder, work, bad, left_out, progress):
    pictures = []
    for file, content in files.items():
        regions = []
        try:
            for shape in content.shapes:
                where = f"{file}: the {shape.shape_type} {shape.label!r}"
                if shape.shape_type in _OUTLINES:
                    regions.append(Region(str(shape.label), _mask(where, shape)))
                else:
                    reason = f"shapes of the kind {shape.shape_type}"
                    left_out.add(reason, str(file), split=_split(path, file))
        except BadExample as error:
            bad.add(error)
            continue
        pictures.append(
            OutlinedPicture(
                str(file),
                finder.of(file, content),
                regions,
                _size(content),
                split=_split(path, file),
            )
        )
    return label_map_data("labelme", path, pictures, work, bad, left_out, progress)


def _mask(where, shape):
    if shape.shape_type == "mask":
        (x, y), *_ = points_of(where, shape.points, 1)
        return placed(mask_of_text(where, shape.mask or ""), x, y)
    return polygon([_ring(where, shape)])


def _ring(where, shape) -> np.ndarray:
    if shape.shape_type == "rectangle":
        return rectangle(points_of(where, shape.points, 2))
    if shape.shape_type == "circle":
        # The centre, and a point of the circle.
        center, rim, *_ = points_of(where, shape.points, 2)
        radius = float(np.linalg.norm(rim - center))
        return ellipse(center, radius, radius)
    return points_of(where, shape.points, 3)


def _boxes(path, files, finder, work, bad, left_out, progress):
    pictures = []
    for file, content in files.items():
        split, objects = _split(path, file), {}
        for number, shape in enumerate(content.shapes):
            if shape.shape_type not in _OUTLINES:
                reason = f"shapes of the kind {shape.shape_type}"
                left_out.add(reason, str(file), split=split)
            elif str(shape.label) in _NO_OBJECTS:
                reason = f"shapes that are called {shape.label}"
                left_out.add(reason, str(file), split=split)
            else:
                # Of one label and group they are parts of one object.
                own = number if shape.group_id is None else f"group {shape.group_id}"
                objects.setdefault((str(shape.label), own), []).append(shape)
        drawn = [_drawn(file, label, parts) for (label, _), parts in objects.items()]
        find, size = finder.of(file, content), _size(content)
        pictures.append(BoxedPicture(str(file), find, drawn, size, split=split))
    return drawn_box_data("labelme", path, pictures, bad, left_out, progress)


def _drawn(file, label, shapes):
    """The `DrawnObject` of shapes."""
    where = f"{file}: the {shapes[0].shape_type} {label!r}"
    outlined = any(shape.shape_type != "rectangle" for shape in shapes)
    return DrawnObject(where, label, functools.partial(_box, where, shapes), outlined)


def _box(where, shapes):
    """The box around all shapes of an object."""
    corners = []
    for shape in shapes:
        if shape.shape_type == "mask":
            (x, y), *_ = points_of(where, shape.points, 1).round()
            found = around_mask(where, mask_of_text(where, shape.mask or ""))
            left, top, width, height = found
            corners += [(x + left, y + top), (x + left + width, y + top + height)]
        else:
            corners += _ring(where, shape).tolist()
    return around(corners)


def _classes(path, files, finder, work, bad, left_out, progress):
    pictures = [
        ClassedPicture(
            str(file),
            finder.of(file, content),
            [name for name, value in (content.flags or {}).items() if value],
            split=_split(path, file),
        )
        for file, content in files.items()
    ]
    return class_data("labelme", path, pictures, bad, left_out, progress)


def _split(path, file):
    """The split that the folder of a file in `path` is called by."""
    if not path.is_dir():
        return None
    folders = file.parent.relative_to(path).parts
    return next((s for s in map(split_of, folders) if s), None)


def _size(content):
    sides = content.imageHeight or None, content.imageWidth or None
    return None if sides == (None, None) else sides


class _Finder:
    """Finds the pictures of files: beside them, or written of what they hold."""

    def __init__(self, path, images, work):
        self._root = path if path.is_dir() else path.parent
        self._images, self._work = images, work
        self._finders: dict = {}

    def of(self, file, content):
        """Returns the function that finds a file's picture."""
        return lambda: self._find(file, content)

    def _find(self, file, content):
        try:
            if self._images is None:
                return self._in(file.parent).find(content.imagePath)
            return self._in(self._images).find(content.imagePath)
        except BadExample as error:
            if self._images is None and file.parent != self._root:
                try:
                    return self._in(self._root).find(content.imagePath)
                except BadExample:
                    pass
            if content.imageData and self._work is not None:
                return self._written(file, content)
            raise BadExample(error.kind, f"{file}: {error}") from error

    def _written(self, file, content):
        try:
            encoded = base64.b64decode(content.imageData)
        except (binascii.Error, ValueError) as error:
            raise BadExample(
                "wrong imageData", f"{file}: imageData is no base64: {error}."
            ) from error
        suffix = ".png" if encoded.startswith(b"\x89PNG") else ".jpg"
        name = "__".join(file.with_suffix("").relative_to(self._root).parts)
        path = self._work / "images" / f"{name}{suffix}"
        write_bytes(path, encoded)
        return path

    def _in(self, folder):
        if folder not in self._finders:
            self._finders[folder] = ImageFinder(folder)
        return self._finders[folder]


_READERS = {
    "pose": _poses,
    "segmentation": _outlines,
    "classification": _classes,
    "detection": _boxes,
}

FORMAT = ToolFormat(
    name="labelme",
    title="labelme",
    tasks=tuple(_READERS),
    match=match,
    read=read,
    write=write,
    write_tasks=("pose", "segmentation", "detection"),
    guess=guess,
)
