"""What is the same whichever tool drew objects: from shapes to boxes."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.formats.objects import FoundObject, ObjectPicture, build_examples
from hrnet_tf.data.formats.tools.base import LabelledData
from hrnet_tf.data.formats.tools.boxes import box_data
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.data.object_sets import ObjectSet
from hrnet_tf.typing import Progress
from hrnet_tf.words import counted

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


@dataclasses.dataclass
class DrawnObject:
    """An object that somebody drew on a picture.

    Attributes:
        where: str. File and shape, for messages.
        label: str. The class.
        box: function without arguments to x, y, width and height in px, counted from
            the corner of the picture; it may raise `BadExample`.
        outlined: bool. Whether the box is the one around an outline.
    """

    where: str
    label: str
    box: Callable[[], Sequence[float]]
    outlined: bool = False


@dataclasses.dataclass
class BoxedPicture:
    """A picture with its objects, of which there may be none.

    Attributes:
        name: str. What the annotations call it.
        find: function without arguments to the `Path` of the image file, which may
            raise `BadExample`.
        objects: list of `DrawnObject`.
        size: (height, width) in px that the annotations tell, None for one or both.
        group: str or None. See `LabelledData.groups`.
        split: str or None. See `LabelledData.splits`.
    """

    name: str
    find: Callable[[], Path]
    objects: list[DrawnObject]
    size: tuple | None = None
    group: str | None = None
    split: str | None = None


def around(points: "ArrayLike") -> tuple[float, ...]:
    """Returns x, y, width and height, px, of the box around corners `[N, 2]`."""
    points = np.asarray(points, np.float64)
    low, high = points.min(0), points.max(0)
    return (*low.tolist(), *(high - low).tolist())


def around_mask(where: str, mask: np.ndarray) -> tuple[float, ...]:
    """Returns x, y, width and height, px, of the box around a mask's pixels.

    Args:
        where: str. What the mask is of, for the message.
        mask: bool `[height, width]`.
    Raises:
        BadExample: if no pixel is set.
    """
    rows, columns = np.nonzero(mask)
    if not len(rows):
        raise BadExample("box without area", f"{where} has a mask without a pixel.")
    corners = np.stack([columns, rows], -1)
    return around(np.concatenate([corners, corners + 1]))


def drawn_box_data(
    format: str,
    path: Path,
    pictures: Sequence[BoxedPicture],
    bad: BadExamples,
    left_out: LeftOut,
    progress: Progress | None = None,
    names: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> LabelledData:
    """Makes examples of pictures with drawn objects.

    A shape that cannot be used is bad by itself; the others of its picture stay.

    Args:
        format: str. The name of the `ToolFormat`.
        path: `Path` of the file or folder.
        pictures: list of `BoxedPicture`.
        bad: `BadExamples`, which gets what cannot be used.
        left_out: `LeftOut`, which gets what is no object.
        progress: callable `(num_done, num_images)` or None.
        names: the classes that the file declares, in their order; others follow by the
            alphabet.
        notes: of str.
    Returns:
        `LabelledData` of the task "detection".
    Raises:
        ValueError: if no object is drawn, and see `build_examples`.
    """
    pictures = [_with_classes(picture, bad) for picture in pictures]
    drawn = [found for picture in pictures for found in picture.objects]
    if not drawn:
        raise ValueError(
            f"{path} holds no boxes or outlines of objects in"
            f" {counted(len(pictures), 'pictures')}; left out:"
            f" {left_out.describe() or 'none'}; bad: {bad.describe() or 'none'}."
        )
    known = dict.fromkeys((*names, *sorted({found.label for found in drawn})))
    places: dict[str, BoxedPicture] = {}
    objects = build_examples(
        path,
        (_picture(p, n, places, bad) for n, p in enumerate(pictures, 1)),
        ObjectSet(path.resolve().stem or "own", tuple(known)),
        bad,
        left_out,
        progress,
        len(pictures),
    )
    outlined = sum(found.outlined for found in drawn)
    if outlined:
        text = f"{counted(outlined, 'outlines')} of {len(drawn)} objects"
        notes = (*notes, f"Of {text} the boxes around them were taken.")
    objects = dataclasses.replace(objects, notes=(*notes, *objects.notes))
    of = {e.image_path: places[e.image_path] for e in objects.examples}
    splits = {name: p.split for name, p in of.items() if p.split is not None}
    groups = {name: p.group for name, p in of.items() if p.group is not None}
    data = box_data(format, path, [(objects, splits)])
    return dataclasses.replace(data, groups=groups)


def _with_classes(picture, bad):
    """A picture without the objects that nobody gave a class."""
    for found in picture.objects:
        if not found.label:
            bad.add(BadExample("object without class", f"{found.where} has no class."))
    kept = [found for found in picture.objects if found.label]
    return dataclasses.replace(picture, objects=kept)


def _picture(picture, number, places, bad):
    """The `ObjectPicture` of a `BoxedPicture`, which notes where it was found."""

    def find():
        path = picture.find()
        places.setdefault(str(path), picture)
        return path

    def read(_: Any):
        for position, found in enumerate(picture.objects, 1):
            try:
                box = found.box()
            except BadExample as error:
                bad.add(error)
            else:
                yield FoundObject(found.where, found.label, box, position)

    size = picture.size or (None, None)
    return ObjectPicture(picture.name, number, find, size, read, picture.split)
