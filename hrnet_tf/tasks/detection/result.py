"""The objects that are found in an image."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hrnet_tf.data.formats.tools.coco_outlines import RunsEntry, mask_of_runs
from hrnet_tf.data.object_sets import ObjectSet
from hrnet_tf.io import write_json
from hrnet_tf.typing import PathLike


@dataclass(frozen=True, eq=False, repr=False)
class Detections:
    """The `N` objects of one image, the surest first.

    Whatever NumPy can read as an array is accepted. The length is the number of
    objects.

    Args:
        boxes: float32 array `[N, 4]`, left, top, right, bottom in pixels of the image,
            counted from its corner.
        scores: float32 array `[N]`, 0..1.
        classes: int32 array `[N]`, 0-based.
        object_set: `ObjectSet`. Names, colours and category ids of the classes.
        masks: tuple of `N` dicts {"size": [H, W], "counts": str}, runs of pixels as
            COCO writes them, see `mask`; None where none were looked for.
        image_path: str or None. Where the image came from.
        ids: int array `[N]` or None. Which is which over the frames of a video, see
            `hrnet_tf.tracking`; 0 for objects without an identity.
    Raises:
        ValueError: if the shapes contradict each other, a value is not finite, or a
            class is none of the set's.
    """

    boxes: np.ndarray
    scores: np.ndarray
    classes: np.ndarray
    object_set: ObjectSet
    masks: Sequence[dict[str, Any]] | None = None
    image_path: str | None = None
    ids: np.ndarray | None = None

    def __post_init__(self):
        boxes = np.asarray(self.boxes, np.float32)
        boxes = boxes.reshape(0, 4) if not boxes.size else boxes
        scores = np.asarray(self.scores, np.float32)
        classes = np.asarray(self.classes, np.int32)
        count = len(boxes)
        if boxes.shape != (count, 4) or {scores.shape, classes.shape} != {(count,)}:
            raise ValueError(
                "Expected boxes [N, 4], scores [N] and classes [N]. Received the shapes"
                f" {boxes.shape}, {scores.shape} and {classes.shape}."
            )
        for name, values in (("boxes", boxes), ("scores", scores)):
            if not np.isfinite(values).all():
                raise ValueError(
                    f"{name} hold numbers that are not finite. A diverged model"
                    " predicts such values."
                )
        wrong = (classes < 0) | (classes >= self.object_set.num_classes)
        if wrong.any():
            raise ValueError(
                f"classes hold {classes[wrong][0]}, which is none of the"
                f" {self.object_set.num_classes} of {self.object_set.name!r}. Pass the"
                " object set that the model was trained with."
            )
        if self.masks is not None and len(self.masks) != count:
            raise ValueError(f"{count} boxes have {len(self.masks)} masks.")
        ids = None if self.ids is None else np.asarray(self.ids, np.int64)
        if ids is not None and ids.shape != (count,):
            raise ValueError(
                f"{count} boxes have ids of shape {ids.shape}. Expected ({count},)."
            )
        # The dataclass is frozen, so that nobody else does this.
        for name, values in (
            ("boxes", boxes),
            ("scores", scores),
            ("classes", classes),
            ("masks", None if self.masks is None else tuple(self.masks)),
            ("ids", ids),
        ):
            object.__setattr__(self, name, values)

    def __len__(self):
        return len(self.boxes)

    def __repr__(self):
        counts = ", ".join(f"{n} {name}" for name, n in self.counts.items())
        parts = [counts or "nothing found", self.object_set.name]
        if self.masks is not None:
            parts.append("with masks")
        if self.image_path:
            parts.append(f"image_path={self.image_path!r}")
        return f"Detections({', '.join(parts)})"

    @property
    def names(self) -> list[str]:
        """list of `N` str, the classes' names."""
        return [self.object_set.classes[i] for i in self.classes]

    @property
    def counts(self) -> dict[str, int]:
        """dict: how many there are of each class that was found, most first."""
        numbers = np.bincount(self.classes, minlength=self.object_set.num_classes)
        order = np.argsort(-numbers, kind="stable")
        return {
            self.object_set.classes[i]: int(numbers[i]) for i in order if numbers[i]
        }

    def mask(self, number: int) -> np.ndarray:
        """Draws the mask of an object, bool `[H, W]`.

        Raises:
            ValueError: if no masks were looked for.
        """
        if self.masks is None:
            raise ValueError("These detections have no masks: the model finds none.")
        runs = RunsEntry(**self.masks[number])
        return mask_of_runs(runs, tuple(runs.size))

    def chosen(self, rows: Any) -> "Detections":
        """Returns some of the objects.

        Args:
            rows: what NumPy takes as an index of rows: bools `[N]` or numbers.
        """
        numbers = np.arange(len(self))[rows]
        masks = None if self.masks is None else [self.masks[i] for i in numbers]
        return Detections(
            self.boxes[numbers],
            self.scores[numbers],
            self.classes[numbers],
            self.object_set,
            masks,
            self.image_path,
            None if self.ids is None else self.ids[numbers],
        )

    def to_coco(
        self, image_id: int, category_ids: Sequence[int] | None = None
    ) -> list[dict[str, Any]]:
        """Returns the objects in COCO's result format.

        `hrnet evaluate --boxes` takes a list of them for the boxes of people.

        Args:
            image_id: int, the image's id in the annotations.
            category_ids: `C` int, the number of each class in the annotations; None:
                `ObjectSet.file_ids`.
        Returns:
            list of `N` dicts `{"image_id", "category_id", "bbox": x, y, width, height,
            "score"}`, and "segmentation" where there are masks.
        """
        ids = self.object_set.file_ids if category_ids is None else category_ids
        sides = self.boxes[:, 2:] - self.boxes[:, :2]
        corners = np.concatenate([self.boxes[:, :2], sides], 1).astype(np.float64)
        rows = [
            {
                "image_id": int(image_id),
                "category_id": int(ids[self.classes[i]]),
                "bbox": corners[i].tolist(),
                "score": float(self.scores[i]),
            }
            for i in range(len(self))
        ]
        for row, mask in zip(rows, self.masks or (), strict=False):
            row["segmentation"] = mask
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values for json: coordinates to 0.001 px, scores to 0.00001.

        Boxes are x, y, width, height. Objects with an identity have it as "id".
        """
        sides = self.boxes[:, 2:] - self.boxes[:, :2]
        corners = np.concatenate([self.boxes[:, :2], sides], 1).astype(np.float64)
        objects: list[dict[str, Any]] = [
            {
                **self._identity(i),
                "class": name,
                "box": corners[i].round(3).tolist(),
                "score": round(float(self.scores[i]), 5),
            }
            for i, name in enumerate(self.names)
        ]
        for row, mask in zip(objects, self.masks or (), strict=False):
            row["mask"] = mask
        return {"image_path": self.image_path, "objects": objects}

    def _identity(self, number):
        known = 0 if self.ids is None else int(self.ids[number])
        return {"id": known} if known else {}

    def save(self, path: PathLike) -> None:
        """Writes `to_dict` as a json file, complete or not at all."""
        write_json(path, self.to_dict())
