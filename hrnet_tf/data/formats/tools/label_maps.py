"""What is the same whichever tool outlined objects: from outlines to label maps."""

import collections
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.formats.checks import check_image
from hrnet_tf.data.formats.tools.base import LabelledData
from hrnet_tf.data.instance_masks import mask_of_runs, runs_of_polygons
from hrnet_tf.data.label_set import IGNORE_LABEL
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.data.schema import SegmentationExample
from hrnet_tf.io import write_file
from hrnet_tf.words import counted

BACKGROUND = "background"
# What tools call pixels that are of no class, and those that are not to be learned.
_BACKGROUNDS = ("background", "_background_", "__background__")
_IGNORED = ("ignore", "_ignore_", "__ignore__", "void")
NOTE = (
    "Outlines were painted as label maps, larger objects first, so that smaller ones"
    f" lie on them; pixels of no object are the class {BACKGROUND!r}."
)


@dataclasses.dataclass
class Region:
    """An object's outline.

    Attributes:
        label: str. The class.
        mask: function from (height, width) to bool `[height, width]`, where the object
            is; it may raise `BadExample`.
        ignored: bool. Whether the pixels are not to be learned.
    """

    label: str
    mask: Callable
    ignored: bool = False


@dataclasses.dataclass
class OutlinedPicture:
    """A picture with its objects.

    Attributes:
        name: str. What the annotations call it.
        find: function without arguments to the `Path` of the image file, which may
            raise `BadExample`.
        regions: list of `Region`.
        size: (height, width) in px that the annotations tell, or None.
        group: str or None. See `LabelledData.groups`.
        split: str or None. See `LabelledData.splits`.
    """

    name: str
    find: Callable
    regions: list
    size: tuple | None = None
    group: str | None = None
    split: str | None = None


def polygon(rings: list, holes: list | tuple = ()) -> Callable:
    """Makes `Region.mask` of an outline.

    Args:
        rings: list of arrays `[N, 2]` or of flat lists, px, counted from the corner of
            the picture: the outer lines.
        holes: the same, of what is not in the object.
    """

    def mask(size):
        inside = painted(rings, size)
        return inside & ~painted(holes, size) if len(holes) else inside

    return mask


def painted(rings: list | tuple, size: tuple) -> np.ndarray:
    """Paints polygons as pycocotools does, bool `[height, width]`.

    Raises:
        BadExample: if one has fewer than three corners or is not finite.
    """
    mask = np.zeros(size, bool)
    for ring in rings:
        try:
            points = np.asarray(ring, np.float64).reshape(-1, 2)
        except (TypeError, ValueError):
            points = np.full((1, 2), np.nan)
        if len(points) < 3 or not np.isfinite(points).all():
            raise BadExample(
                "wrong outline",
                f"an outline is {np.asarray(ring, object).tolist()!r:.80}; expected at"
                " least three corners of finite x and y",
            )
        runs = runs_of_polygons([points.ravel()], size)
        mask |= mask_of_runs(runs, size)
    return mask


def box_region(label: str, box: tuple) -> Region:
    """An object with a box alone, whose pixels are not to be learned.

    Args:
        label: str.
        box: x, y, width, height in px.
    """
    x, y, width, height = box
    corners = [x, y, x + width, y, x + width, y + height, x, y + height]
    return Region(label, polygon([corners]), ignored=True)


def label_map_data(
    format: str,
    source: Path,
    pictures: list,
    work: Path | None,
    bad: BadExamples,
    left_out: LeftOut,
    progress: Callable | None = None,
    names: tuple | list = (),
    notes: tuple = (),
    palette: dict | None = None,
    **fields: Any,
) -> LabelledData:
    """Paints label maps and makes examples of them.

    Class 0 is what lies outside of all objects.

    Args:
        format: str. The name of the `ToolFormat`.
        source: `Path` of the file or folder.
        pictures: list of `OutlinedPicture`.
        work: `Path` of the folder to write label maps into.
        bad: `BadExamples`, which gets those that cannot be used.
        left_out: `LeftOut`, which gets what has no outline.
        progress: callable `(num_done, num_images)` or None.
        names: the classes that the file declares, in their order; others follow in
            alphabetical order.
        notes: tuple of str.
        palette: dict of a class to (red, green, blue), or None.
        **fields: of `LabelledData`.
    Returns:
        `LabelledData` of the task "segmentation".
    Raises:
        ValueError: if there is no `work`, no outline, or too many classes.
    """
    _check(source, pictures, work, left_out, bad)
    classes = _classes(source, names, pictures)
    found = _painted(pictures, classes, work, bad, left_out, progress)
    if not found:
        raise _nothing(source, "holds no outlined object", pictures, left_out, bad)
    bad.warn()
    return LabelledData(
        task="segmentation",
        format=format,
        source=source,
        examples=[example for example, _ in found],
        names=tuple(classes),
        palette=_palette(palette, classes),
        groups={e.image_path: p.group for e, p in found if p.group is not None},
        splits={e.image_path: p.split for e, p in found if p.split is not None},
        left_out=left_out,
        notes=(NOTE, *notes),
        **fields,
    )


def _check(source, pictures, work, left_out, bad):
    if work is None:
        raise ValueError(
            f"{source} has outlines of objects, of which label maps are to be painted:"
            " pass `work`, a folder for them."
        )
    if all(region.ignored for picture in pictures for region in picture.regions):
        raise _nothing(source, "outlines no object", pictures, left_out, bad)


def _painted(pictures, classes, work, bad, left_out, progress):
    """Pairs of an example and its picture, of those that have outlines."""
    found = []
    folder = _Folder(work / "labels")
    for done, picture in enumerate(pictures, 1):
        try:
            example = _painted_example(picture, classes, folder, left_out)
        except BadExample as error:
            bad.add(error)
        else:
            if example is not None:
                found.append((example, picture))
        if progress is not None:
            progress(done, len(pictures))
    return found


def _nothing(source, what, pictures, left_out, bad):
    return ValueError(
        f"{source} {what} in {counted(len(pictures), 'pictures')}; left out:"
        f" {left_out.describe() or 'none'}; bad: {bad.describe() or 'none'}."
    )


def write_label_map(path: Path, labels: np.ndarray) -> None:
    """Writes uint8 `[H, W]` as a grey PNG."""
    from PIL import Image

    image = Image.fromarray(labels)
    write_file(path, lambda file: image.save(file, format="PNG"))


class _Folder:
    """Makes names of files, different ones for pictures of the same name."""

    def __init__(self, folder):
        self.folder = folder
        self._counts = collections.Counter()

    def path(self, image_path):
        stem = Path(image_path).stem
        self._counts[stem] += 1
        count = self._counts[stem]
        return self.folder / f"{stem}{f'__{count}' if count > 1 else ''}.png"


def _classes(source, names, pictures):
    """Returns the number of each class, by its name."""
    used = {r.label for p in pictures for r in p.regions if not _is_ignored(r)}
    used.discard("")
    known = [name for name in dict.fromkeys(names) if name not in _IGNORED]
    known += sorted(used - set(known))
    background = next((n for n in known if n.casefold() in _BACKGROUNDS), BACKGROUND)
    classes = [background, *(name for name in known if name != background)]
    if len(classes) > IGNORE_LABEL:
        raise ValueError(
            f"{source} has {len(classes)} classes; an 8-bit label map holds"
            f" {IGNORE_LABEL}."
        )
    return {name: number for number, name in enumerate(classes)}


def _is_ignored(region):
    return region.ignored or region.label in _IGNORED


def _painted_example(picture, classes, folder, left_out):
    if not picture.regions:
        left_out.add("pictures without outlines", picture.name, split=picture.split)
        return None
    if not all(region.label or region.ignored for region in picture.regions):
        raise BadExample(
            "outline without class", f"{picture.name}: an outline has no class."
        )
    path = picture.find()
    size = check_image(path, *(picture.size or (None, None)))
    pieces = []
    for region in picture.regions:
        try:
            rows, columns, mask = _cut_out(region.mask(size))
        except BadExample as error:
            text = f"{picture.name}: {region.label!r}: {error}."
            raise BadExample(error.kind, text) from error
        number = IGNORE_LABEL if _is_ignored(region) else classes[region.label]
        if mask.size:
            pieces.append((region.ignored, number, rows, columns, mask))
        else:
            reason = "outlines without a pixel in the picture"
            left_out.add(reason, picture.name, split=picture.split)
    labels = np.zeros(size, np.uint8)
    # What has but a box lies under what is outlined.
    for _, number, rows, columns, mask in sorted(
        pieces, key=lambda piece: (not piece[0], -int(piece[-1].sum()))
    ):
        labels[rows, columns][mask] = number
    place = folder.path(path)
    write_label_map(place, labels)
    return SegmentationExample(str(path), str(place))


def _cut_out(mask):
    """The rows and columns (slices) that a mask has pixels in, and it there."""
    slices = []
    for axis in (1, 0):
        used = np.flatnonzero(mask.any(axis))
        slices.append(slice(used[0], used[-1] + 1) if len(used) else slice(0, 0))
    return *slices, mask[tuple(slices)].copy()


def _palette(palette, classes):
    if not palette:
        return ()
    black = (0, 0, 0)
    first, *others = classes
    if not all(name in palette for name in others):
        return ()
    return (palette.get(first, black), *(palette[name] for name in others))
