"""Exported segmenters, run on images of any size."""

from typing import Any

import numpy as np
import tensorflow as tf

from hrnet_tf.tasks import graphs
from hrnet_tf.tasks.exported import Exported
from hrnet_tf.tasks.segmentation.fusion import resize_maps
from hrnet_tf.tasks.segmentation.protocols import PROTOCOLS, SegmentationProtocol
from hrnet_tf.typing import Tensor


class ExportedSegmenter:
    """What `FusedSegmenter` is to a model, of an exported one.

    Images run at their own size; where the file takes one size only, they are resized
    to it, and the maps back: classes to the nearest.

    Args:
        exported: `Exported`, of a segmenter.
        protocol: `SegmentationProtocol`.
    Raises:
        ValueError: if the protocol asks for what is no part of the graph.
    """

    def __init__(self, exported: Exported, protocol: SegmentationProtocol) -> None:
        graphs.check_as_exported(exported, flip_test=protocol.flip)
        plain = PROTOCOLS["whole"]
        for name in ("scales", "window", "resize_to", "short_side", "long_side"):
            asked = getattr(protocol, name)
            if asked != getattr(plain, name):
                raise ValueError(
                    f"{exported.path} runs images whole at their own size, which is"
                    f" part of its graph. Received: {name}={asked}. Leave it out, or"
                    " pass the .keras file."
                )
        self.protocol = protocol
        self._run = exported.signature("images")
        shape = self._run.inputs["images"].shape[1:3]
        self.image_size: Any = None if None in shape else shape

    def predict(
        self, images: Tensor, size: tuple[int, int] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns the classes and how sure they are.

        Args:
            images: uint8 tensor `[B, H, W, 3]`, RGB.
            size: (height, width) of the result; None takes the images'.
        Returns:
            uint8 `[B, height, width]`, 0..C-1, and float32 `[B, height, width]`, the
            probability of that class.
        """
        own = tuple(images.shape[1:3])
        size = tuple(size or own)
        if self.image_size not in (None, own):
            resized = tf.image.resize(images, self.image_size)
            images = tf.cast(tf.round(resized), tf.uint8)
        found = self._run(images=np.asarray(images))
        labels, sure = found["labels"], found["confidence"]
        if tuple(labels.shape[1:3]) != size:
            nearest = tf.image.resize(labels[..., None], size, "nearest")
            labels = np.asarray(nearest)[..., 0]
            sure = np.asarray(resize_maps(sure[..., None], size))[..., 0]
        return labels, sure

    def labels(self, images: Tensor, size: tuple[int, int] | None = None) -> np.ndarray:
        """Returns the classes, uint8 `[B, height, width]`; see `predict`.

        Raises:
            ValueError: if the network gives numbers that are not finite.
        """
        labels, sure = self.predict(images, size)
        if not np.isfinite(sure).all():
            raise ValueError(
                "The exported model gives numbers that are not finite: its training"
                " diverged, or its precision is too low."
            )
        return labels
