"""Identities of people in videos."""

import dataclasses
from collections.abc import Callable
from typing import Any

from hrnet_tf.tasks.pose.result import Keypoints
from hrnet_tf.tracking import Tracker


def track_people(
    inference: Any, min_person_score: float | None = None
) -> Callable[[Keypoints, float], Keypoints]:
    """Makes what numbers the people of a video's frames; see `Parts.track`.

    Args:
        inference: `PoseInference`, or `BottomUpInference`. Its keypoint set's sigmas
            say how exactly keypoints can be placed.
        min_person_score: float or None. People whose box has a lower score are numbered
            only where one who was surer before goes on as them; None numbers all.
    Returns:
        A function from `Keypoints` of a frame and its time, seconds, to `Keypoints`
        with `ids`.
    """
    keypoint_set = inference.keypoint_set
    sigmas = (keypoint_set and keypoint_set.sigmas) or None
    tracker = Tracker(sigmas)

    def track(found, time):
        certain = None
        if min_person_score is not None:
            certain = found.box_scores >= min_person_score
        ids = tracker.update(found.boxes, time, found.xy, found.scores, certain=certain)
        return dataclasses.replace(found, ids=ids)

    return track
