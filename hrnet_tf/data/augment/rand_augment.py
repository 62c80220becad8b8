"""RandAugment, every draw of which depends on a seed alone.

The fourteen operations and their strengths are torchvision's: all grow with the
magnitude, of 31 steps. The pixel operations are tf-models-official's.

Reference: Cubuk et al., arXiv 1909.13719; torchvision, transforms.RandAugment.
"""

import math

import tensorflow as tf

_MAX_MAGNITUDE = 30


def rand_augment(image, seed, num_operations=2, magnitude=9):
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


def operations(shape, magnitude):
    """Returns the operations of one strength.

    Args:
        shape: the image's shape `[H, W, 3]`.
        magnitude: int in 0..30.
    Returns:
        dict from name to a function of the image (uint8 `[H, W, 3]`) and the sign
        (float32 scalar, 1 or -1; of no meaning to some).
    """
    from official.vision.ops import augment

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
        "color": enhanced(lambda image: augment.color(image, 0.0)),
        "contrast": enhanced(_mean_grey),
        "sharpness": enhanced(lambda image: augment.sharpness(image, 0.0)),
        "posterize": lambda image, sign: augment.posterize(image, bits),
        "solarize": lambda image, sign: augment.solarize(image, threshold),
        "autocontrast": lambda image, sign: augment.autocontrast(image),
        "equalize": lambda image, sign: augment.equalize(image),
    }


def warp_about_center(image, linear, shift=(0.0, 0.0), fill_mode="CONSTANT"):
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


def _mean_grey(image):
    grey = tf.reduce_mean(tf.cast(tf.image.rgb_to_grayscale(image), tf.float32))
    return tf.fill(tf.shape(image), tf.cast(grey + 0.5, tf.uint8))


def _blend(degenerate, image, factor):
    """Goes from a degenerate image towards the image, or beyond."""
    degenerate, image = tf.cast(degenerate, tf.float32), tf.cast(image, tf.float32)
    blended = degenerate + factor * (image - degenerate)
    return tf.cast(tf.clip_by_value(blended, 0.0, 255.0), tf.uint8)
