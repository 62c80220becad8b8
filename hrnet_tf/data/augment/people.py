"""Random views of whole images with all their people.

Reference: HigherHRNet-Human-Pose-Estimation, lib/dataset/transforms/transforms.py.
"""

import dataclasses
import math
from typing import NamedTuple

import tensorflow as tf

from hrnet_tf.typing import Tensor

SCALE_SIDES = ("short", "long")
MIRRORS = ("cells", "pixels")


@dataclasses.dataclass(frozen=True)
class PeopleAugmentation:
    """Strengths of the random variations; the defaults are the official recipe's.

    Attributes:
        rotation: float, degrees to either side.
        scale: (least, most). The view's side is that of the image times this.
        side: "short" (official) or "long": which side of the image it is.
        translation: float. The view's middle moves by up to so many pixels for each
            200 pixels of its side, in whole ones.
        flip_probability: float in [0, 1].
        mirrors: "cells" (official): a point's place x among the S cells of a map
            becomes S - 1 - x, which is up to a cell beside the mirrored pixel, on the
            left; or "pixels": the cell that the mirrored pixel lies in.
        brightness, contrast: float in [0, 1). Random factors `1 +- value`; officially
            0.
    """

    rotation: float = 30.0
    scale: tuple[float, float] = (0.75, 1.5)
    side: str = "short"
    translation: float = 40.0
    flip_probability: float = 0.5
    brightness: float = 0.0
    contrast: float = 0.0
    mirrors: str = "cells"

    def __post_init__(self):
        least, most = self.scale
        if not 0 < least <= most:
            raise ValueError(
                "scale is a pair of positive factors, the smaller one first. Received:"
                f" scale={self.scale!r}."
            )
        if self.side not in SCALE_SIDES:
            raise ValueError(
                f"side must be one of {SCALE_SIDES}. Received: side={self.side!r}."
            )
        if self.mirrors not in MIRRORS:
            raise ValueError(
                f"mirrors must be one of {MIRRORS}. Received: mirrors={self.mirrors!r}."
            )
        if not 0 <= self.flip_probability <= 1:
            raise ValueError(
                "flip_probability must be in [0, 1]."
                f" Received: flip_probability={self.flip_probability!r}."
            )
        for name in ("brightness", "contrast"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(
                    f"{name} must be in [0, 1). Received: {name}={getattr(self, name)}."
                )


class View(NamedTuple):
    """What of an image is seen, and how.

    Attributes:
        center: float64 `[2]`, x, y in px of the image.
        extent: float64 scalar, the side of the square that is seen, in px.
        rotation: float64 scalar, degrees.
        flip: bool scalar.
    """

    center: tf.Tensor
    extent: tf.Tensor
    rotation: tf.Tensor
    flip: tf.Tensor


def draw_view(
    image_size: Tensor, draw: Tensor, augmentation: PeopleAugmentation
) -> View:
    """Draws a random view of an image.

    Args:
        image_size: int tensor `[2]`, (height, width) in px.
        draw: int64 tensor `[2]`, the seed.
        augmentation: `PeopleAugmentation`.
    Returns:
        `View`.
    """
    numbers = tf.random.stateless_uniform([5], draw, dtype=tf.float64)
    size = tf.cast(image_size, tf.float64)
    shorter = augmentation.side == "short"
    side = tf.reduce_min(size) if shorter else tf.reduce_max(size)
    least, most = augmentation.scale
    extent = side * (least + (most - least) * numbers[0])
    reach = tf.floor(augmentation.translation * extent / 200)
    # Whole pixels, the last one not reached, as officially.
    moved = tf.floor((2 * numbers[2:4] - 1) * reach)
    return View(
        center=size[::-1] / 2 + moved,
        extent=extent,
        rotation=augmentation.rotation * (2 * numbers[1] - 1),
        flip=numbers[4] < augmentation.flip_probability,
    )


def view_matrix(view: View, side: int) -> Tensor:
    """Returns the matrix from image pixels to cells of a square map, before mirroring.

    Args:
        view: `View`.
        side: int, cells.
    Returns:
        float64 tensor `[2, 3]`.
    """
    angle = view.rotation * (math.pi / 180)
    # Clockwise for positive angles, about the middle of the map.
    cos, sin = (f(angle) * side / view.extent for f in (tf.cos, tf.sin))
    x, y = tf.unstack(view.center)
    rows = [
        tf.stack([cos, sin, side / 2 - cos * x - sin * y]),
        tf.stack([-sin, cos, side / 2 + sin * x - cos * y]),
    ]
    return tf.stack(rows)


def mirrored_matrix(matrix: Tensor, side: int, flip: Tensor) -> Tensor:
    """Returns a matrix after which the map is mirrored, if it is to be.

    Args:
        matrix: float64 tensor `[2, 3]`, of `view_matrix`.
        side: int, cells.
        flip: bool scalar.
    """
    last = tf.constant([0, 0, side - 1], tf.float64)
    mirrored = tf.stack([last - matrix[0], matrix[1]])
    return tf.where(flip, mirrored, matrix)


def view_points(
    points: Tensor, view: View, side: int, flip_indices: Tensor, stride: int = 1
) -> Tensor:
    """Returns where points of the image are on a map; mirrored ones change places.

    Args:
        points: float64 tensor `[N, K, 2]`, px.
        view: `View`.
        side: int, cells.
        flip_indices: int `[K]`, see `KeypointSet`.
        stride: int. Pixels of the view a cell, for points to be mirrored as these; 1
            mirrors them among the cells, as officially.
    Returns:
        float64 tensor `[N, K, 2]`, cells.
    """
    matrix = view_matrix(view, side)
    moved = tf.einsum("nkj,ij->nki", points, matrix[:, :2]) + matrix[:, 2]
    swapped = tf.gather(moved, flip_indices, axis=1)
    last = tf.constant([side - 1 / stride, 0], tf.float64)
    mirrored = last + swapped * tf.constant([-1, 1], tf.float64)
    return tf.where(view.flip, mirrored, moved)
