"""The class of each pixel of an image."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hrnet_tf.data.label_sets import IGNORE_LABEL, LabelSet
from hrnet_tf.io import write_json
from hrnet_tf.typing import PathLike


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
    def shares(self) -> dict[str, Any]:
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

    def to_dict(self) -> dict[str, Any]:
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

    def save(self, path: PathLike) -> None:
        """Writes `save_labels`, and `to_dict` as a json file of the same name."""
        self.save_labels(path)
        write_json(Path(path).with_suffix(".json"), self.to_dict())

    def save_labels(self, path: PathLike) -> None:
        """Writes a palette PNG, complete or not at all.

        Its values are those of the label set's files, as test servers expect; viewers
        show the classes' colours.

        Args:
            path: str or path ending in .png.
        Raises:
            ValueError: for another ending, or if there is no value for what is not
                labelled.
        """
        from hrnet_tf.io import write_bytes

        path = Path(path)
        if path.suffix.lower() != ".png":
            raise ValueError(
                f"{path} ends in {path.suffix!r}; maps of classes are written as .png."
            )
        write_bytes(path, self.png_bytes())

    def png_bytes(self) -> bytes:
        """Returns the content of the file that `save_labels` writes.

        Raises:
            ValueError: if there is no value for what is not labelled.
        """
        from PIL import Image

        picture = Image.fromarray(self.label_set.to_file_ids(self.labels))
        colors = np.zeros((256, 3), np.uint8)
        colors[list(self.label_set.file_ids)] = self.label_set.palette
        picture.putpalette(colors.ravel().tolist())
        file = io.BytesIO()
        picture.save(file, format="PNG")
        return file.getvalue()
