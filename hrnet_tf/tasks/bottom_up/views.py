"""The sizes that images are tested at, and the way to them and back; graph code.

Reference: HigherHRNet-Human-Pose-Estimation, lib/utils/transforms.py.
"""

import math
from collections.abc import Sequence

import tensorflow as tf

from hrnet_tf.data.augment.affine import crop_matrix, invert
from hrnet_tf.typing import Tensor

# The sides of what goes into the network are divisible by this at the least scale.
DIVISOR = 64
# What networks need.
_NEEDED = 32


def view_size(
    image_size: Tensor, shorter_side: int, scale: float = 1.0, least: float = 1.0
) -> Tensor:
    """Returns the (height, width) that an image is tested at, int32 `[2]`.

    The shorter side has `shorter_side` pixels, times the scale; the other one as the
    image's shape asks for, up to the next multiple of 64 at the smallest scale. So is
    the shorter one where it is not divisible by 32 there; officially, where it is not
    by 64, which all published sizes are.

    Args:
        image_size: int tensor `[2]`, (height, width) in px.
        shorter_side: int, px.
        scale: float.
        least: float. The smallest of the test's scales.
    """
    size = tf.cast(image_size, tf.float64)
    height, width = tf.unstack(size)
    shorter = least * shorter_side
    if shorter % _NEEDED:
        # Up to the next multiple of 64, as officially.
        shorter = math.floor((shorter + DIVISOR - 1) / DIVISOR) * DIVISOR
    ratio = scale / least
    fixed = tf.constant(float(int(shorter * ratio)), tf.float64)
    longer, least_side = tf.maximum(height, width), tf.minimum(height, width)
    other = (shorter / least_side * longer + DIVISOR - 1) // DIVISOR * DIVISOR
    other = tf.floor(other * ratio)
    sides = tf.where(width < height, tf.stack([other, fixed]), tf.stack([fixed, other]))
    return tf.cast(sides, tf.int32)


def image_matrix(image_size: Tensor, size: Tensor, whole: bool = False) -> Tensor:
    """Returns the matrix from image pixels to those of a view, or to cells of a map.

    Args:
        image_size: int tensor `[2]`, (height, width) of the image in px.
        size: int tensor `[2]`, (height, width) of the view or of the map.
        whole: bool. Whether views of any shape show all of the image; else the shape
            is about that of the image, and its shorter side is seen, as officially.
    Returns:
        float32 tensor `[2, 3]`.
    """
    image = tf.cast(image_size, tf.float64)
    height, width = tf.unstack(image)
    to_height, to_width = tf.unstack(tf.cast(size, tf.float64))
    center = tf.floor(tf.stack([width, height]) / 2 + 0.5)
    across = to_width / to_height * height
    if whole:
        extent = tf.maximum(width, across)
    else:
        extent = tf.where(width < height, width, across)
    return crop_matrix(center, extent, tf.zeros((), tf.float64), (to_height, to_width))


def resample(images: Tensor, size: Tensor, whole: bool = False) -> Tensor:
    """Brings images to the size of a view; beyond them it is black.

    Args:
        images: uint8 tensor `[B, H, W, 3]`.
        size: int tensor `[2]`, (height, width) in px.
        whole: see `image_matrix`.
    Returns:
        uint8 tensor `[B, height, width, 3]`.
    """
    matrix = invert(image_matrix(tf.shape(images)[1:3], size, whole))
    transform = tf.concat([tf.reshape(matrix, [6]), [0.0, 0.0]], 0)
    views = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(images, tf.float32),
        transforms=transform[None],
        output_shape=size,
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )
    return tf.cast(views + 0.5, tf.uint8)


def checked_scales(scales: Sequence[float]) -> tuple[float, ...]:
    """Returns the scales of a test; ValueError if these are none."""
    scales = tuple(float(scale) for scale in scales)
    if not scales or min(scales) <= 0:
        raise ValueError(
            f"scales are positive factors, such as (0.5, 1, 2). Received: {scales}."
        )
    if len(scales) > 1 and 1.0 not in scales:
        raise ValueError(
            f"Of several scales one is 1, whose tags are used. Received: {scales}."
        )
    return scales


def checked_side(given: int | None, own: int) -> int:
    """Returns the shorter side, the given or a model's own one.

    Raises:
        ValueError: if networks cannot take it.
    """
    side = own if given is None else given
    if not isinstance(side, int) or side < 32 or side % 32:
        raise ValueError(
            "shorter_side is a number of pixels that is divisible by 32, such as 512."
            f" Received: {side!r}."
        )
    return side
