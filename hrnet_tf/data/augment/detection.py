"""Random views of an image and its objects: scale, mirror, crop, brightness."""

import dataclasses

import tensorflow as tf

from hrnet_tf.data.augment.affine import jitter
from hrnet_tf.typing import Tensor

# Places that a crop is tried at until one shows an object's centre.
_TRIES = 8
# ImageNet's mean colour, which networks see as zero.
FILL = (124, 116, 104)


@dataclasses.dataclass(frozen=True)
class DetectionAugmentation:
    """Strengths of the random variations; the defaults are COCO's protocol.

    Attributes:
        scales: tuple of pairs (longer, shorter) in px: images become as large as fits
            within them, keeping their shape. Of several one is drawn.
        scale_range: bool. True draws both sides anywhere between the first and the last
            of `scales`.
        flip_probability: float in [0, 1]. Chance of mirroring left and right.
        vertical_flip_probability: the same of up and down, for pictures without an
            upside.
        crop_size: (height, width) or None. What is larger is cut at random, where it
            shows an object if there is one.
        min_visible: float in [0, 1). Objects of which a crop leaves a smaller share
            count neither as objects nor as background.
        min_side: float, px of the network's input. So do objects with a shorter side.
        brightness, contrast: float in [0, 1). Random factors `1 +- value`; 0, the
            protocol's, leaves the pixels alone.
    Reference:
        HRNet-Object-Detection, configs/hrnet/*.py; mmdetection, configs/hrnet/*.py.
    """

    scales: tuple[tuple[int, int], ...] = ((1333, 800),)
    scale_range: bool = False
    flip_probability: float = 0.5
    vertical_flip_probability: float = 0.0
    crop_size: tuple[int, int] | None = None
    min_visible: float = 0.0
    min_side: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0

    def __post_init__(self):
        scales = tuple(tuple(scale) for scale in self.scales)
        object.__setattr__(self, "scales", scales)
        if not scales or any(
            len(scale) != 2 or scale[1] < 1 or scale[0] < scale[1] for scale in scales
        ):
            raise ValueError(
                "scales are pairs (longer side, shorter side) in px, such as"
                f" ((1333, 800),). Received: scales={self.scales!r}."
            )
        for field in ("flip_probability", "vertical_flip_probability"):
            if not 0 <= getattr(self, field) <= 1:
                raise ValueError(
                    f"{field} must be in [0, 1]."
                    f" Received: {field}={getattr(self, field)}."
                )
        for field in ("min_visible", "brightness", "contrast"):
            if not 0 <= getattr(self, field) < 1:
                raise ValueError(
                    f"{field} must be in [0, 1)."
                    f" Received: {field}={getattr(self, field)}."
                )


# What tests and predictions do with images.
PLAIN = DetectionAugmentation(flip_probability=0.0)


def fitted_size(size: Tensor, longer: Tensor, shorter: Tensor) -> Tensor:
    """Returns the size of an image that is as large as fits, int32 `[2]`.

    Args:
        size: int tensor `[2]`, (height, width).
        longer, shorter: numbers, the most px of its sides.
    Reference:
        mmcv, image/geometric.py (how the sides are rounded).
    """
    sides = tf.cast(size, tf.float32)
    longer, shorter = tf.cast(longer, tf.float32), tf.cast(shorter, tf.float32)
    scale = tf.minimum(longer / tf.reduce_max(sides), shorter / tf.reduce_min(sides))
    return tf.maximum(tf.cast(sides * scale + 0.5, tf.int32), 1)


def random_view(
    image: Tensor,
    objects: dict[str, Tensor],
    seed: Tensor,
    augmentation: DetectionAugmentation,
    fit: tuple[int, int] | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Resizes, mirrors and crops an image at random, and its boxes with it.

    Args:
        image: uint8 tensor `[H, W, 3]`.
        objects: dict of tensors: boxes float32 `[N, 4]` (left, top, right, bottom, px),
            ignored bool `[N]`, and anything else with a row for each object.
        seed: int tensor `[2]`; the same seed gives the same view.
        augmentation: `DetectionAugmentation`.
        fit: (height, width) that the view must not exceed, or None.
    Returns:
        The view uint8 `[h, w, 3]`, and a dict of the objects that it shows: the given
        tensors' rows, boxes in px of the view, ignored where they are too small, and
        `origin` float32 `[2, 2]`: pixel (x, y) of the view, counted from its corner,
        shows the image's pixel `origin[0] + origin[1] * (x, y)`.
    """
    draws = tf.random.stateless_uniform([4 + 2 * _TRIES], seed)
    stored = tf.shape(image)[:2]
    size = fitted_size(stored, *_limits(augmentation, draws[0]))
    if fit is not None and augmentation.crop_size is None:
        size = _within(size, fit)
    view = tf.image.resize(image, size)
    ratio = tf.cast(size[::-1], tf.float32) / tf.cast(stored[::-1], tf.float32)
    boxes = objects["boxes"] * tf.tile(ratio, [2])
    step, start = 1 / ratio, tf.zeros([2])
    chances = (augmentation.flip_probability, augmentation.vertical_flip_probability)
    for axis, chance in enumerate(chances):
        if not chance:
            continue
        flip = draws[1 + axis] < chance
        extent = tf.cast(size[1 - axis], tf.float32)
        view = tf.where(flip, tf.reverse(view, [1 - axis]), view)
        mirrored = _mirrored(boxes, axis, extent)
        boxes = tf.where(flip, mirrored, boxes)
        turned = tf.one_hot(axis, 2, dtype=tf.bool, on_value=True, off_value=False)
        turned &= flip
        start = tf.where(turned, tf.cast(stored[::-1], tf.float32), start)
        step = tf.where(turned, -step, step)
    whole = boxes
    if augmentation.crop_size is not None:
        view, boxes, offset = _crop(
            view, boxes, objects["ignored"], draws[4:], augmentation.crop_size
        )
        start += step * offset
    view = tf.cast(tf.clip_by_value(view + 0.5, 0.0, 255.0), tf.uint8)
    view = jitter(view, seed, augmentation)
    ignored = objects["ignored"] | _too_small(boxes, whole, augmentation)
    found = {**objects, "boxes": boxes, "ignored": ignored}
    shown = tf.reduce_all(boxes[:, 2:] > boxes[:, :2], -1)
    found = {name: tf.boolean_mask(rows, shown) for name, rows in found.items()}
    return view, {**found, "origin": tf.stack([start, step])}


def _limits(augmentation, draw):
    """The longer and shorter side that are drawn."""
    scales = tf.constant(augmentation.scales, tf.float32)
    if augmentation.scale_range:
        # Both sides by one draw, so that their ratio stays as it is given.
        limits = scales[0] + draw * (scales[-1] - scales[0])
        return tf.unstack(tf.round(limits))
    count = len(augmentation.scales)
    place = tf.minimum(tf.cast(draw * count, tf.int32), count - 1)
    return tf.unstack(scales[place])


def _within(size, fit):
    """A size that is made smaller where it exceeds another one."""
    sides = tf.cast(size, tf.float32)
    scale = tf.reduce_min(tf.constant(fit, tf.float32) / sides)
    smaller = tf.cast(sides * tf.minimum(scale, 1.0) + 0.5, tf.int32)
    return tf.clip_by_value(smaller, 1, tf.constant(fit))


def _mirrored(boxes, axis, extent):
    """Boxes of an image that is mirrored along x (axis 0) or y (1)."""
    columns = tf.unstack(boxes, axis=-1)
    columns[axis], columns[axis + 2] = (
        extent - columns[axis + 2],
        extent - columns[axis],
    )
    return tf.stack(columns, -1)


def _crop(view, boxes, ignored, draws, crop_size):
    """Cuts a window out; returns it, the boxes in it, and its left and top."""
    size = tf.shape(view)[:2]
    room = tf.cast(tf.maximum(size - tf.constant(crop_size), 0), tf.float32)
    # Whole pixels, (top, left) of each try.
    offsets = tf.floor(tf.reshape(draws, (_TRIES, 2)) * (room + 1.0))
    offsets = tf.minimum(offsets, room)
    corners = offsets[:, None, ::-1]
    extent = tf.constant(crop_size[::-1], tf.float32)
    centers = (boxes[:, :2] + boxes[:, 2:])[None] / 2 - corners
    inside = tf.reduce_all((centers >= 0) & (centers < extent), -1) & ~ignored
    # The first try where nothing is seen at any.
    offset = offsets[tf.argmax(tf.reduce_any(inside, -1))]
    top, left = tf.unstack(tf.cast(offset, tf.int32))
    view = view[top : top + crop_size[0], left : left + crop_size[1]]
    shift = offset[::-1]
    limit = tf.cast(tf.shape(view)[1::-1], tf.float32)
    low = tf.clip_by_value(boxes[:, :2] - shift, 0.0, limit)
    high = tf.clip_by_value(boxes[:, 2:] - shift, 0.0, limit)
    return view, tf.concat([low, high], -1), shift


def _too_small(boxes, whole, augmentation):
    """Which objects are too small, or shown too little, to be learned."""
    sides, all_sides = (b[:, 2:] - b[:, :2] for b in (boxes, whole))
    small = tf.reduce_min(sides, -1) < augmentation.min_side
    area = tf.reduce_prod(all_sides, -1)
    return small | (tf.reduce_prod(sides, -1) < augmentation.min_visible * area)


def sample_masks(
    runs: Tensor,
    lengths: Tensor,
    size: Tensor,
    boxes: Tensor,
    origin: Tensor,
    side: int,
) -> Tensor:
    """Reads masks at points over their boxes, without drawing them.

    Args:
        runs: int tensor `[R]`, of all objects one after the other, see
            `data.instance_masks`.
        lengths: int tensor `[N]`, the number of runs of each object; 0: no mask.
        size: int tensor `[2]`, (height, width) of the image.
        boxes: float32 tensor `[N, 4]`, px of a view.
        origin: float32 tensor `[2, 2]`, see `random_view`.
        side: int. Points along each side of a box, at the middles of equal cells.
    Returns:
        uint8 tensor `[N, side, side]`, 0 or 1.
    """
    height, width = tf.unstack(tf.cast(size, tf.int64))
    ends = tf.cumsum(tf.cast(runs, tf.int64))
    lengths = tf.cast(lengths, tf.int64)
    first = tf.cumsum(lengths, exclusive=True)
    has_mask = lengths > 0
    # Each mask's runs sum up to the image's pixels.
    order = tf.cumsum(tf.cast(has_mask, tf.int64), exclusive=True)
    middles = (tf.range(side, dtype=tf.float32) + 0.5) / side
    places = (
        boxes[:, None, :2] + middles[:, None] * (boxes[:, 2:] - boxes[:, :2])[:, None]
    )
    places = tf.cast(tf.floor(origin[0] + origin[1] * places), tf.int64)
    columns = tf.clip_by_value(places[..., 0], 0, width - 1)
    rows = tf.clip_by_value(places[..., 1], 0, height - 1)
    pixels = order[:, None, None] * height * width
    pixels += columns[:, None, :] * height + rows[:, :, None]
    found = tf.searchsorted(ends, tf.reshape(pixels, [-1]), "right", tf.int64)
    inside = (tf.reshape(found, tf.shape(pixels)) - first[:, None, None]) % 2 == 1
    return tf.cast(inside & has_mask[:, None, None], tf.uint8)
