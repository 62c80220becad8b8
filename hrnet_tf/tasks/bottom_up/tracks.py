"""Identities of people in videos, where most of what is found may be no person."""

from collections.abc import Callable
from typing import Any

from hrnet_tf.tasks.bottom_up.picture import MIN_PERSON_SCORE
from hrnet_tf.tasks.pose import tracks
from hrnet_tf.tasks.pose.result import Keypoints


def track_people(
    inference: Any, min_person_score: float = MIN_PERSON_SCORE
) -> Callable[[Keypoints, float], Keypoints]:
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
    return tracks.track_people(inference, min_person_score)
