"""What predictions are returned as."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hrnet_tf.data.keypoint_sets import KeypointSet
from hrnet_tf.data.label_sets import IGNORE_LABEL, LabelSet
from hrnet_tf.metrics.oks import rescore


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
    Raises:
        ValueError: if the shapes contradict each other or a value is not finite.
    """

    xy: np.ndarray
    scores: np.ndarray
    boxes: np.ndarray
    box_scores: np.ndarray
    image_path: str | None = None
    keypoint_set: KeypointSet | None = None

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
        for field, shape in {**shapes, "box_scores": (people,)}.items():
            received = getattr(self, field).shape
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

    def to_coco(self, image_id, category_id=1):
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

    def to_dict(self):
        """Returns plain values for json: coordinates to 0.001 px, scores to 0.00001."""

        def rounded(values, digits):
            return np.asarray(values, np.float64).round(digits).tolist()

        people = [
            {
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

    def save(self, path):
        """Writes `to_dict` as a json file, complete or not at all."""
        write_json(path, self.to_dict())


@dataclass(frozen=True, eq=False)
class Classification:
    """The likeliest classes of one image, the best first.

    Args:
        labels: int64 array `[K]`, 0-based.
        probabilities: float32 array `[K]`, in 0..1 and falling.
        names: `K` str, what the classes are called; or None.
        image_path: str or None. Where the image came from.
    Raises:
        ValueError: if the lengths differ, or a probability is not finite.
    """

    labels: np.ndarray
    probabilities: np.ndarray
    names: tuple | None = None
    image_path: str | None = None

    def __post_init__(self):
        # The dataclass is frozen, so that nobody else does this.
        object.__setattr__(self, "labels", np.asarray(self.labels, np.int64))
        probabilities = np.asarray(self.probabilities, np.float32)
        object.__setattr__(self, "probabilities", probabilities)
        if self.names is not None:
            object.__setattr__(self, "names", tuple(map(str, self.names)))
        shapes = {self.labels.shape, probabilities.shape}
        count = len(self.labels) if self.names is None else len(self.names)
        if shapes != {(count,)} or not count:
            raise ValueError(
                "Expected as many labels, probabilities and names, at least one."
                f" Received: labels of shape {self.labels.shape}, probabilities of"
                f" shape {probabilities.shape}, names={self.names}."
            )
        if not np.isfinite(probabilities).all():
            raise ValueError(
                f"probabilities hold {probabilities.tolist()}; expected finite numbers."
                " A diverged model predicts such values."
            )

    def __len__(self):
        return len(self.labels)

    @property
    def name(self):
        """str: what the likeliest class is called, or its number."""
        return str(self.labels[0]) if self.names is None else self.names[0]

    def to_dict(self):
        """Returns plain values for json: probabilities to 0.00001."""
        names = [None] * len(self) if self.names is None else self.names
        rows = zip(self.labels, self.probabilities, names, strict=True)
        return {
            "image_path": self.image_path,
            "classes": [
                {"label": int(label), "name": name, "probability": round(float(p), 5)}
                for label, p, name in rows
            ],
        }

    def save(self, path):
        """Writes `to_dict` as a json file, complete or not at all."""
        write_json(path, self.to_dict())


@dataclass(frozen=True, eq=False, repr=False)
class SegmentationMap:
    """The class of each pixel of one image.

    Args:
        labels: uint8 array `[H, W]`, 0..C-1, and 255 where nothing is said.
        label_set: `LabelSet`. Names, colours and file values of the classes.
        confidence: float32 array `[H, W]` or None. The probability of each pixel's
            class.
        image_path: str or None. Where the image came from.
    Raises:
        ValueError: if a label is none of the classes, or the shapes differ.
    """

    labels: np.ndarray
    label_set: LabelSet
    confidence: np.ndarray | None = None
    image_path: str | None = None

    def __post_init__(self):
        labels = np.asarray(self.labels)
        if labels.ndim != 2 or not labels.size or labels.dtype.kind not in "iu":
            raise ValueError(
                "Expected labels [H, W] of integers. Received the shape"
                f" {labels.shape} of {labels.dtype}."
            )
        known = (labels >= 0) & (labels < self.label_set.num_classes)
        wrong = ~known & (labels != IGNORE_LABEL)
        if wrong.any():
            raise ValueError(
                f"labels hold {labels[wrong][0]}, which is none of the"
                f" {self.label_set.num_classes} classes of {self.label_set.name!r}, nor"
                f" {IGNORE_LABEL}. Pass the label set that the model was trained with."
            )
        # The dataclass is frozen, so that nobody else does this.
        object.__setattr__(self, "labels", labels.astype(np.uint8))
        if self.confidence is None:
            return
        confidence = np.asarray(self.confidence, np.float32)
        if confidence.shape != labels.shape or not np.isfinite(confidence).all():
            raise ValueError(
                f"Expected a finite confidence of shape {labels.shape}. Received the"
                f" shape {confidence.shape}, {int((~np.isfinite(confidence)).sum())}"
                " numbers that are not finite. A diverged model predicts such values."
            )
        object.__setattr__(self, "confidence", confidence)

    def __repr__(self):
        height, width = self.labels.shape
        shares = [f"{name} {share:.0%}" for name, share in self.shares.items()]
        more = [f"and {len(shares) - 3} more"] if len(shares) > 3 else []
        parts = [f"{height}x{width}", f"{self.label_set.name}", *shares[:3], *more]
        if self.image_path:
            parts.append(f"image_path={self.image_path!r}")
        return f"SegmentationMap({', '.join(parts)})"

    @property
    def shares(self):
        """dict: the share of the pixels of each class that occurs, the largest first.

        Pixels of which nothing is said count in none.
        """
        counts = np.bincount(self.labels.ravel(), minlength=256)
        order = np.argsort(-counts[: self.label_set.num_classes], kind="stable")
        return {
            self.label_set.classes[i]: float(counts[i] / self.labels.size)
            for i in order
            if counts[i]
        }

    def to_dict(self):
        """Returns plain values for json: sizes and shares of the classes, no pixels."""
        height, width = self.labels.shape
        fields = {
            "image_path": self.image_path,
            "height": height,
            "width": width,
            "shares": {name: round(share, 6) for name, share in self.shares.items()},
        }
        if self.confidence is not None:
            fields["mean_confidence"] = round(float(self.confidence.mean()), 5)
        return {**fields, "label_set": self.label_set.to_dict()}

    def save(self, path):
        """Writes `save_labels`, and `to_dict` as a json file of the same name."""
        self.save_labels(path)
        write_json(Path(path).with_suffix(".json"), self.to_dict())

    def save_labels(self, path):
        """Writes a palette PNG, complete or not at all.

        Its values are those of the label set's files, as test servers expect; viewers
        show the classes' colours.

        Args:
            path: str or path ending in .png.
        Raises:
            ValueError: for another ending, or if there is no value for what is not
                labelled.
        """
        from PIL import Image

        from hrnet_tf.visualize import write_file

        path = Path(path)
        if path.suffix.lower() != ".png":
            raise ValueError(
                f"{path} ends in {path.suffix!r}; maps of classes are written as .png."
            )
        picture = Image.fromarray(self.label_set.to_file_ids(self.labels))
        colors = np.zeros((256, 3), np.uint8)
        colors[list(self.label_set.file_ids)] = self.label_set.palette
        picture.putpalette(colors.ravel().tolist())
        write_file(path, lambda file: picture.save(file, format="PNG"))


def write_json(path, content):
    """Writes `content` as a json file beside `path` and renames it, creating folders.

    Args:
        path: str or path.
        content: what json can write. NaN is refused, being no json.
    Raises:
        ValueError: if a value cannot be written as json; the value's place is named
            by json.
    """
    path = Path(path)
    try:
        text = json.dumps(content, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} cannot be written as json: {error}.") from error
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text + "\n", encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
