"""What Label Studio's regions are labels of: people, segments or whole pictures."""

import collections
import dataclasses
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrnet_tf.data.bad_examples import BadExample
from hrnet_tf.data.formats.tools.base import LabelledData
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
    box_region,
    label_map_data,
    polygon,
)
from hrnet_tf.data.formats.tools.label_studio_brush import mask_of
from hrnet_tf.data.formats.tools.label_studio_regions import (
    box_of,
    ellipse_of,
    points_and_boxes,
    polygon_of,
    size_of,
)
from hrnet_tf.data.formats.tools.loose_points import people_of
from hrnet_tf.data.formats.tools.people import Picture, only_text, pose_data
from hrnet_tf.data.formats.tools.repeats import repeated_people
from hrnet_tf.data.formats.tools.whole_pictures import ClassedPicture, class_data
from hrnet_tf.typing import Progress

if TYPE_CHECKING:
    from hrnet_tf.data.bad_examples import BadExamples
    from hrnet_tf.data.left_out import LeftOut


_SEGMENTS = ("polygon", "brush", "ellipse")
_POINTS_NOTE = (
    "Label Studio counts in percent from the picture's corner; half a pixel was taken"
    " off, so that the centre of the first pixel is at 0, 0. A point is occluded where"
    " an answer about it says so (occluded, hidden, invisible), and visible otherwise."
)
_NAMES_NOTE = (
    "The export does not tell the order of the labels: they are in that of their first"
    " use."
)


@dataclasses.dataclass
class Labelled:
    """A picture of an export.

    Attributes:
        name: str. What the task calls it.
        find: function without arguments to the `Path` of the image file.
        regions: list of `Region`.
        related: list of pairs of regions' ids.
        repeats: list of such regions and pairs, of other people's annotations.
    """

    name: str
    find: Callable
    regions: list
    related: list
    repeats: list = dataclasses.field(default_factory=list)


def guess(path: Path, labelled: list, left_out: "LeftOut", bad: "BadExamples") -> str:
    """Returns the task that a file has labels for, poses before segments."""
    found = {region.kind for picture in labelled for region in picture.regions}
    if "keypoint" in found:
        return "pose"
    if found & set(_SEGMENTS):
        return "segmentation"
    if any(r.answers for picture in labelled for r in picture.regions if not r.kind):
        return "classification"
    if "rectangle" in found:
        return "detection"
    raise ValueError(
        f"{path} holds no keypoints, outlines, boxes or choices in {len(labelled)}"
        f" labelled pictures; left out: {left_out.describe() or 'none'}; bad:"
        f" {bad.describe() or 'none'}."
    )


def poses(
    path: Path,
    labelled: Sequence[Any],
    bad: "BadExamples",
    left_out: "LeftOut",
    work: Path | None,
    progress: Progress | None,
) -> LabelledData:
    """Reads keypoints, and the boxes of people if there are any."""
    pictures, names = [], {}
    seconds: list = []
    called: set = set()
    for picture in labelled:
        try:
            points, boxes = points_and_boxes(
                picture.regions, picture.related, picture.name
            )
            people = people_of(picture.name, points, boxes)
        except BadExample as error:
            bad.add(error)
            continue
        names.update(dict.fromkeys(point.label for point in points))
        sizes = [region.size for region in picture.regions if region.size]
        size = sizes[0] if sizes else None
        others = [r for r in picture.regions if r.kind in _SEGMENTS]
        if others:
            left_out.add("outlines", picture.name, len(others))
        pictures.append(Picture(picture.name, picture.find, people, size))
        seconds.append((people, _others(picture, left_out), size))
        drawn = [r for r in picture.regions if r.kind == "rectangle"]
        called.update(label for region in drawn for label in region.labels)
    order = list(names)
    repeats = [
        repeat
        for people, others, size in seconds
        for repeat in (repeated_people(people, others, order, size) if others else ())
    ]
    return pose_data(
        "label_studio",
        path,
        pictures,
        order,
        bad,
        left_out,
        progress,
        notes=(_POINTS_NOTE, _NAMES_NOTE),
        repeats=tuple(repeats),
        category=only_text(called),
    )


def _others(picture, left_out):
    """The people of other people's annotations of a picture."""
    found = []
    for regions, related in picture.repeats:
        try:
            points, boxes = points_and_boxes(regions, related, picture.name)
            found.append(people_of(picture.name, points, boxes))
        except BadExample:
            reason = "second annotations that cannot be read"
            left_out.add(reason, picture.name)
    return found


def classes(
    path: Path,
    labelled: Sequence[Any],
    bad: "BadExamples",
    left_out: "LeftOut",
    work: Path | None,
    progress: Progress | None,
) -> LabelledData:
    """Reads answers about whole pictures: those to the question of most answers."""
    counts: collections.Counter[Any] = collections.Counter()
    for picture in labelled:
        for region in picture.regions:
            counts.update(list(region.answers) if not region.kind else ())
    question = counts.most_common(1)[0][0] if counts else None
    for other, count in counts.items():
        if other != question:
            left_out.add("answers to another question", other, count)
    pictures = []
    for picture in labelled:
        whole = [r.answers.get(question, []) for r in picture.regions if not r.kind]
        answers = [answer for answers in whole for answer in answers]
        pictures.append(ClassedPicture(picture.name, picture.find, answers))
    return class_data("label_studio", path, pictures, bad, left_out, progress)


def segments(
    path: Path,
    labelled: Sequence[Any],
    bad: "BadExamples",
    left_out: "LeftOut",
    work: Path | None,
    progress: Progress | None,
) -> LabelledData:
    """Reads polygons and brushes; boxes alone are of pixels that are not learned."""
    pictures = []
    for picture in labelled:
        regions = []
        for drawn in _outlines(picture, left_out):
            try:
                regions.append(_region(drawn, picture.name))
            except BadExample as error:
                bad.add(error)
        sizes = [region.size for region in picture.regions if region.size]
        size = sizes[0] if sizes else None
        pictures.append(OutlinedPicture(picture.name, picture.find, regions, size))
    return label_map_data("label_studio", path, pictures, work, bad, left_out, progress)


def _outlines(picture, left_out):
    """What was drawn in a picture and has an outline; keypoints are left out."""
    for drawn in picture.regions:
        if drawn.kind in (*_SEGMENTS, "rectangle"):
            yield drawn
        elif drawn.kind:
            left_out.add("keypoints", picture.name)


def _region(drawn, name):
    """The `Region` of what was drawn."""
    label = _label(drawn, name)
    if drawn.kind == "rectangle":
        return box_region(label, box_of(drawn, name))
    if drawn.kind == "polygon":
        return Region(label, polygon([polygon_of(drawn, name)]))
    if drawn.kind == "ellipse":
        return Region(label, polygon([ellipse_of(drawn, name)]))
    size = size_of(drawn, name)
    return Region(label, lambda _: mask_of(drawn.value.get("rle"), size, name))


def _label(drawn, name):
    """The only label of what was drawn."""
    if len(drawn.labels) != 1:
        raise BadExample(
            "outline without class",
            f"{name}: the {drawn.kind} {drawn.id} has the labels {drawn.labels};"
            " expected one.",
        )
    return drawn.labels[0]


def boxes(
    path: Path,
    labelled: Sequence[Any],
    bad: "BadExamples",
    left_out: "LeftOut",
    work: Path | None,
    progress: Progress | None,
) -> LabelledData:
    """Reads rectangles, and the boxes around polygons, brushes and ellipses."""
    pictures = []
    for picture in labelled:
        objects = []
        for drawn in _outlines(picture, left_out):
            try:
                label = _label(drawn, picture.name)
            except BadExample as error:
                bad.add(error)
                continue
            where = f"{picture.name}: the {drawn.kind} {drawn.id}"
            box = functools.partial(_box, drawn, picture.name, where)
            objects.append(DrawnObject(where, label, box, drawn.kind != "rectangle"))
        size = next((region.size for region in picture.regions if region.size), None)
        pictures.append(BoxedPicture(picture.name, picture.find, objects, size))
    return drawn_box_data("label_studio", path, pictures, bad, left_out, progress)


def _box(drawn, name, where):
    """The box of what was drawn."""
    if drawn.kind == "rectangle":
        return box_of(drawn, name)
    if drawn.kind == "polygon":
        return around(polygon_of(drawn, name))
    if drawn.kind == "ellipse":
        return around(ellipse_of(drawn, name))
    mask = mask_of(drawn.value.get("rle"), size_of(drawn, name), name)
    return around_mask(where, mask)
