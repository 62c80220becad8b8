"""What is the same whichever format boxes come in: from entries to examples.

Reference: mmdetection, mmdet/datasets/coco.py (which boxes are kept).
"""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.detection_example import DetectionExample
from hrnet_tf.data.formats.checks import FARTHEST, check_image
from hrnet_tf.data.instance_masks import pack_runs
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.data.object_sets import ObjectSet
from hrnet_tf.typing import PathLike, Progress

# Pixels that a box may reach out of its image without a word: rounding.
_SLACK = 1.0
# Smaller sides are those of no object; the official code leaves them out.
_LEAST_SIDE = 1.0
# Of the boxes that have to reach out for a file to be taken for one of corners.
_SHARE_OF_CORNERS = 0.1
# Of boxes around a centre, whose numbers are corners by chance when they are large.
_FEWEST_CENTRES, _SHARE_OF_CENTRES = 10, 0.5


class FoundObject(NamedTuple):
    """An object as a file has it.

    Attributes:
        where: str. File and entry, for messages.
        label: str. The class's name.
        box: four floats: x, y, width, height in px.
        number: int. The annotation's id.
        crowd, difficult: bool.
        area: float or None, px^2; None for the box's.
        runs: int array `[R]` or None, see `instance_masks`.
        given: four floats or None. What stands there in place of a box, in px, if that
            is no x, y, width and height.
    """

    where: str
    label: str
    box: Sequence[float]
    number: int
    crowd: bool = False
    difficult: bool = False
    area: float | None = None
    runs: np.ndarray | None = None
    given: Sequence[float] | None = None


class ObjectPicture(NamedTuple):
    """A picture as a file has it.

    Attributes:
        name: str. What the file calls it.
        image_id: int.
        find: `() -> Path` of the image file; it may raise `BadExample`.
        size: (height, width) that the file tells, px, or None each.
        read: `((height, width)) -> iterable of FoundObject`; what is wrong with single
            ones it adds to the `BadExamples` itself.
        split: str or None. The part of the data that it is of, if the file tells.
    """

    name: str
    image_id: int
    find: Callable
    size: tuple
    read: Callable
    split: str | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Objects:
    """The labelled objects of a file.

    Attributes:
        examples: list of `DetectionExample`, of images without objects too.
        object_set: `ObjectSet`, what their classes are.
        left_out: `LeftOut`, what of the file is not among them.
        notes: tuple of str. Sentences that the user is to see.
    """

    examples: list
    object_set: ObjectSet
    left_out: LeftOut
    notes: tuple = ()

    def told(self, source: PathLike) -> "list[DetectionExample]":
        """Warns of what was left out and noted; returns the examples.

        Args:
            source: path of what was read.
        """
        import warnings

        for note in self.notes:
            warnings.warn(note, stacklevel=3)
        self.left_out.warn(source)
        return self.examples


def build_examples(
    source: PathLike,
    pictures: Iterable[ObjectPicture],
    object_set: ObjectSet,
    bad: BadExamples,
    left_out: LeftOut,
    progress: Progress | None = None,
    total: int = 0,
    may_be_corners: bool = False,
    written: str = "x, y, width and height",
) -> Objects:
    """Makes examples of pictures, and checks files, sizes and boxes.

    Boxes that reach a little out of their image are cut, and noted; those of less than
    a pixel's width or height are left out, as officially; classes that are not of the
    set are left out and counted.

    Args:
        source: path of what is read, for messages.
        pictures: iterable of `ObjectPicture`.
        object_set: `ObjectSet`.
        bad: `BadExamples`, which gets what cannot be used.
        left_out: `LeftOut`, which gets what is not used.
        progress: callable (done, total) or None.
        total: int. Number of the pictures.
        may_be_corners: bool. Whether such files often hold corners by mistake.
        written: str. The four numbers of a box that such files hold.
    Returns:
        `Objects`.
    Raises:
        ValueError: naming image and value, for what is bad, unless `bad` skips it; if
            no picture is left; if the boxes seem to be corners by mistake.
    """
    builder = _Builder(source, object_set, bad, left_out, may_be_corners and written)
    examples: list[DetectionExample] = []
    for done, picture in enumerate(pictures, 1):
        try:
            examples.append(builder.example(picture))
        except BadExample as error:
            bad.add(error)
        if progress is not None:
            progress(done, total)
    builder.check_corners()
    if not examples:
        raise ValueError(
            f"{source} holds no picture that can be used; bad:"
            f" {bad.describe() or 'none'}."
        )
    bad.warn()
    return Objects(examples, object_set, left_out, tuple(builder.notes()))


class _Builder:
    """Turns pictures into examples, and counts what is told at the end."""

    def __init__(self, source, object_set, bad, left_out, written):
        self.source = source
        # What is to stand in place of corners; false where there are never any.
        self._written = written
        self.bad, self.left_out = bad, left_out
        self._object_set = object_set
        self._classes = {name: i for i, name in enumerate(object_set.classes)}
        self._paths: dict[Path, ObjectPicture] = {}
        self._num_boxes = self._num_cut = self._num_corners = self._num_centres = 0
        self._first_cut = ""

    def example(self, picture):
        """The `DetectionExample` of an `ObjectPicture`."""
        path = picture.find()
        other = self._paths.setdefault(path, picture)
        if other.image_id != picture.image_id:
            raise BadExample(
                "file of two images",
                f"{self.source}: the images {other.image_id} ({other.name}) and"
                f" {picture.image_id} ({picture.name}) are both {path}. If they are two"
                " pictures, keep the folders in their file names; if they are one, give"
                " it one entry.",
            )
        size = check_image(path, *picture.size)
        kept = []
        for found in picture.read(size):
            try:
                box = self._box(found, picture, size)
            except BadExample as error:
                self.bad.add(error)
                continue
            if box is not None:
                kept.append((found, box))
        boxes = np.array([box for _, box in kept], np.float32).reshape(-1, 4)
        sides = boxes[:, 2:] - boxes[:, :2]
        areas = [
            side.prod() if found.area is None else found.area
            for (found, _), side in zip(kept, sides, strict=True)
        ]
        packed, lengths = pack_runs([found.runs for found, _ in kept])
        return DetectionExample(
            image_path=str(path),
            image_id=picture.image_id,
            height=size[0],
            width=size[1],
            boxes=boxes,
            classes=np.array([self._classes[f.label] for f, _ in kept], np.int32),
            crowd=np.array([f.crowd for f, _ in kept], bool),
            difficult=np.array([f.difficult for f, _ in kept], bool),
            areas=np.array(areas, np.float32),
            ids=np.array([f.number for f, _ in kept], np.int64),
            mask_runs=packed,
            mask_lengths=lengths,
        )

    def _box(self, found, picture, size):
        """Left, top, right and bottom in the image; None where it is left out."""
        if found.label not in self._classes:
            reason = f"objects of classes that are not of {self._object_set.name!r}"
            name = f"{found.label!r} of image {picture.image_id}"
            self.left_out.add(reason, name, split=picture.split)
            return None
        box = [float(value) for value in found.box]
        if not all(np.isfinite(box)) or max(map(abs, box)) > FARTHEST:
            raise self._wrong("box not finite", found, picture, size)
        x, y, w, h = box
        if w <= 0 or h <= 0:
            raise self._wrong("box without area", found, picture, size)
        height, width = size
        corners = [max(x, 0.0), max(y, 0.0), min(x + w, width), min(y + h, height)]
        if corners[2] <= corners[0] or corners[3] <= corners[1]:
            raise self._wrong("box outside its image", found, picture, size)
        self._num_boxes += 1
        self._num_corners += _fits_as_corners(found.given or box, size)
        self._num_centres += found.given is not None
        reach = max(-x, -y, x + w - width, y + h - height)
        if reach > _SLACK:
            self._num_cut += 1
            self._first_cut = self._first_cut or f"{box} of image {picture.image_id}"
        if min(corners[2] - corners[0], corners[3] - corners[1]) < _LEAST_SIDE:
            reason = "boxes of less than a pixel's width or height"
            name = f"{box} of image {picture.image_id}"
            self.left_out.add(reason, name, split=picture.split)
            return None
        return corners

    def _wrong(self, problem, found, picture, size):
        hint = ""
        if self._written and _fits_as_corners(found.given or found.box, size):
            hint = (
                " As left, top, right and bottom it lies inside: write"
                f" {self._written}."
            )
        return BadExample(
            problem,
            f"{found.where}: {problem}: {list(found.box)} (x, y, width, height) of"
            f" image {picture.image_id} ({picture.name}), which has"
            f" {size[1]}x{size[0]} pixels (width x height).{hint}",
        )

    def check_corners(self):
        """Raises ValueError where all boxes make sense as corners, and many else not.

        Boxes of x, y, width and height are as corners mostly upside down.
        """
        fewest, share = 1, _SHARE_OF_CORNERS
        if self._num_centres:
            fewest, share = _FEWEST_CENTRES, _SHARE_OF_CENTRES
        if (
            self._written
            and self._num_boxes >= fewest
            and self._num_corners == self._num_boxes
            and self._num_cut >= max(1, share * self._num_boxes)
        ):
            raise ValueError(
                f"{self.source}: the boxes seem to be left, top, right and bottom: as"
                f" such all {self._num_boxes} lie in their images, but as"
                f" {self._written} {self._num_cut} reach out, such as"
                f" {self._first_cut}. Write {self._written}."
            )

    def notes(self):
        """Yields what the user is to see."""
        if self._num_cut:
            yield (
                f"{self.source}: {self._num_cut} of {self._num_boxes} boxes reach out"
                f" of their images and were cut, such as {self._first_cut}."
            )


def _fits_as_corners(box, size):
    """Whether four numbers are the corners of a box in an image."""
    left, top, right, bottom = box
    height, width = size
    across = -_SLACK <= left < right <= width + _SLACK
    return across and -_SLACK <= top < bottom <= height + _SLACK
