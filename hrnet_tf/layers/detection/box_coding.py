"""Boxes as the offsets that networks learn, and back."""

import math
from collections.abc import Sequence

import keras

from hrnet_tf.layers.detection.convention import Convention
from hrnet_tf.typing import Tensor

# Of sizes, as many times a reference's as a decoded box can have.
_LARGEST_LOG = abs(math.log(16 / 1000))


def encode_boxes(
    references: Tensor,
    boxes: Tensor,
    convention: Convention,
    stds: Sequence[float] = (1.0, 1.0, 1.0, 1.0),
) -> Tensor:
    """Returns the deltas that lead from references to boxes.

    Args:
        references: float32 `[..., 4]`, anchors or RoIs: corners x1, y1, x2, y2. Their
            sizes must not be zero.
        boxes: float32 `[..., 4]`, likewise.
        convention: `Convention`.
        stds: four floats, which the deltas are divided by.
    Returns:
        float32 `[..., 4]`: shifts of the centre in sizes of the reference, and
        logarithms of the ratios of sizes.
    """
    ops = keras.ops
    centre, size = _centre_and_size(references, convention)
    goal_centre, goal_size = _centre_and_size(boxes, convention)
    deltas = ops.concatenate(
        [(goal_centre - centre) / size, ops.log(goal_size / size)], axis=-1
    )
    return deltas / ops.convert_to_tensor(stds, dtype=deltas.dtype)


def decode_boxes(
    references: Tensor,
    deltas: Tensor,
    convention: Convention,
    stds: Sequence[float] = (1.0, 1.0, 1.0, 1.0),
    image_sizes: Tensor | None = None,
) -> Tensor:
    """Returns the boxes that deltas lead to, the inverse of `encode_boxes`.

    Args:
        references, deltas: float32 `[..., 4]`; of leading axes of size 1 the larger
            counts.
        convention, stds: see `encode_boxes`.
        image_sizes: float32 `[..., 2]`, heights and widths, which boxes are clipped to;
            or None.
    Returns:
        float32 `[..., 4]`, corners x1, y1, x2, y2.
    """
    ops = keras.ops
    deltas = deltas * ops.convert_to_tensor(stds, dtype=deltas.dtype)
    centre, size = _centre_and_size(references, convention)
    centre = centre + size * deltas[..., :2]
    size = size * ops.exp(ops.clip(deltas[..., 2:], -_LARGEST_LOG, _LARGEST_LOG))
    half = size * 0.5
    inset = 0.5 * convention.extent
    boxes = ops.concatenate([centre - half + inset, centre + half - inset], axis=-1)
    if image_sizes is None:
        return boxes
    return clip_boxes(boxes, image_sizes, convention)


def clip_boxes(boxes: Tensor, image_sizes: Tensor, convention: Convention) -> Tensor:
    """Returns boxes cut to their images.

    Args:
        boxes: float32 `[..., 4]`.
        image_sizes: float32 `[..., 2]`, heights and widths; its leading axes are those
            of the boxes, or 1.
        convention: `Convention`.
    Returns:
        float32 `[..., 4]`.
    """
    ops = keras.ops
    sizes = ops.cast(image_sizes, boxes.dtype) - convention.extent
    height, width = sizes[..., :1], sizes[..., 1:]
    limits = ops.concatenate([width, height, width, height], axis=-1)
    return ops.minimum(ops.maximum(boxes, 0.0), limits)


def has_area(boxes: Tensor, convention: Convention) -> Tensor:
    """Returns bool `[...]`: whether boxes `[..., 4]` are wider and higher than zero."""
    _, size = _centre_and_size(boxes, convention)
    return keras.ops.all(size > 0, axis=-1)


def _centre_and_size(boxes, convention):
    first, last = boxes[..., :2], boxes[..., 2:]
    return (first + last) * 0.5, last - first + convention.extent
