"""Exported detectors that take images of one size, run on others."""

from typing import Any

import numpy as np
import tensorflow as tf

from hrnet_tf.models.base import IMAGENET_MEAN
from hrnet_tf.typing import Tensor

_MEAN_COLOR = tuple(round(255 * mean) for mean in IMAGENET_MEAN)


class FixedSizeReader:
    """Fits images into the size that a signature takes, and maps boxes back.

    Images keep their proportions, and are filled up with the mean colour at the right
    and below.

    Args:
        signature: `Signature` of images of one size.
    """

    def __init__(self, signature: Any) -> None:
        self._run = signature
        self._size = signature.inputs["images"].shape[1:3]

    def __call__(self, images: Tensor) -> dict[str, np.ndarray]:
        """Finds the objects of images uint8 `[B, H, W, 3]`; see `images`."""
        stored = images.shape[1:3]
        scale = min(have / side for have, side in zip(self._size, stored, strict=True))
        view = [
            min(max(int(side * scale + 0.5), 1), most)
            for side, most in zip(stored, self._size, strict=True)
        ]
        filled = np.empty((len(images), *self._size, 3), np.uint8)
        filled[:] = _MEAN_COLOR
        resized = tf.cast(tf.round(tf.image.resize(images, view)), tf.uint8)
        filled[:, : view[0], : view[1]] = resized
        found = self._run(images=filled)
        limits = np.array([view[1], view[0]] * 2, np.float32)
        scales = [stored[1] / view[1], stored[0] / view[0]] * 2
        boxes = np.clip(found["boxes"], 0, limits) * np.array(scales, np.float32)
        return {**found, "boxes": boxes}
