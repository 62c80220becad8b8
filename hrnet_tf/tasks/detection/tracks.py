"""Identities of objects in videos."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from hrnet_tf.tasks.detection.picture import MIN_SCORE
from hrnet_tf.tasks.detection.result import Detections
from hrnet_tf.tracking import Tracker


def track_objects(
    inference: Any, min_score: float = MIN_SCORE
) -> Callable[[Detections, float], Detections]:
    """Makes what numbers the objects of a video's frames; see `Parts.track`.

    Args:
        inference: `DetectionInference`; not used.
        min_score: float. Objects of a lower score are numbered only where one that was
            surer before goes on as them.
    Returns:
        A function from `Detections` of a frame and its time, seconds, to `Detections`
        with `ids`.
    """
    tracker = Tracker()

    def track(found, time):
        sides = found.boxes[:, 2:] - found.boxes[:, :2]
        ids = tracker.update(
            np.concatenate([found.boxes[:, :2], sides], axis=1),
            time,
            kinds=found.classes,
            certain=found.scores >= min_score,
        )
        return dataclasses.replace(found, ids=ids)

    return track
