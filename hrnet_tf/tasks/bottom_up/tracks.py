"""Identities of people in videos, where most of what is found may be no person."""

import dataclasses
from collections.abc import Callable
from typing import Any

from hrnet_tf.tasks.bottom_up.picture import MIN_PERSON_SCORE
from hrnet_tf.tasks.bottom_up.result import People
from hrnet_tf.tracking import Tracker


def track_people(
    inference: Any, min_person_score: float = MIN_PERSON_SCORE
) -> Callable[[People, float], People]:
    """Makes what numbers the people of a video's frames; see `Parts.track`.

    Args:
        inference: `BottomUpInference`. Its keypoint set's sigmas say how exactly
            keypoints can be placed.
        min_person_score: float. People of a lower score, mostly single keypoints, are
            numbered only where one who was surer before goes on as them.
    Returns:
        A function from `People` of a frame and its time, seconds, to `People` with
        `ids`.
    """
    keypoint_set = inference.keypoint_set
    sigmas = (keypoint_set and keypoint_set.sigmas) or None
    tracker = Tracker(sigmas)

    def track(found, time):
        certain = found.box_scores >= min_person_score
        ids = tracker.update(found.boxes, time, found.xy, found.scores, certain=certain)
        return dataclasses.replace(found, ids=ids)

    return track
