"""RandAugment, every draw of which depends on a seed alone.

The fourteen operations and their strengths are torchvision's: all grow with the
magnitude, of 31 steps. Those on pixels give what Pillow's do, and bit for bit what
tf-models-official's do, which brings a hundred packages. Of Keras' layers of these
names the one that equalizes has another formula, and those with a strength draw it
themselves.

Reference: Cubuk et al., arXiv 1909.13719; torchvision, transforms.RandAugment.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from hrnet_tf.typing import Tensor

_MAX_MAGNITUDE = 30


def rand_augment(
    image: Tensor, seed: Tensor, num_operations: int = 2, magnitude: int = 9
) -> Tensor:
    """Applies operations drawn from fourteen, one after another.

    Args:
        image: uint8 tensor `[H, W, 3]` of known size.
        seed: int tensor `[2]`; the same seed gives the same draws.
        num_operations: int.
        magnitude: int in 0..30.
    Returns:
        uint8 tensor `[H, W, 3]`.
    """
    functions = list(operations(image.shape, magnitude).values())
    chosen = tf.random.stateless_uniform(
        [num_operations, 2], seed, 0, 2 * len(functions), tf.int32
    )
    for number in range(num_operations):
        # The parity of a second draw is the sign of the operations that have one.
        sign = tf.cast(1 - 2 * (chosen[number, 1] % 2), tf.float32)
        branches = [_bound(function, image, sign) for function in functions]
        image = tf.switch_case(chosen[number, 0] % len(functions), branches)
    return image


def _bound(function, image, sign):
    return lambda: tf.ensure_shape(function(image, sign), image.shape)


def operations(
    shape: Sequence[int], magnitude: int
) -> dict[str, Callable[..., Tensor]]:
    """Returns the operations of one strength.

    Args:
        shape: the image's shape `[H, W, 3]`.
        magnitude: int in 0..30.
    Returns:
        dict from name to a function of the image (uint8 `[H, W, 3]`) and the sign
        (float32 scalar, 1 or -1; of no meaning to some).
    """
    level = magnitude / _MAX_MAGNITUDE
    shear, turn = 0.3 * level, math.radians(30.0 * level)
    height, width = (150.0 / 331.0 * level * side for side in shape[:2])
    bits = 8 - round(magnitude / (_MAX_MAGNITUDE / 4))
    threshold = round(255 * (1 - level))

    def enhanced(degenerate):
        return lambda image, sign: _blend(
            degenerate(image), image, 1 + 0.9 * level * sign
        )

    def rotated(image, sign):
        cos, sin = math.cos(turn), math.sin(turn) * sign
        return warp_about_center(image, [[cos, sin], [-sin, cos]])

    def moved(linear=((1.0, 0.0), (0.0, 1.0)), shift=(0.0, 0.0)):
        def apply(image, sign):
            # The sign acts on what differs from the identity.
            matrix = [
                [x if i == j else x * sign for j, x in enumerate(row)]
                for i, row in enumerate(linear)
            ]
            return warp_about_center(image, matrix, [x * sign for x in shift])

        return apply

    return {
        "identity": lambda image, sign: image,
        "shear_x": moved(linear=((1.0, shear), (0.0, 1.0))),
        "shear_y": moved(linear=((1.0, 0.0), (shear, 1.0))),
        "translate_x": moved(shift=(width, 0.0)),
        "translate_y": moved(shift=(0.0, height)),
        "rotate": rotated,
        "brightness": enhanced(tf.zeros_like),
        "color": enhanced(grey),
        "contrast": enhanced(_mean_grey),
        "sharpness": enhanced(smooth),
        "posterize": lambda image, sign: posterize(image, bits),
        "solarize": lambda image, sign: solarize(image, threshold),
        "autocontrast": lambda image, sign: autocontrast(image),
        "equalize": lambda image, sign: equalize(image),
    }


def warp_about_center(
    image: Tensor, linear: Any, shift: Any = (0.0, 0.0), fill_mode: str = "CONSTANT"
) -> Tensor:
    """Samples an image bilinearly at places transformed about its centre.

    Args:
        image: uint8 tensor `[H, W, 3]` of known size.
        linear: 2x2 floats or scalar tensors: the pixel at p (relative to the centre)
            comes from `linear @ p + shift`.
        shift: (x, y) in pixels.
        fill_mode: "CONSTANT" (black), "REFLECT" or "NEAREST". What lies outside.
    Returns:
        uint8 tensor `[H, W, 3]`.
    """
    size = image.shape[:2]
    x, y = (size[1] - 1) / 2, (size[0] - 1) / 2
    (a, b), (c, d) = linear
    transform = [
        [a, b, x + shift[0] - a * x - b * y, c, d, y + shift[1] - c * x - d * y, 0, 0]
    ]
    warped = tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(image, tf.float32)[None],
        transforms=tf.cast(tf.convert_to_tensor(transform), tf.float32),
        output_shape=size,
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode=fill_mode,
    )[0]
    return tf.cast(warped + 0.5, tf.uint8)


def grey(image: Tensor) -> Tensor:
    """Returns an image (uint8 `[H, W, 3]`) without its colours."""
    return tf.image.grayscale_to_rgb(tf.image.rgb_to_grayscale(image))


def smooth(image: Tensor) -> Tensor:
    """Smooths an image (uint8 `[H, W, 3]`) with 3x3 weights; the border stays."""
    weights = tf.constant([1, 1, 1, 1, 5, 1, 1, 1, 1], tf.float32, [3, 3, 1, 1]) / 13
    inner = tf.nn.depthwise_conv2d(
        tf.cast(image, tf.float32)[None],
        tf.tile(weights, [1, 1, 3, 1]),
        [1] * 4,
        "VALID",
    )
    inner = tf.cast(inner[0], tf.uint8)
    border = [[1, 1], [1, 1], [0, 0]]
    is_inner = tf.pad(tf.ones_like(inner, tf.bool), border)
    return tf.where(is_inner, tf.pad(inner, border), image)


def posterize(image: Tensor, bits: Tensor) -> Tensor:
    """Keeps so many leading bits (int in 0..8) of each value of a uint8 tensor."""
    return tf.bitwise.bitwise_and(image, tf.constant(256 - 2 ** (8 - bits), tf.uint8))


def solarize(image: Tensor, threshold: Tensor) -> Tensor:
    """Inverts the values of a uint8 tensor from a threshold (int in 0..255) on."""
    return tf.where(image < threshold, image, 255 - image)


def autocontrast(image: Tensor) -> Tensor:
    """Stretches each channel of an image (uint8 `[H, W, 3]`) to 0..255."""
    low, high = (
        tf.cast(reduce(image, (0, 1)), tf.float32)
        for reduce in (tf.reduce_min, tf.reduce_max)
    )
    scale = tf.math.divide_no_nan(255.0, high - low)
    stretched = tf.cast(image, tf.float32) * scale - low * scale
    stretched = tf.cast(tf.clip_by_value(stretched, 0.0, 255.0), tf.uint8)
    return tf.where(high > low, stretched, image)


def equalize(image: Tensor) -> Tensor:
    """Evens out the histogram of each channel of an image (uint8 `[H, W, 3]`)."""
    channels = tf.unstack(tf.cast(image, tf.int32), axis=-1)
    return tf.cast(tf.stack([_equalize(c) for c in channels], -1), tf.uint8)


def _equalize(values):
    """Evens out int32 `[H, W]` in 0..255, by Pillow's rule in whole numbers."""
    counts = tf.math.bincount(values, minlength=256, maxlength=256)
    step = (tf.size(values) - counts[tf.reduce_max(values)]) // 255
    below = tf.cumsum(counts, exclusive=True)
    table = tf.minimum((below + step // 2) // tf.maximum(step, 1), 255)
    return tf.where(step > 0, tf.gather(table, values), values)


def _mean_grey(image):
    grey = tf.reduce_mean(tf.cast(tf.image.rgb_to_grayscale(image), tf.float32))
    return tf.fill(tf.shape(image), tf.cast(grey + 0.5, tf.uint8))


def _blend(degenerate, image, factor):
    """Goes from a degenerate image towards the image, or beyond."""
    degenerate, image = tf.cast(degenerate, tf.float32), tf.cast(image, tf.float32)
    blended = degenerate + factor * (image - degenerate)
    return tf.cast(tf.clip_by_value(blended, 0.0, 255.0), tf.uint8)
