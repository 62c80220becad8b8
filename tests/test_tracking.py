"""Identities over the frames of a video."""

import numpy as np
import pytest

from hrnet_tf.tracking import Tracker

OFFSETS = np.array([[10.0, 10], [30, 12], [20, 50], [12, 90], [28, 92]])


def person(x, y=100.0, sway=0.0):
    """A box of 40 x 100 px at x, y, and the keypoints in it."""
    return [x, y, 40.0, 100.0], OFFSETS + (x + sway, y)


def follow(tracker, frames, with_points, rate=10):
    """Numbers of each frame; people are rows of `frames`."""
    numbers = []
    for i, people in enumerate(frames):
        boxes = [box for box, _ in people]
        points = [xy for _, xy in people] if with_points else None
        numbers.append(tracker.update(boxes, i / rate, points).tolist())
    return numbers


@pytest.mark.parametrize("with_points", [True, False])
def test_people_who_cross_keep_their_numbers(with_points):
    # They pass each other at 8 px a frame, and are given in changing order.
    frames = []
    for t in range(30):
        people = [person(8.0 * t), person(240 - 8.0 * t, 110)]
        frames.append(people[:: -1 if t % 2 else 1])
    numbers = follow(Tracker(), frames, with_points)
    assert all(row == ([2, 1] if t % 2 else [1, 2]) for t, row in enumerate(numbers))


def test_who_is_hidden_for_a_moment_comes_back_and_later_is_somebody_else():
    frames = [[person(5.0 * t)] for t in range(10)]
    frames += [[]] * 5 + [[person(5.0 * t)] for t in (15, 16)]
    assert follow(Tracker(), frames, True)[-1] == [1]
    frames[10:15] = [[]] * 12
    assert follow(Tracker(), frames, True)[-1] == [2]


def test_newcomers_get_new_numbers_and_nobody_two():
    frames = [[person(0.0)], [person(0.0), person(10.0)], [person(300.0), person(1.0)]]
    assert follow(Tracker(), frames, True) == [[1], [1, 2], [3, 1]]


def test_keypoints_tell_boxes_apart_that_lie_on_each_other():
    box, points = person(0.0)
    bent = points + [[0, 0], [0, 0], [0, 0], [25, -60], [5, -70]]
    tracker = Tracker()
    assert tracker.update([box, box], 0.0, [points, bent]).tolist() == [1, 2]
    assert tracker.update([box, box], 0.1, [bent, points]).tolist() == [2, 1]


def test_only_equal_kinds_match():
    tracker = Tracker()
    box = [[0, 0, 10, 10]]
    assert tracker.update(box, 0.0, kinds=[1]).tolist() == [1]
    assert tracker.update(box, 0.1, kinds=[2]).tolist() == [2]
    assert tracker.update(box, 0.2, kinds=[1]).tolist() == [1]


def test_the_unsure_go_on_with_what_was_seen_and_begin_nothing():
    tracker = Tracker()
    boxes = [[0, 0, 10, 10], [40, 0, 10, 10]]
    assert tracker.update(boxes, 0.0, certain=[True, False]).tolist() == [1, 0]
    # Of two on one place the sure one chooses first, though the other lies nearer.
    boxes = [[0, 0, 10, 10], [2, 0, 10, 10]]
    assert tracker.update(boxes, 0.1, certain=[False, True]).tolist() == [0, 1]
    assert tracker.update(boxes[1:], 0.2, certain=[False]).tolist() == [1]


def test_takes_no_people_and_boxes_without_area():
    tracker = Tracker(sigmas=[0.1] * 5)
    assert tracker.update(np.zeros((0, 4)), 0.0).tolist() == []
    flat = np.zeros((1, 4))
    assert tracker.update(flat, 0.1, np.zeros((1, 5, 2))).tolist() == [1]
    weak = np.zeros((1, 5))
    assert tracker.update(flat, 0.2, np.zeros((1, 5, 2)), weak).tolist() == [2]
