"""People of bottom-up models over the frames of a video."""

import inspect
import types

import numpy as np

from hrnet_tf.data.keypoint_sets import KeypointSet
from hrnet_tf.pictures.skeletons import color_of
from hrnet_tf.tasks import task_named
from hrnet_tf.tasks.bottom_up.picture import MIN_PERSON_SCORE, chosen, draw
from hrnet_tf.tasks.bottom_up.result import make_people

TWO = KeypointSet("two", ("a", "b"), skeleton=(("a", "b"),), sigmas=(0.1, 0.1))
LEFT, RIGHT, STRAY = (20.0, 30.0), (120.0, 30.0), (60.0, 130.0)


def frame(*people):
    """`People` of (place, score) each, 60 px wide and high."""
    points = np.zeros((len(people), 2, 3), np.float32)
    for row, (place, score) in zip(points, people, strict=True):
        row[:, :2] = np.array(place) + [[0, 0], [60, 60]]
        row[:, 2] = score
    return make_people(points, np.array([score for _, score in people]), TWO)


def make_track(**options):
    parts = task_named("bottom_up").parts
    return parts.track(types.SimpleNamespace(keypoint_set=TWO), **options)


def test_sure_people_are_numbered_and_keep_their_numbers():
    track = make_track()
    first = track(frame((LEFT, 0.9), (STRAY, 0.05), (RIGHT, 0.8)), 0.0)
    assert first.ids.tolist() == [1, 0, 2]
    # Who was sure goes on, also when unsure; the order of the frame counts nothing.
    second = track(frame((RIGHT, 0.9), (LEFT, 0.05), (STRAY, 0.05)), 0.1)
    assert second.ids.tolist() == [2, 1, 0]
    assert [person["id"] for person in second.to_dict()["people"]] == [2, 1, 0]
    track = make_track(min_person_score=0.01)
    assert track(frame((LEFT, 0.9), (STRAY, 0.05)), 0.0).ids.tolist() == [1, 2]


def test_who_is_not_drawn_is_neither_numbered_nor_written():
    parts = task_named("bottom_up").parts
    for function in (parts.draw, parts.track, parts.summary):
        known = inspect.signature(function).parameters
        assert known["min_person_score"].default == MIN_PERSON_SCORE == 0.1
    rows = [frame((LEFT, 0.9), (STRAY, 0.05), (RIGHT, 0.3)).to_dict()]
    noun = ("person", "people")
    assert parts.summary(rows, noun) == "2 people (1 unsure)"
    assert parts.summary(rows, noun, min_person_score=0.5) == "1 person (2 unsure)"


def test_pictures_have_the_colours_of_the_numbers():
    track = make_track()
    track(frame((LEFT, 0.9), (RIGHT, 0.8)), 0.0)
    found = track(frame((RIGHT, 0.9), (LEFT, 0.8), (STRAY, 0.05)), 0.1)
    assert chosen(found, 0.1).ids.tolist() == [2, 1]
    drawn = draw(np.zeros((200, 200, 3), np.uint8), found, video=True)
    for place, number in ((LEFT, 1), (RIGHT, 2)):
        x, y = (int(value + 30) for value in place)
        assert tuple(drawn[y, x]) == color_of(number)
    assert not drawn[160, 90].any()
    # Without numbers each has a colour of its own.
    assert chosen(frame((LEFT, 0.9), (STRAY, 0.05)), 0.1).ids.tolist() == [0]
