"""Crops of whole images for classification, random ones and the test's.

Bilinear with antialiasing, as Pillow and so torchvision resizes.

Reference: torchvision, transforms.RandomResizedCrop, Resize and CenterCrop.
"""

import dataclasses
import math

import tensorflow as tf

from hrnet_tf import exif, pixels
from hrnet_tf.data.augment import affine
from hrnet_tf.data.augment.rand_augment import rand_augment, warp_about_center
from hrnet_tf.typing import Tensor

# How often a window is drawn before the largest centred one is taken.
_TRIES = 10
# Pixels decoded around a JPEG's window.
_MARGIN = 2


@dataclasses.dataclass(frozen=True)
class ClassificationAugmentation:
    """Strengths of the random variations; the defaults are the official protocol's.

    Attributes:
        area: (low, high), shares of the image's area that the window covers.
        aspect: (low, high), width / height of the window, drawn log-uniformly.
        flip_probability: float in [0, 1]. Chance of mirroring.
        rotation: float, degrees. Uniform between `-rotation` and `rotation`, the
            border being reflected.
        brightness, contrast: float in [0, 1). Random factors `1 +- value`.
        rand_augment: int. Number of RandAugment's operations; 0 is none.
        magnitude: int in 0..30. Strength of these operations.
        mixup, cutmix: float. Parameter of the Beta distribution of the mixing weight;
            0 is off. With both on, each batch takes one of them.
        label_smoothing: float in [0, 1). Share of the label that is spread over all
            classes.
    """

    area: tuple = (0.08, 1.0)
    aspect: tuple = (3 / 4, 4 / 3)
    flip_probability: float = 0.5
    rotation: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    rand_augment: int = 0
    magnitude: int = 9
    mixup: float = 0.0
    cutmix: float = 0.0
    label_smoothing: float = 0.0

    def __post_init__(self):
        for field, upper in (("area", 1.0), ("aspect", math.inf)):
            low, high = getattr(self, field)
            if not 0 < low <= high <= upper:
                raise ValueError(
                    f"{field} must be (low, high) with 0 < low <= high"
                    f"{' <= 1' if upper == 1 else ''}. Received:"
                    f" {field}={getattr(self, field)}."
                )
        limits = {
            "flip_probability": (0, 1),
            "rotation": (0, 180),
            "brightness": (0, 0.99),
            "contrast": (0, 0.99),
            "rand_augment": (0, 100),
            "magnitude": (0, 30),
            "mixup": (0, math.inf),
            "cutmix": (0, math.inf),
            "label_smoothing": (0, 0.99),
        }
        for field, (low, high) in limits.items():
            if not low <= getattr(self, field) <= high:
                raise ValueError(
                    f"{field} must lie in {low}..{high}."
                    f" Received: {field}={getattr(self, field)}."
                )

    @property
    def soft_labels(self) -> bool:
        """bool: whether labels are shares of all classes instead of one class."""
        return bool(self.mixup or self.cutmix or self.label_smoothing)


def random_crop(
    encoded: Tensor,
    image_size: tuple[int, int],
    seed: Tensor,
    augmentation: ClassificationAugmentation,
) -> Tensor:
    """Decodes a random window of an image, and varies it.

    Args:
        encoded: string scalar, an image file. Of a JPEG only the window is decoded.
        image_size: (height, width) of the crop.
        seed: int tensor `[2]`; the same seed gives the same draws.
        augmentation: `ClassificationAugmentation`.
    Returns:
        The crop, uint8 `[height, width, 3]`, RGB.
    """

    def jpeg():
        turned = exif.may_be_turned(encoded)
        size = pixels.jpeg_size(encoded, turned)
        top, left, height, width = tf.unstack(random_window(size, seed, augmentation))
        # The colours of the first and last pixels come from their neighbours', too.
        low = tf.maximum(tf.stack([top, left]) - _MARGIN, 0)
        high = tf.minimum(tf.stack([top + height, left + width]) + _MARGIN, size)
        window = tf.concat([low, high - low], 0)
        part = pixels.decode_jpeg_part(encoded, window, turned)
        top, left = top - low[0], left - low[1]
        return part[top : top + height, left : left + width]

    def other():
        image = pixels.decode_other(encoded)
        window = random_window(tf.shape(image)[:2], seed, augmentation)
        return pixels.cut(image, window)

    crop = resize(tf.cond(tf.io.is_jpeg(encoded), jpeg, other), image_size)
    draws = tf.random.stateless_uniform([2], stream(seed, 2))
    crop = tf.where(
        draws[0] < augmentation.flip_probability, tf.reverse(crop, [1]), crop
    )
    if augmentation.rotation:
        angle = (2 * draws[1] - 1) * augmentation.rotation * (math.pi / 180)
        cos, sin = tf.cos(angle), tf.sin(angle)
        crop = warp_about_center(crop, [[cos, sin], [-sin, cos]], fill_mode="REFLECT")
    crop = affine.jitter(crop, stream(seed, 3), augmentation)
    if augmentation.rand_augment:
        crop = rand_augment(
            crop, stream(seed, 4), augmentation.rand_augment, augmentation.magnitude
        )
    return crop


def random_window(
    image_size: Tensor, seed: Tensor, augmentation: ClassificationAugmentation
) -> Tensor:
    """Draws a window by area and aspect ratio.

    Args:
        image_size: int tensor `[2]`, (height, width) of the image.
        seed: int tensor `[2]`.
        augmentation: `ClassificationAugmentation`.
    Returns:
        int32 `[4]`: top, left, height and width in pixels.
    Reference:
        torchvision, transforms.RandomResizedCrop.get_params.
    """
    # float64, as torchvision's Python numbers are.
    height, width = tf.unstack(tf.cast(image_size, tf.float64))
    low, high = augmentation.aspect
    draws = tf.random.stateless_uniform([2, _TRIES], seed, dtype=tf.float64)
    area = height * width * _between(draws[0], *augmentation.area)
    aspect = tf.exp(_between(draws[1], math.log(low), math.log(high)))
    widths, heights = tf.round(tf.sqrt(area * aspect)), tf.round(tf.sqrt(area / aspect))
    fits = (widths > 0) & (widths <= width) & (heights > 0) & (heights <= height)
    first = tf.argmax(fits)
    # The largest window of an allowed aspect ratio.
    largest = tf.stack(
        [
            tf.minimum(height, tf.round(width / low)),
            tf.minimum(width, tf.round(height * high)),
        ]
    )
    found = tf.reduce_any(fits)
    size = tf.where(found, tf.stack([heights[first], widths[first]]), largest)
    room = tf.stack([height, width]) - size
    place = tf.random.stateless_uniform([2], stream(seed, 1), dtype=tf.float64)
    corner = tf.where(found, tf.floor(place * (room + 1)), tf.floor(room / 2))
    return tf.cast(tf.concat([corner, size], 0), tf.int32)


def center_crop(
    image: Tensor, image_size: tuple[int, int], crop_fraction: float
) -> Tensor:
    """Resizes an image and cuts the middle out, as the test does.

    The shorter side becomes `side / crop_fraction` pixels, whole ones; only the part
    that is cut out is computed.

    Args:
        image: uint8 tensor `[H, W, 3]`.
        image_size: (height, width) of the crop.
        crop_fraction: float in (0, 1], such as 224 / 256 of the official test.
    Returns:
        The crop, uint8 `[height, width, 3]`.
    Reference:
        torchvision, transforms.Resize and CenterCrop; timm's crop_pct.
    """
    size = tf.cast(tf.shape(image)[:2], tf.float64)
    # The crop of another shape than a square is covered likewise.
    target = tf.constant(
        [math.floor(side / crop_fraction) for side in image_size], tf.float64
    )
    share = target / size
    resized = tf.where(
        share[0] >= share[1],
        tf.stack([target[0], tf.floor(target[0] * size[1] / size[0])]),
        tf.stack([tf.floor(target[1] * size[0] / size[1]), target[1]]),
    )
    corner = tf.round((resized - tf.constant(image_size, tf.float64)) / 2)
    crop = tf.raw_ops.ScaleAndTranslate(
        images=image[None],
        size=image_size,
        scale=tf.cast(resized / size, tf.float32),
        translation=tf.cast(-corner, tf.float32),
        kernel_type="triangle",
        antialias=True,
    )[0]
    return tf.ensure_shape(_to_pixels(crop), (*image_size, 3))


def resize(image: Tensor, image_size: tuple[int, int]) -> Tensor:
    """Resizes uint8 pixels `[H, W, 3]` to uint8 `[height, width, 3]`."""
    return _to_pixels(tf.image.resize(image, image_size, antialias=True))


def stream(seed: Tensor, number: int) -> Tensor:
    """Returns the seed of another stream of draws of the same example or batch.

    Args:
        seed: int tensor `[2]`.
        number: int.
    """
    return seed + tf.constant([number << 20, 0], seed.dtype)


def _between(draws, low, high):
    return low + (high - low) * draws


def _to_pixels(values):
    return tf.cast(tf.clip_by_value(values + 0.5, 0.0, 255.0), tf.uint8)
