"""A detector inside the graph of a pose model."""

from typing import Any

import tensorflow as tf

from hrnet_tf.io import decode_image
from hrnet_tf.tasks.pose.boxes import MIN_BOX_SIDE
from hrnet_tf.tasks.pose.detectors import MIN_SCORE, class_number
from hrnet_tf.typing import Tensor

IMAGES_SPEC = tf.TensorSpec((None, None, None, 3), tf.uint8, "images")


class PeopleFinder:
    """Finds people in images by a detector, as graph code.

    Args:
        detector: `DetectionInference` of a model.
        detect_class: str or None. The class that is wanted, see `class_number`.
        min_box_score: float or None. Boxes of lower scores are left out; None: 0.3.
    Raises:
        ValueError: if it is no inference of a detector, or there is no such class.
    """

    def __init__(
        self,
        detector: Any,
        detect_class: str | None = None,
        min_box_score: float | None = None,
    ) -> None:
        task = detector.description["task"]
        if task != "detection":
            raise ValueError(
                f"A detector finds boxes. Received a model of {task}; expected one of"
                " detection."
            )
        self.detector = detector
        self._least = MIN_SCORE if min_box_score is None else min_box_score
        names = list(detector.object_set.classes)
        name = getattr(detector.model, "name", "the detector")
        self._wanted = class_number(name, names, detect_class)
        self._class = names[self._wanted]

    @property
    def description(self) -> dict[str, Any]:
        """dict of json values, for exported models."""
        return {
            "detector": self.detector.description,
            "detect_class": self._class,
            "min_box_score": self._least,
        }

    def boxes(self, images: Tensor) -> dict[str, Tensor]:
        """Finds the people of images of one size.

        Args:
            images: uint8 tensor `[B, H, W, 3]`, RGB.
        Returns:
            A dict of float32 tensors: "boxes" `[B, N, 4]`, x, y, width, height in
            pixels, within the image, and "box_scores" `[B, N]`, the surest first; all 0
            where there are no more.
        """
        found = self.detector.images(images)
        height, width = tf.unstack(tf.cast(tf.shape(images)[1:3], tf.float32))
        limits = tf.stack([width, height, width, height])
        corners = tf.clip_by_value(found["boxes"], 0.0, limits)
        sides = corners[..., 2:] - corners[..., :2]
        scores = found["scores"]
        kept = (found["classes"] == self._wanted) & (scores >= self._least)
        kept &= tf.reduce_all(sides >= MIN_BOX_SIDE, -1)
        scores = tf.where(kept, scores, 0.0)
        boxes = tf.concat([corners[..., :2], sides], -1)
        boxes = tf.where(kept[..., None], boxes, 0.0)
        order = tf.argsort(scores, direction="DESCENDING", stable=True)
        return {
            "boxes": tf.gather(boxes, order, batch_dims=1),
            "box_scores": tf.gather(scores, order, batch_dims=1),
        }

    def files(self, image_bytes: Tensor) -> dict[str, Tensor]:
        """Finds the people of image files of any sizes, one after the other.

        Args:
            image_bytes: string tensor `[B]`.
        Returns:
            The dict of `boxes`.
        """
        count = self.detector.max_detections

        def find(encoded):
            found = self.boxes(decode_image(encoded)[None])
            return {name: x[0] for name, x in found.items()}

        return tf.map_fn(
            find,
            image_bytes,
            fn_output_signature={
                "boxes": tf.TensorSpec((count, 4), tf.float32),
                "box_scores": tf.TensorSpec((count,), tf.float32),
            },
        )
