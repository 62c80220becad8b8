"""Random views of an image and its label map: scale, crop, mirror, light, colours."""

import dataclasses

import numpy as np
import tensorflow as tf

from hrnet_tf.data.label_sets import IGNORE_LABEL
from hrnet_tf.typing import Tensor


@dataclasses.dataclass(frozen=True)
class SegmentationAugmentation:
    """Strengths of the random variations; the defaults are Cityscapes' protocol.

    Attributes:
        base_size: int. The longer side of the image at scale 1, pixels.
        min_scale, max_scale: floats. The scale is one of min_scale, min_scale + 0.1
            ... max_scale, each as likely.
        flip_probability: float in [0, 1]. Chance of mirroring.
        brightness, contrast: float in [0, 1). Random factors `1 +- value`; 0, the
            protocol's, leaves the pixels alone.
        saturation: float in [0, 1). Random factor `1 +- value` of the distance from
            grey; 0, the protocol's, leaves the pixels alone.
        hue: float in [0, 180], degrees. Colours are turned by up to as much in either
            direction, brightness kept; 0, the protocol's, leaves the pixels alone.
        resize_to: (height, width) or None. Size that image and labels are warped to
            before all else, whatever their shape (LIP's protocol).
    Reference:
        HRNet-Semantic-Segmentation, lib/datasets/base_dataset.py.
    """

    base_size: int = 2048
    min_scale: float = 0.5
    max_scale: float = 2.1
    flip_probability: float = 0.5
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    resize_to: tuple[int, int] | None = None

    def __post_init__(self):
        if not (self.base_size > 0 and 0 < self.min_scale <= self.max_scale):
            raise ValueError(
                "base_size and the scales must be positive, min_scale the smaller one."
                f" Received: base_size={self.base_size}, min_scale={self.min_scale},"
                f" max_scale={self.max_scale}."
            )
        if not 0 <= self.flip_probability <= 1:
            raise ValueError(
                "flip_probability must be in [0, 1]."
                f" Received: flip_probability={self.flip_probability}."
            )
        for field in ("brightness", "contrast", "saturation"):
            if not 0 <= getattr(self, field) < 1:
                raise ValueError(
                    f"{field} must be in [0, 1)."
                    f" Received: {field}={getattr(self, field)}."
                )
        if not 0 <= self.hue <= 180:
            raise ValueError(
                f"hue must be in [0, 180] degrees. Received: hue={self.hue}."
            )


def random_view(
    image: Tensor,
    labels: Tensor,
    seed: Tensor,
    crop_size: tuple[int, int],
    augmentation: SegmentationAugmentation,
    flip_table: Tensor,
) -> Tensor:
    """Cuts a random training crop.

    The crop is sampled from the image in one step, at the coordinates that resizing
    the whole image (bilinearly, labels by the nearest pixel) and then cropping gives.
    The official code departs in two ways: its labels are those of the nearest pixel
    above and to the left (OpenCV's rule), up to half a pixel away, and where it resizes
    twice (LIP, ADE20K) it also interpolates twice.

    Args:
        image: uint8 tensor `[H, W, 3]`.
        labels: uint8 tensor `[H, W]`, classes.
        seed: int tensor `[2]`; the same seed gives the same view.
        crop_size: (height, width).
        augmentation: `SegmentationAugmentation`.
        flip_table: uint8 tensor `[256]`. The class of a mirrored image's class.
    Returns:
        The crop uint8 `[height, width, 3]`, black beyond the image, and its labels
        uint8 `[height, width]`, `IGNORE_LABEL` there.
    """
    draws = tf.random.stateless_uniform([6], seed)
    size = _scaled_size(tf.shape(labels), draws[0], augmentation)
    # A smaller image is padded at the bottom and on the right.
    room = tf.maximum(size - tf.constant(crop_size), 0)
    offset = tf.cast(draws[1:3] * tf.cast(room + 1, tf.float32), tf.int32)
    offset = tf.minimum(offset, room)
    crop, labels = sample(image, labels, size, offset, crop_size)
    if augmentation.brightness or augmentation.contrast:
        crop = _jitter(crop, 2 * draws[4:] - 1, augmentation)
    if augmentation.saturation or augmentation.hue:
        # Draws of their own, so that those of all else stay what they were.
        own = tf.random.stateless_uniform([2], tf.random.fold_in(seed, 1), -1.0, 1.0)
        crop = _turn_colours(crop, own, augmentation)
    inside = _inside(size, offset, crop_size)
    crop = tf.where(inside[..., None], crop, 0.0)
    labels = tf.where(inside, labels, tf.constant(IGNORE_LABEL, tf.uint8))
    flip = draws[3] < augmentation.flip_probability
    crop = tf.where(flip, crop[:, ::-1], crop)
    mirrored = tf.gather(flip_table, tf.cast(labels[:, ::-1], tf.int32))
    labels = tf.where(flip, mirrored, labels)
    crop = tf.cast(crop + 0.5, tf.uint8)
    return (
        tf.ensure_shape(crop, (*crop_size, 3)),
        tf.ensure_shape(labels, crop_size),
    )


def _scaled_size(size, draw, augmentation):
    """The (height, width) int32 of the whole image at a random scale."""
    if augmentation.resize_to is not None:
        size = tf.constant(augmentation.resize_to)
    steps = round(10 * (augmentation.max_scale - augmentation.min_scale))
    step = tf.minimum(tf.floor(draw * (steps + 1)), float(steps))
    scale = augmentation.min_scale + step / 10
    longer = tf.floor(augmentation.base_size * scale + 0.5)
    size = tf.cast(size, tf.float32)
    return tf.cast(tf.floor(size * (longer / tf.reduce_max(size)) + 0.5), tf.int32)


def sample(
    image: Tensor,
    labels: Tensor,
    size: Tensor,
    offset: Tensor,
    crop_size: tuple[int, int],
) -> tuple[Tensor, Tensor]:
    """Samples a crop of an image that was resized to `size`.

    Args:
        image: uint8 tensor `[H, W, 3]`.
        labels: uint8 tensor `[H, W]`.
        size: int32 tensor `[2]`, (height, width) of the resized image.
        offset: int32 tensor `[2]`, the crop's top and left in it.
        crop_size: (height, width).
    Returns:
        float32 `[height, width, 3]` and uint8 `[height, width]`; what lies outside the
        image means nothing.
    """
    stored = tf.shape(labels)
    ratio = tf.cast(stored, tf.float32) / tf.cast(size, tf.float32)
    places = [
        (tf.range(side, dtype=tf.float32) + tf.cast(offset[axis], tf.float32) + 0.5)
        * ratio[axis]
        for axis, side in enumerate(crop_size)
    ]
    nearest = [
        tf.clip_by_value(tf.cast(tf.floor(place), tf.int32), 0, stored[axis] - 1)
        for axis, place in enumerate(places)
    ]
    low = [tf.maximum(index[0] - 1, 0) for index in nearest]
    high = [index[-1] + 2 for index in nearest]
    pixels = image[low[0] : high[0], low[1] : high[1]]
    # Half a pixel beyond the border the border's colour counts.
    pixels = tf.pad(pixels, [[1, 1], [1, 1], [0, 0]], "SYMMETRIC")
    last = tf.cast(tf.shape(pixels)[:2] - 1, tf.float32)
    ends = tf.stack([[place[0], place[-1]] for place in places], 1) + 0.5
    box = (ends - tf.cast(tf.stack(low), tf.float32)) / last
    crop = tf.image.crop_and_resize(
        pixels[None], tf.reshape(box, [1, 4]), [0], crop_size
    )[0]
    labels = tf.gather(tf.gather(labels, nearest[0]), nearest[1], axis=1)
    return crop, labels


def _inside(size, offset, crop_size):
    rows, columns = (
        tf.range(side) + offset[axis] < size[axis]
        for axis, side in enumerate(crop_size)
    )
    return rows[:, None] & columns[None]


def _jitter(crop, draws, augmentation):
    """Random contrast and brightness of pixels, float32 `[H, W, 3]`."""
    mean = tf.reduce_mean(crop)
    crop = (crop - mean) * (1 + augmentation.contrast * draws[0])
    crop += mean * (1 + augmentation.brightness * draws[1])
    return tf.clip_by_value(crop, 0.0, 255.0)


# The brightness of a pixel, and two axes of its colour (NTSC's YIQ).
_AXES = ((0.299, 0.587, 0.114), (0.596, -0.274, -0.322), (0.211, -0.523, 0.312))


def _turn_colours(crop, draws, augmentation):
    """Random saturation and hue of pixels, float32 `[H, W, 3]`; brightness is kept."""
    factor = 1 + augmentation.saturation * draws[0]
    angle = np.deg2rad(augmentation.hue) * draws[1]
    cosine, sine = factor * tf.cos(angle), factor * tf.sin(angle)
    rows = [[1.0, 0.0, 0.0], [0.0, cosine, -sine], [0.0, sine, cosine]]
    turn = tf.stack([tf.stack(row) for row in rows])
    axes = np.asarray(_AXES)
    back = tf.constant(np.linalg.inv(axes), tf.float32)
    matrix = back @ turn @ tf.constant(axes, tf.float32)
    crop = tf.tensordot(crop, matrix, [[-1], [1]])
    return tf.clip_by_value(crop, 0.0, 255.0)
