"""The losses of region proposals: where objects are, of any class."""

from collections.abc import Callable, Sequence

import keras

from hrnet_tf.losses.detection.labels import (
    Part,
    Truths,
    binary_cross_entropy,
    masked_sum,
    pick,
    smooth_l1,
)
from hrnet_tf.losses.detection.matching import match
from hrnet_tf.losses.detection.rules import TwoStageRule
from hrnet_tf.losses.detection.sampling import sample
from hrnet_tf.typing import Tensor

# What images are padded to before they meet those of their batch.
_DIVISOR = 32


def usable_anchors(
    anchors: Sequence[Tensor],
    map_sizes: Sequence[tuple[Tensor, Tensor]],
    strides: Sequence[int],
    image_sizes: Tensor,
    border: float | None = None,
) -> Tensor:
    """Finds the anchors that belong to an image, and not to the batch's padding.

    Args:
        anchors: float32 `[h * w * A, 4]` for each level, in the order y, x, anchor.
        map_sizes: (height, width) of each level's map.
        strides: int, of each level.
        image_sizes: float32 `[B, 2]`, heights and widths without padding.
        border: float or None, see `TwoStageRule`.
    Returns:
        bool `[B, N]`, the levels one after another.
    """
    ops = keras.ops
    padded = ops.ceil(image_sizes / _DIVISOR) * _DIVISOR
    usable = []
    for boxes, (height, width), stride in zip(anchors, map_sizes, strides, strict=True):
        limits = ops.ceil(padded / stride)
        rows = ops.cast(ops.arange(height), "float32") < limits[:, :1]
        columns = ops.cast(ops.arange(width), "float32") < limits[:, 1:]
        cells = ops.logical_and(rows[:, :, None], columns[:, None, :])
        cells = ops.reshape(cells, (-1, height * width))
        number = ops.shape(boxes)[0] // (height * width)
        usable.append(ops.repeat(cells, number, axis=1))
    flags = ops.concatenate(usable, axis=1)
    if border is None:
        return flags
    boxes = ops.concatenate(list(anchors), axis=0)
    heights, widths = image_sizes[:, :1] + border, image_sizes[:, 1:] + border
    inside = ops.logical_and(boxes[:, 0] >= -border, boxes[:, 1] >= -border)
    for ends, limits in ((boxes[:, 2], widths), (boxes[:, 3], heights)):
        inside = ops.logical_and(inside, ends < limits)
    return ops.logical_and(flags, inside)


def proposal_losses(
    scores: Tensor,
    deltas: Tensor,
    anchors: Tensor,
    usable: Tensor,
    truths: Truths,
    rule: TwoStageRule,
    encode: Callable[[Tensor, Tensor], Tensor],
    keys: Tensor,
    extent: float = 0.0,
) -> dict[str, Part]:
    """The losses of the proposals of a batch.

    Args:
        scores: float32 logits `[B, N]`.
        deltas: float32 `[B, N, 4]`.
        anchors: float32 `[N, 4]`.
        usable: bool `[B, N]`, of `usable_anchors`.
        truths: `Truths`.
        rule: `TwoStageRule`.
        encode: takes boxes and those that they are to become, `[..., 4]` each, and
            returns deltas.
        keys: float32 `[B, N]`, of `draw_keys`.
        extent: float, see `overlap`.
    Returns:
        A dict of "rpn_class_loss" and "rpn_box_loss", each a `Part`.
    """
    ops = keras.ops
    found = match(
        anchors[None],
        truths.boxes,
        truths.present,
        rule.anchor_match,
        usable,
        truths.crowd,
        extent,
    )
    drawn = sample(found.labels, rule.anchor_samples, rule.anchor_positives, keys)
    logits = pick(scores, drawn.indices)
    costs = binary_cross_entropy(ops.cast(drawn.positive, "float32"), logits)
    # Only objects' anchors, which come first, are moved.
    most = int(rule.anchor_samples * rule.anchor_positives)
    indices, positive = drawn.indices[:, :most], drawn.positive[:, :most]
    targets = encode(
        ops.take(anchors, indices, axis=0),
        pick(truths.boxes, pick(found.indices, indices)),
    )
    # Where there is no object the target is anything.
    targets = ops.where(positive[..., None], targets, 0.0)
    errors = smooth_l1(pick(deltas, indices) - targets, rule.anchor_beta)
    positives = ops.sum(ops.cast(drawn.positive, "float32"), axis=1)
    all_drawn = ops.sum(ops.cast(drawn.valid, "float32"), axis=1)
    weight = ops.sum(
        ops.maximum(positives, 1.0) + ops.maximum(all_drawn - positives, 1.0)
    )
    return {
        "rpn_class_loss": Part(masked_sum(costs, drawn.valid), weight),
        "rpn_box_loss": Part(masked_sum(errors, positive), weight),
    }
