"""The people that are found in an image, each with keypoints."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from hrnet_tf.data.keypoint_sets import KeypointSet
from hrnet_tf.tasks.pose.result import Keypoints


@dataclass(frozen=True, eq=False, repr=False)
class People(Keypoints):
    """The people of one image, found without boxes.

    As `Keypoints`, with boxes around the found points; `box_scores` are the people's,
    the mean over all keypoints. Keypoints that were not found have the score 0, and
    places that mean nothing.
    """

    def to_coco(self, image_id: int, category_id: int = 1) -> list[dict[str, Any]]:
        """Returns the people in COCO's result format, scored by the official rule.

        Args:
            image_id: int, the image's id in the annotations.
            category_id: int.
        Returns:
            list of `N` dicts, see `Keypoints.to_coco`; the score is that of the person.
        """
        rows = np.concatenate([self.xy, self.scores[..., None]], axis=-1)
        return [
            {
                "image_id": int(image_id),
                "category_id": category_id,
                "keypoints": row.ravel().tolist(),
                "score": float(score),
            }
            for row, score in zip(rows, self.box_scores, strict=True)
        ]


def make_people(
    points: np.ndarray,
    person_scores: np.ndarray,
    keypoint_set: KeypointSet | None = None,
    image_path: str | None = None,
) -> People:
    """Makes the result of what was grouped.

    Args:
        points: float array `[N, K, 3]`: x and y in pixels of the image, and the score.
        person_scores: float array `[N]`.
        keypoint_set: `KeypointSet` or None.
        image_path: str or None.
    """
    found = points[..., 2] > 0
    xy = points[..., :2]
    # People have one point at least.
    first = np.where(found[..., None], xy, np.inf).min(1, initial=np.inf)
    last = np.where(found[..., None], xy, -np.inf).max(1, initial=-np.inf)
    none = ~found.any(1)
    first[none], last[none] = 0, 0
    return People(
        xy=xy,
        scores=points[..., 2],
        boxes=np.concatenate([first, last - first], axis=1),
        box_scores=person_scores,
        image_path=image_path,
        keypoint_set=keypoint_set,
    )
