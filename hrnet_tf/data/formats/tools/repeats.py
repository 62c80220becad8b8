"""Finds which people of several annotations of a picture are the same person."""

from collections.abc import Sequence

import numpy as np

from hrnet_tf.data.formats.boxes import box_around
from hrnet_tf.data.formats.tools.people import Person
from hrnet_tf.data.repeated_labels import RepeatedLabels

# Of the root of a person's area: labels farther off on the whole are of another one.
_FARTHEST = 0.5
_NEVER = 1e6


def repeated_people(
    people: Sequence[Person],
    others: Sequence[Sequence[Person]],
    names: Sequence[str],
    size: tuple | None,
) -> list[RepeatedLabels]:
    """Puts together what several labelled of the people of a picture.

    Args:
        people: list of `Person` of one annotation.
        others: of each other annotation the same.
        names: of the keypoints, in the order of the points.
        size: (height, width) of the picture in px, or None.
    Returns:
        list of `RepeatedLabels`, of the people that others labelled too. Labels that
        are copies of the first are no second look.
    """
    found = []
    labels = [_points(person, names) for person in people]
    areas = [_area(person, size) for person in people]
    pairs = [_pairs(labels, areas, _all(other, names)) for other in others]
    for number, (points, area) in enumerate(zip(labels, areas, strict=True)):
        same = [pair[number] for pair in pairs if number in pair]
        same = [other for other in same if not np.array_equal(other, points)]
        if same and area > 0:
            found.append(RepeatedLabels(np.stack([points, *same]), area))
    return found


def _all(people, names):
    return [_points(person, names) for person in people]


def _points(person, names):
    """x, y and visibility of all keypoints, `[K, 3]`."""
    points = np.zeros((len(names), 3))
    for name, place in person.points.items():
        if name in names:
            points[names.index(name)] = place
    return points


def _area(person, size):
    if not person.points:
        return 0.0
    places = np.array([place[:2] for place in person.points.values()])
    box = box_around(places, size) if person.box is None else person.box
    return float(box[2] * box[3])


def _pairs(labels, areas, others):
    """The points of another annotation, by the numbers of the people they are of."""
    if not labels or not others:
        return {}
    from scipy.optimize import linear_sum_assignment

    costs = np.full((len(labels), len(others)), _NEVER)
    for i, (points, area) in enumerate(zip(labels, areas, strict=True)):
        for j, other in enumerate(others):
            both = (points[:, 2] > 0) & (other[:, 2] > 0)
            if both.any() and area > 0:
                apart = np.linalg.norm((points - other)[both, :2], axis=-1)
                costs[i, j] = apart.mean() / np.sqrt(area)
    return {
        int(i): others[j]
        for i, j in zip(*linear_sum_assignment(costs), strict=True)
        if costs[i, j] < _FARTHEST
    }
