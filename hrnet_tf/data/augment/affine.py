"""The affine crop around a person, and its random variations.

Geometry: a region is a centre (x, y) and a size (width, height) in pixels of the
image; the crop is the similarity transform that brings the region's centre to the
crop's centre and the region's width to the crop's width; or UDP's affine transform,
see `aligned_crop_matrix`.

Reference: deep-high-resolution-net.pytorch, lib/utils/transforms.py and
lib/dataset/JointsDataset.py.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from hrnet_tf import exif, pixels
from hrnet_tf.typing import Tensor

BOX_PADDING = 1.25
HALF_BODY_PADDING = 1.5
DISTRIBUTIONS = ("normal", "uniform")
# Pixels decoded around the crop: bilinear neighbours, and chroma upsampling.
_WINDOW_MARGIN = 4


@dataclasses.dataclass(frozen=True)
class PoseAugmentation:
    """Strengths of the random variations; the defaults are COCO's protocol.

    Attributes:
        scale: float. The region is scaled by `clip(1 + scale * N(0, 1), 1 - scale,
            1 + scale)`.
        rotation: float, degrees. `clip(rotation * N(0, 1), -2 * rotation, 2 *
            rotation)`.
        rotation_probability: float in [0, 1].
        flip_probability: float in [0, 1]. Chance of mirroring.
        half_body_probability: float in [0, 1]. Chance of cropping the upper or the
            lower body of a person.
        half_body_min_keypoints: int. Half bodies need more visible keypoints.
        brightness, contrast: float in [0, 1). Random factors `1 +- value` on the
            crop; 0, the protocol's, leaves the pixels alone.
        distribution: "normal" or "uniform" (the protocol of faces): the region is
            scaled by `1 + scale * U(-1, 1)` and rotated by `rotation * U(-1, 1)`.
    """

    scale: float = 0.35
    rotation: float = 45.0
    rotation_probability: float = 0.6
    flip_probability: float = 0.5
    half_body_probability: float = 0.3
    half_body_min_keypoints: int = 8
    brightness: float = 0.0
    contrast: float = 0.0
    distribution: str = "normal"

    def __post_init__(self):
        if self.distribution not in DISTRIBUTIONS:
            raise ValueError(
                f"distribution must be one of {DISTRIBUTIONS}."
                f" Received: distribution={self.distribution!r}."
            )
        for field in ("rotation_probability", "flip_probability"):
            if not 0 <= getattr(self, field) <= 1:
                raise ValueError(
                    f"{field} must be in [0, 1]."
                    f" Received: {field}={getattr(self, field)}."
                )
        for field in ("scale", "brightness", "contrast"):
            if not 0 <= getattr(self, field) < 1:
                raise ValueError(
                    f"{field} must be in [0, 1)."
                    f" Received: {field}={getattr(self, field)}."
                )


def fit_aspect(sizes: Tensor, aspect: float) -> Tensor:
    """Extends the shorter sides of `sizes` `[..., 2]` to width / height = aspect."""
    width, height = sizes[..., 0], sizes[..., 1]
    return tf.stack(
        [tf.maximum(width, aspect * height), tf.maximum(height, width / aspect)], -1
    )


def box_regions(
    boxes: Tensor, aspect: float, padding: float = BOX_PADDING
) -> tuple[Tensor, Tensor]:
    """Returns the regions that the network looks at for boxes.

    Args:
        boxes: float tensor `[..., 4]`, xywh in pixels.
        aspect: float. Width / height of the crop.
        padding: float. Factor on the size.
    Returns:
        Centres `[..., 2]` and sizes `[..., 2]` in pixels.
    """
    centers = boxes[..., :2] + 0.5 * boxes[..., 2:]
    return centers, fit_aspect(boxes[..., 2:], aspect) * padding


def crop_matrix(
    center: Tensor, width: Tensor, rotation: Tensor, crop_size: tuple[int, int]
) -> Tensor:
    """Returns the matrix from image pixels to crop pixels.

    Args:
        center: float tensor `[..., 2]`, the region's centre (x, y).
        width: float tensor `[...]`, the region's width in pixels.
        rotation: float tensor `[...]`, degrees.
        crop_size: (height, width) of the crop.
    Returns:
        A float32 tensor `[..., 2, 3]`.
    """
    # float64: offsets of some hundred pixels would lose the fourth decimal.
    center, width, rotation = (
        tf.cast(x, tf.float64) for x in (center, width, rotation)
    )
    angle = rotation * (math.pi / 180)
    cos = tf.cos(angle) * (crop_size[1] / width)
    sin = tf.sin(angle) * (crop_size[1] / width)
    x, y = center[..., 0], center[..., 1]
    rows = [
        tf.stack([cos, sin, crop_size[1] / 2 - cos * x - sin * y], -1),
        tf.stack([-sin, cos, crop_size[0] / 2 + sin * x - cos * y], -1),
    ]
    return tf.cast(tf.stack(rows, -2), tf.float32)


def aligned_crop_matrix(
    center: Tensor, size: Tensor, rotation: Tensor, crop_size: tuple[int, int]
) -> Tensor:
    """Returns UDP's matrix from image pixels to crop pixels.

    The centres of the crop's outermost pixels lie on the region's borders, so that
    mirroring the crop mirrors the region; `crop_matrix` lets the first pixel alone lie
    there. The angle turns as in `crop_matrix`, that is against mmpose's.

    Args:
        center: float tensor `[..., 2]`, the region's centre (x, y).
        size: float tensor `[..., 2]`, the region's (width, height) in pixels.
        rotation: float tensor `[...]`, degrees.
        crop_size: (height, width) of the crop.
    Returns:
        A float32 tensor `[..., 2, 3]`.
    Reference:
        UDP, arXiv 1911.07524; mmpose, get_udp_warp_matrix.
    """
    center, size, rotation = (tf.cast(x, tf.float64) for x in (center, size, rotation))
    angle = rotation * (math.pi / 180)
    cos, sin = tf.cos(angle), tf.sin(angle)
    last = tf.constant([crop_size[1] - 1, crop_size[0] - 1], tf.float64)
    scale = last / size
    linear = tf.stack([tf.stack([cos, sin], -1), tf.stack([-sin, cos], -1)], -2)
    linear *= scale[..., None]
    offset = last / 2 - tf.linalg.matvec(linear, center)
    return tf.cast(tf.concat([linear, offset[..., None]], -1), tf.float32)


def invert(matrix: Tensor) -> Tensor:
    """Inverts affine matrices `[..., 2, 3]`."""
    a, b, c = matrix[..., 0, 0], matrix[..., 0, 1], matrix[..., 0, 2]
    d, e, f = matrix[..., 1, 0], matrix[..., 1, 1], matrix[..., 1, 2]
    determinant = a * e - b * d
    rows = [
        tf.stack([e, -b, b * f - c * e], -1),
        tf.stack([-d, a, c * d - a * f], -1),
    ]
    return tf.stack(rows, -2) / determinant[..., None, None]


def mirror(matrix: Tensor, image_width: Tensor) -> Tensor:
    """Prepends the mirroring `x -> image_width - 1 - x` to crop matrices.

    Args:
        matrix: float tensor `[..., 2, 3]`.
        image_width: tensor `[...]`, pixels.
    """
    width = tf.cast(image_width, tf.float32)[..., None, None]
    column = matrix[..., :1]
    offset = matrix[..., 2:] + column * (width - 1)
    return tf.concat([-column, matrix[..., 1:2], offset], -1)


def apply_matrix(matrix: Tensor, points: Tensor) -> Tensor:
    """Transforms points `[..., N, 2]` by matrices `[..., 2, 3]`."""
    linear = tf.linalg.matmul(points, matrix[..., :2], transpose_b=True)
    return linear + matrix[..., None, :, 2]


def decode_crop(encoded: Tensor, matrix: Tensor, crop_size: tuple[int, int]) -> Tensor:
    """Decodes the part of an image that a crop needs, and warps it.

    Args:
        encoded: string scalar, a JPEG (only its needed window is decoded) or PNG.
        matrix: float tensor `[2, 3]`, image pixels to crop pixels.
        crop_size: (height, width) of the crop.
    Returns:
        The crop, uint8 `[height, width, 3]`, RGB; black outside the image.
    """

    def jpeg():
        turned = exif.may_be_turned(encoded)
        image_size = pixels.jpeg_size(encoded, turned)
        window, inverse = locate_window(matrix, image_size, crop_size)
        part = pixels.decode_jpeg_part(encoded, window, turned)
        return _sample(part, inverse, crop_size)

    crop = tf.cond(
        tf.io.is_jpeg(encoded),
        jpeg,
        lambda: warp(pixels.decode_other(encoded), matrix, crop_size),
    )
    return tf.ensure_shape(crop, (*crop_size, 3))


def warp(image: Tensor, matrix: Tensor, crop_size: tuple[int, int]) -> Tensor:
    """Warps an image bilinearly, as `cv2.warpAffine` with a black border does.

    Args:
        image: uint8 tensor `[H, W, 3]`.
        matrix: float tensor `[2, 3]`, image pixels to crop pixels.
        crop_size: (height, width) of the crop.
    Returns:
        A uint8 tensor `[height, width, 3]`.
    """
    window, inverse = locate_window(matrix, tf.shape(image)[:2], crop_size)
    return _sample(pixels.cut(image, window), inverse, crop_size)


def locate_window(
    matrix: Tensor, image_size: Tensor, crop_size: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Finds the part of an image that lies under a crop.

    Args:
        matrix: float tensor `[..., 2, 3]`, image pixels to crop pixels.
        image_size: int tensor `[..., 2]`, (height, width) of the image.
        crop_size: (height, width) of the crop.
    Returns:
        The window, int32 `[..., 4]` (top, left, height, width; never empty), and the
        matrix float32 `[..., 2, 3]` from crop pixels to pixels of the window.
    """
    inverse = invert(matrix)
    height, width = crop_size
    corners = tf.constant(
        [[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]], tf.float32
    )
    corners = apply_matrix(inverse, corners)
    low = tf.floor(tf.reduce_min(corners, -2)) - _WINDOW_MARGIN
    high = tf.math.ceil(tf.reduce_max(corners, -2)) + _WINDOW_MARGIN
    size = tf.cast(tf.reverse(image_size, [-1]), tf.int32)
    low = tf.clip_by_value(tf.cast(low, tf.int32), 0, size - 1)
    high = tf.clip_by_value(tf.cast(high, tf.int32), low + 1, size)
    window = tf.concat([tf.reverse(low, [-1]), tf.reverse(high - low, [-1])], -1)
    offset = inverse[..., 2] - tf.cast(low, tf.float32)
    return window, tf.concat([inverse[..., :2], offset[..., None]], -1)


def decode_window(
    encoded: Tensor, window: Tensor, inverse: Tensor, crop_size: tuple[int, int]
) -> Tensor:
    """Decodes a window that `locate_window` found, and samples the crop from it.

    Args:
        encoded: string scalar, a JPEG or PNG.
        window: int32 tensor `[4]`.
        inverse: float32 tensor `[2, 3]`.
        crop_size: (height, width) of the crop.
    Returns:
        The crop, uint8 `[height, width, 3]`.
    """
    part = pixels.decode_part(encoded, window)
    return _sample(part, inverse, crop_size)


def _sample(part, inverse, crop_size):
    """Samples a decoded window; the image's own border blends into black."""
    straight = tf.logical_and(inverse[0, 1] == 0.0, inverse[1, 0] == 0.0)
    crop = tf.cond(
        straight,
        lambda: _sample_straight(part, inverse, crop_size),
        lambda: _sample_affine(part, inverse, crop_size),
    )
    return tf.cast(crop + 0.5, tf.uint8)


def _sample_straight(part, inverse, crop_size):
    """Bilinear sampling without rotation: twice as fast as the general one."""
    # A black frame makes the border blend as in OpenCV.
    part = tf.pad(part, [[1, 1], [1, 1], [0, 0]])
    last = tf.cast(tf.shape(part)[:2] - 1, tf.float32)
    scale = tf.stack([inverse[1, 1], inverse[0, 0]])
    start = tf.stack([inverse[1, 2], inverse[0, 2]]) + 1.0
    stop = start + scale * tf.constant([s - 1 for s in crop_size], tf.float32)
    box = tf.concat([start / last, stop / last], 0)
    return tf.image.crop_and_resize(part[None], box[None], [0], crop_size)[0]


def _sample_affine(part, inverse, crop_size):
    transform = tf.concat([tf.reshape(inverse, [6]), [0.0, 0.0]], 0)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(part, tf.float32)[None],
        transforms=transform[None],
        output_shape=crop_size,
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )[0]


def random_region(
    keypoints: Tensor,
    center: Tensor,
    size: Tensor,
    seed: Tensor,
    augmentation: PoseAugmentation,
    upper_body: Sequence[bool],
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Draws the half body, scale and rotation of training crops.

    Args:
        keypoints: float tensor `[..., K, 3]`.
        center, size: float tensors `[..., 2]`, the people's regions.
        seed: int tensor `[2]`; the same seed gives the same draws.
        augmentation: `PoseAugmentation`.
        upper_body: bool sequence `[K]`, True for keypoints of the upper body; no
            True disables half bodies.
    Returns:
        center `[..., 2]`, size `[..., 2]`, rotation `[...]` (degrees) and flip
        `[...]` (bool).
    """
    shape = tf.concat([[3], tf.shape(center)[:-1]], 0)
    uniform = tf.random.stateless_uniform(shape, seed)
    # Another stream of the same generator: seeds differ in their first number.
    stream = seed + tf.constant([1 << 20, 0], seed.dtype)
    if augmentation.distribution == "uniform":
        spread = tf.random.stateless_uniform(shape, stream, -1.0, 1.0)
    else:
        spread = tf.random.stateless_normal(shape, stream)
    if augmentation.half_body_probability > 0 and any(upper_body):
        wanted = uniform[0] < augmentation.half_body_probability
        center, size = _half_body(
            keypoints, center, size, wanted, spread[0], augmentation, upper_body
        )
    strength = augmentation.scale
    factor = tf.clip_by_value(1 + strength * spread[1], 1 - strength, 1 + strength)
    limit = 2 * augmentation.rotation
    rotation = tf.clip_by_value(spread[2] * augmentation.rotation, -limit, limit)
    rotated = uniform[1] < augmentation.rotation_probability
    flip = uniform[2] < augmentation.flip_probability
    return center, size * factor[..., None], tf.where(rotated, rotation, 0.0), flip


def _half_body(keypoints, center, size, wanted, coin, augmentation, upper_body):
    """The regions of the upper or lower bodies where wanted and possible."""
    visible = keypoints[..., 2] > 0
    upper = tf.logical_and(visible, upper_body)
    lower = tf.logical_and(visible, tf.logical_not(upper_body))
    num_upper = tf.math.count_nonzero(upper, -1)
    num_lower = tf.math.count_nonzero(lower, -1)
    take_upper = tf.where(coin < 0.5, num_upper > 2, num_lower <= 2)
    chosen = tf.where(take_upper[..., None], upper, lower)
    count = tf.math.count_nonzero(chosen, -1)
    points = keypoints[..., :2]
    low = tf.reduce_min(tf.where(chosen[..., None], points, math.inf), -2)
    high = tf.reduce_max(tf.where(chosen[..., None], points, -math.inf), -2)
    weights = tf.cast(chosen, tf.float32)
    weights /= tf.cast(tf.maximum(count, 1), tf.float32)[..., None]
    mean = tf.linalg.matvec(points, weights, transpose_a=True)
    extent = fit_aspect(high - low, size[..., 0] / size[..., 1]) * HALF_BODY_PADDING
    num_visible = tf.math.count_nonzero(visible, -1)
    usable = (
        wanted
        & (num_visible > augmentation.half_body_min_keypoints)
        & (count >= 2)
        # The official code divides by a zero scale where the joints coincide.
        & (tf.reduce_max(high - low, -1) > 1.0)
    )[..., None]
    return tf.where(usable, mean, center), tf.where(usable, extent, size)


def jitter(crop: Tensor, seed: Tensor, augmentation: Any) -> Tensor:
    """Random brightness and contrast, those of an augmentation, on a uint8 crop."""
    if not (augmentation.brightness or augmentation.contrast):
        return crop
    draw = tf.random.stateless_uniform(
        [2], seed + tf.constant([2 << 20, 0], seed.dtype), -1.0, 1.0
    )
    image = tf.cast(crop, tf.float32)
    gain = 1 + augmentation.contrast * draw[0]
    mean = tf.reduce_mean(image)
    image = (image - mean) * gain + mean * (1 + augmentation.brightness * draw[1])
    return tf.cast(tf.clip_by_value(image + 0.5, 0.0, 255.0), tf.uint8)
