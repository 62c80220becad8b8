"""Identities of people in videos."""

import dataclasses
from collections.abc import Callable
from typing import Any

from hrnet_tf.tasks.pose.result import Keypoints
from hrnet_tf.tracking import Tracker


def track_people(inference: Any) -> Callable[[Keypoints, float], Keypoints]:
    """Makes what numbers the people of a video's frames; see `Parts.track`.

    Args:
        inference: `PoseInference`. Its keypoint set's sigmas say how exactly keypoints
            can be placed.
    Returns:
        A function from `Keypoints` of a frame and its time, seconds, to `Keypoints`
        with `ids`.
    """
    keypoint_set = inference.keypoint_set
    sigmas = (keypoint_set and keypoint_set.sigmas) or None
    tracker = Tracker(sigmas)

    def track(found, time):
        ids = tracker.update(found.boxes, time, found.xy, found.scores)
        return dataclasses.replace(found, ids=ids)

    return track
