"""Regions of Label Studio's json: what was drawn on one picture."""

import dataclasses
import re
from typing import Any

import numpy as np

from hrnet_tf.data.bad_examples import BadExample
from hrnet_tf.data.formats.checks import FARTHEST
from hrnet_tf.data.formats.tools.loose_points import LoosePoint
from hrnet_tf.data.formats.tools.outlines import ellipse, points_of

# Answers about a point that make it an occluded one.
_OCCLUDED = ("occluded", "hidden", "invisible", "not visible")
_KINDS = ("keypoint", "rectangle", "polygon", "brush", "ellipse")


@dataclasses.dataclass
class Region:
    """Something drawn; what is said of it in several results is together here.

    Attributes:
        id: str.
        kind: str, of `_KINDS`, or "" for what is said of the whole picture.
        labels: list of str.
        value: dict, its numbers in percent of the picture.
        size: (height, width) of the picture in px.
        parent: str or None. The id of the region it was put under.
        answers: dict of a question's name to a list of str.
    """

    id: str
    kind: str
    labels: list
    value: dict
    size: tuple | None
    parent: str | None
    answers: dict

    def point(self, x: Any, y: Any) -> tuple:
        """Returns percents as 0-based px, the centre of the first pixel at 0, 0."""
        assert self.size is not None
        height, width = self.size
        return x / 100 * width - 0.5, y / 100 * height - 0.5


def regions_of(results: list, name: str) -> tuple:
    """Puts the results of an annotation together.

    Args:
        results: list of dict, the "result" of an annotation.
        name: str. The picture, for messages.
    Returns:
        list of `Region`, and a list of pairs of ids that were related by hand.
    Raises:
        BadExample: for results of another form.
    """
    regions: dict[str, Region] = {}
    related: list[tuple] = []
    for number, result in enumerate(results):
        if not isinstance(result, dict) or not isinstance(result.get("type"), str):
            raise BadExample(
                "wrong result", f"{name}: result {number} has no type: {result!r:.80}."
            )
        if result["type"] == "relation":
            ends = [_id(result, end, name) for end in ("from_id", "to_id")]
            related.append(tuple(ends))
            continue
        key = _id(result, "id", name) or str(number)
        region = regions.setdefault(key, Region(key, "", [], {}, None, None, {}))
        _add(region, result, name)
    return list(regions.values()), related


def _add(region, result, name):
    value = result.get("value")
    if not isinstance(value, dict):
        raise BadExample(
            "wrong result", f"{name}: the result {region.id} has no value."
        )
    kind = re.sub("labels$", "", result["type"])
    if kind in _KINDS:
        region.kind = kind
    elif result["type"] == "labels":
        region.kind = region.kind or next((k for k in _KINDS if _fits(k, value)), "")
    if "choices" in value:
        question = result.get("from_name") or ""
        answers = region.answers.setdefault(str(question), [])
        answers += _texts(value, "choices", region, name)
    for field in value:
        if field.endswith("labels"):
            region.labels += _texts(value, field, region, name)
    region.value.update(value)
    region.parent = _id(result, "parentID", name) or region.parent
    sides = [_side(result, f"original_{side}", name) for side in ("height", "width")]
    if all(sides):
        region.size = tuple(sides)
    if result.get("image_rotation"):
        raise BadExample(
            "rotated picture",
            f"{name} was labelled while it was turned by {result['image_rotation']}"
            " degrees in Label Studio. Turn the file and label it again.",
        )


def _id(result, field, name):
    """An id as text; "" where there is none."""
    value = result.get(field)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise BadExample(
            f"wrong {field}",
            f"{name}: the {field} of a result is {value!r:.80}; expected text.",
        )
    return str(value)


def _texts(value, field, region, name):
    """The labels or choices of a result; none where it has null for them."""
    texts = value[field] if value[field] is not None else []
    if not isinstance(texts, list) or not all(isinstance(t, str) for t in texts):
        raise BadExample(
            f"wrong {field}",
            f"{name}: {field} of the region {region.id} are {texts!r:.80}; expected a"
            " list of texts.",
        )
    return texts


def _side(result, field, name):
    """A side of the picture in px, None where it is not told."""
    value = result.get(field)
    if value is None or value == 0:
        return None
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 1 <= value < FARTHEST or value % 1:
        raise BadExample(
            f"wrong {field}",
            f"{name}: {field} of a result is {value!r:.80}; expected a whole number of"
            " pixels.",
        )
    return int(value)


def _fits(kind, value):
    if kind == "polygon":
        return "points" in value
    if kind == "brush":
        return "rle" in value
    if kind == "ellipse":
        return "radiusX" in value
    return kind == "rectangle" and "height" in value and "x" in value


def points_and_boxes(regions: list, related: list, name: str) -> tuple:
    """Returns the keypoints (list of `LoosePoint`) and boxes (dict) of regions."""
    boxes = {r.id: box_of(r, name) for r in regions if r.kind == "rectangle"}
    parents = {}
    for one, other in related:
        for point, box in ((one, other), (other, one)):
            if box in boxes and point not in boxes:
                parents[point] = box
    points = []
    for region in regions:
        if region.kind != "keypoint":
            continue
        if len(region.labels) != 1:
            raise BadExample(
                "keypoint without name",
                f"{name}: the keypoint {region.id} has the labels {region.labels};"
                " expected one.",
            )
        x, y = _numbers(region, name, "x", "y")
        said = [a.lower() for answer in region.answers.values() for a in answer]
        seen = 1 if set(said) & set(_OCCLUDED) else 2
        parent = region.parent or parents.get(region.id)
        place = (*region.point(x, y), seen)
        points.append(LoosePoint(region.labels[0], place, parent))
    return points, boxes


def polygon_of(region: Region, name: str) -> np.ndarray:
    """Returns the corners of a polygon, `[N, 2]` px from the corner of the picture."""
    height, width = size_of(region, name)
    where = f"{name}: the polygon {region.id}"
    corners = points_of(where, region.value.get("points"), 3)
    return corners * [width / 100, height / 100]


def ellipse_of(region: Region, name: str) -> np.ndarray:
    """Returns corners `[N, 2]` of an ellipse, px from the corner of the picture."""
    height, width = size_of(region, name)
    x, y, radius_x, radius_y = _numbers(region, name, "x", "y", "radiusX", "radiusY")
    return ellipse(
        (x * width / 100, y * height / 100),
        radius_x * width / 100,
        radius_y * height / 100,
        _turn(region, name),
    )


def size_of(region: Region, name: str) -> tuple:
    """Returns the (height, width) in px of the picture that a region is on.

    Raises:
        BadExample: if it is not told.
    """
    if region.size is None:
        raise BadExample(
            "region without size",
            f"{name}: the region {region.id} has no original_width and"
            " original_height. Export the annotations as JSON again.",
        )
    return region.size


def box_of(region: Region, name: str) -> tuple:
    """Returns x, y, width, height in px, counted from the corner of the picture."""
    x, y, width, height = _numbers(region, name, "x", "y", "width", "height")
    down, across = (side / 100 for side in size_of(region, name))
    angle = _turn(region, name)
    if angle:
        # Turned about its first corner; the box is the upright one around it.
        sides = np.array([[0, 0], [width, 0], [width, height], [0, height]])
        sides = sides * [across, down]
        turn = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
        corners = sides @ np.array(turn) + [x * across, y * down]
        low, high = corners.min(0), corners.max(0)
        return tuple(np.concatenate([low, high - low]).tolist())
    return x * across, y * down, width * across, height * down


def _numbers(region, name, *fields):
    size_of(region, name)
    return [_number(region, name, field, "a number in percent") for field in fields]


def _turn(region, name):
    """The angle that a region is turned by, clockwise, in radians."""
    if region.value.get("rotation") is None:
        return 0.0
    return float(np.radians(_number(region, name, "rotation", "degrees")))


def _number(region, name, field, expected):
    value = region.value.get(field)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not abs(value) < FARTHEST:
        raise BadExample(
            f"wrong {field}",
            f"{name}: {field} of the region {region.id} is {value!r:.80}; expected"
            f" {expected}.",
        )
    return float(value)
