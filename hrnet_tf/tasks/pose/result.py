"""The keypoints of the people of an image."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from hrnet_tf.data.keypoint_sets import KeypointSet
from hrnet_tf.io import write_json
from hrnet_tf.metrics.oks import rescore
from hrnet_tf.typing import PathLike


@dataclass(frozen=True, eq=False, repr=False)
class Keypoints:
    """The keypoints of the `N` people of one image.

    Whatever NumPy can read as an array is accepted and kept as float32. The length is
    the number of people.

    Args:
        xy: float32 array `[N, K, 2]`, x, y in pixels of the image, 0-based.
        scores: float32 array `[N, K]`, the confidence of each keypoint (the peak of its
            heatmap, roughly 0..1).
        boxes: float32 array `[N, 4]`, x, y, width, height in pixels of the image.
        box_scores: float32 array `[N]`; 1 for boxes that were given.
        image_path: str or None. Where the image came from.
        keypoint_set: `KeypointSet` or None. Names and limbs of the keypoints.
        ids: int array `[N]` or None. Who is who over the frames of a video, see
            `Tracker`.
    Raises:
        ValueError: if the shapes contradict each other or a value is not finite.
    """

    xy: np.ndarray
    scores: np.ndarray
    boxes: np.ndarray
    box_scores: np.ndarray
    image_path: str | None = None
    keypoint_set: KeypointSet | None = None
    ids: np.ndarray | None = None

    def __post_init__(self):
        for field in ("xy", "scores", "boxes", "box_scores"):
            # The dataclass is frozen, so that nobody else does this.
            object.__setattr__(self, field, np.asarray(getattr(self, field), "float32"))
        if self.xy.ndim != 3 or self.xy.shape[2] != 2:
            raise ValueError(
                "Expected xy [N, K, 2]: x, y of K keypoints of N people. Received the"
                f" shape {self.xy.shape}."
            )
        people, count = self.xy.shape[:2]
        shapes = {"scores": (people, count), "boxes": (people, 4)}
        if self.ids is not None:
            object.__setattr__(self, "ids", np.asarray(self.ids, np.int64))
        for field, shape in {
            **shapes,
            "box_scores": (people,),
            "ids": (people,),
        }.items():
            value = getattr(self, field)
            received = shape if value is None else value.shape
            if received != shape:
                raise ValueError(
                    f"Expected {field} of shape {shape} with xy of shape"
                    f" {self.xy.shape}. Received the shape {received}."
                )
        if self.keypoint_set and self.keypoint_set.num_keypoints != count:
            raise ValueError(
                f"xy of shape {self.xy.shape} has {count} keypoints; the keypoint set"
                f" {self.keypoint_set.name!r} has {self.keypoint_set.num_keypoints}."
                " Pass the keypoint set that the model was trained with."
            )
        for field in ("xy", *shapes, "box_scores"):
            bad = np.argwhere(~np.isfinite(getattr(self, field)))
            if bad.size:
                raise ValueError(
                    f"{field} holds {getattr(self, field)[tuple(bad[0])]} for person"
                    f" {bad[0][0]}; expected finite numbers. A diverged model predicts"
                    " such values."
                )

    def __len__(self):
        return len(self.xy)

    def __repr__(self):
        people = f"{len(self)} {'person' if len(self) == 1 else 'people'}"
        name = f" ({self.keypoint_set.name})" if self.keypoint_set else ""
        parts = [people, f"{self.xy.shape[1]} keypoints{name}"]
        if len(self):
            parts.append(f"mean score {self.scores.mean():.2f}")
        if self.image_path:
            parts.append(f"image_path={self.image_path!r}")
        return f"Keypoints({', '.join(parts)})"

    def to_coco(self, image_id: int, category_id: int = 1) -> list[dict[str, Any]]:
        """Returns the people in COCO's result format, scored by the official rule.

        Args:
            image_id: int, the image's id in the annotations.
            category_id: int.
        Returns:
            list of `N` dicts `{"image_id", "category_id", "keypoints": x, y, score of
            each keypoint in a row, "score"}`; the score is that of `oks.rescore`.
            Repeated people are not removed.
        """
        rows = np.concatenate([self.xy, self.scores[..., None]], axis=-1)
        scores = rescore(self.scores, self.box_scores)
        return [
            {
                "image_id": int(image_id),
                "category_id": category_id,
                "keypoints": row.ravel().tolist(),
                "score": float(score),
            }
            for row, score in zip(rows, scores, strict=True)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values for json: coordinates to 0.001 px, scores to 0.00001."""

        def rounded(values, digits):
            return np.asarray(values, np.float64).round(digits).tolist()

        people = [
            {
                **({} if self.ids is None else {"id": int(self.ids[i])}),
                "box": rounded(self.boxes[i], 3),
                "box_score": rounded(self.box_scores[i], 5),
                "keypoints": [
                    [*rounded(point, 3), rounded(score, 5)]
                    for point, score in zip(self.xy[i], self.scores[i], strict=True)
                ],
            }
            for i in range(len(self))
        ]
        return {
            "image_path": self.image_path,
            "keypoint_set": self.keypoint_set and self.keypoint_set.to_dict(),
            "people": people,
        }

    def save(self, path: PathLike) -> None:
        """Writes `to_dict` as a json file, complete or not at all."""
        write_json(path, self.to_dict())
