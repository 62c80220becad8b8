"""People of tools that mark keypoints one by one, and boxes beside them."""

import dataclasses

from hrnet_tf.data.bad_examples import BadExample
from hrnet_tf.data.formats.tools.people import Person


@dataclasses.dataclass
class LoosePoint:
    """A point that somebody placed.

    Attributes:
        label: str. The keypoint's name.
        place: (x, y, visibility), see `Person`.
        parent: what it was put under: the key of a box or of a group; None for none.
    """

    label: str
    place: tuple
    parent: object = None


def people_of(name: str, points: list, boxes: dict) -> list:
    """Puts points together to people.

    Points of a parent are a person. Others are one person together where no keypoint
    occurs twice and there is at most one box; else each belongs to the only box that it
    lies in.

    Args:
        name: str. The picture, for messages.
        points: list of `LoosePoint`.
        boxes: dict of key to x, y, width, height in px.
    Returns:
        list of `Person`; those of boxes without points have none.
    Raises:
        BadExample: for a point whose person is not clear, or a keypoint that a person
            has twice.
    """
    people = {key: Person({}, box) for key, box in boxes.items()}
    loose = [point for point in points if point.parent is None]
    labels = [point.label for point in loose]
    together = len(set(labels)) == len(labels) and len(boxes) <= 1
    alone = next(iter(boxes), "")
    for point in points:
        key = point.parent
        if key is None:
            key = alone if together else _box_around(name, point, boxes)
        person = people.setdefault(key, Person({}))
        if point.label in person.points:
            raise BadExample(
                "keypoint twice",
                f"{name}: one person has {point.label!r} twice, at"
                f" {person.points[point.label][:2]} and {point.place[:2]}. Put the"
                " points of each person under a region or group of their own.",
            )
        person.points[point.label] = point.place
    return list(people.values())


def _box_around(name, point, boxes):
    x, y, _ = point.place
    found = [
        key
        for key, (left, top, width, height) in boxes.items()
        if left <= x <= left + width and top <= y <= top + height
    ]
    if len(found) != 1:
        inside = f"in {len(found)} of {len(boxes)} boxes" if boxes else "in no box"
        raise BadExample(
            "keypoint of nobody",
            f"{name}: it is not clear whose {point.label!r} at ({x:.1f}, {y:.1f}) is:"
            f" there are several people, and it lies {inside}. Put the points of each"
            " person under a region or group of their own.",
        )
    return found[0]
