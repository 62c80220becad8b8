"""Cuts people out of images, to crops as the network takes them."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from hrnet_tf.data.augment.affine import warp
from hrnet_tf.data.heatmaps import HeatmapCodec
from hrnet_tf.typing import Tensor


class Cutter:
    """Makes the crops of people who are in several images.

    Args:
        codec: `HeatmapCodec`, which knows how crops lie in images.
        image_size: (height, width) of the crops.
    """

    def __init__(self, codec: HeatmapCodec, image_size: tuple[int, int]) -> None:
        self.codec = codec
        self.image_size = image_size

    @functools.cached_property
    def _cut(self):
        """Cuts people `[N, H, W, 3]` out of an image."""

        def cut(pixels, centers, sizes):
            upright = tf.zeros_like(sizes[:, 0])
            return tf.map_fn(
                lambda matrix: warp(pixels, matrix, self.image_size),
                self.codec.crop_matrix(centers, sizes, upright),
                fn_output_signature=tf.TensorSpec((*self.image_size, 3), tf.uint8),
            )

        region = tf.TensorSpec((None, 2), tf.float32)
        image = tf.TensorSpec((None, None, 3), tf.uint8)
        return tf.function(cut, input_signature=[image, region, region])

    def __call__(
        self, pixels: Sequence[Any], owners: np.ndarray, centers: Any, sizes: Any
    ) -> Tensor:
        """Returns crops, uint8 `[N, H, W, 3]`.

        Args:
            pixels: list of uint8 tensors `[h, w, 3]`, the images.
            owners: int array `[N]`, ascending. The image that each person is in.
            centers, sizes: float32 `[N, 2]`, of the regions, in px of the images.
        """
        if not len(owners):
            return tf.zeros((0, *self.image_size, 3), tf.uint8)
        parts = []
        for image in range(owners[0], owners[-1] + 1):
            first, last = np.searchsorted(owners, [image, image + 1])
            people = slice(first, last)
            if first < last:
                parts.append(self._cut(pixels[image], centers[people], sizes[people]))
        return tf.concat(parts, 0)
