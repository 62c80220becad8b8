"""The losses of the heads that say what is in a region, where exactly, and its mask."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras

from hrnet_tf.losses.detection.labels import (
    Part,
    Truths,
    binary_cross_entropy,
    count,
    masked_sum,
    pick,
    smooth_l1,
)
from hrnet_tf.losses.detection.matching import MatchRule, match
from hrnet_tf.losses.detection.sampling import sample
from hrnet_tf.typing import Tensor

# Of shares of a cell, whose samples lie a few 1e-5 cells of the mask off at most.
_ROUNDING = 1e-4


class Regions(NamedTuple):
    """Regions that a stage of heads learns from, those of objects first.

    Attributes:
        boxes: float32 `[B, S, 4]`, zeros where there is none.
        classes: int32 `[B, S]`, the number of classes for background.
        positive: bool `[B, P]`, True for objects' regions, of the first P, which are
            all that can be objects'.
        valid: bool `[B, S]`, False for places that stay empty.
        indices: int32 `[B, P]`, places of the objects.
        is_truth: bool `[B, S]`, True for an object's own box.
    """

    boxes: Any
    classes: Any
    positive: Any
    valid: Any
    indices: Any
    is_truth: Any


def draw_regions(
    proposals: Tensor,
    valid: Tensor,
    truths: Truths,
    rule: MatchRule,
    size: int,
    fraction: float,
    num_classes: int,
    draw: Callable[[Any], Tensor],
    extent: float = 0.0,
) -> Regions:
    """Draws regions to learn from, among the proposals and the objects' own boxes.

    Args:
        proposals: float32 `[B, K, 4]`.
        valid: bool `[B, K]`, False for padding.
        truths: `Truths`.
        rule: `MatchRule`.
        size: int, regions of an image.
        fraction: float, the largest share of objects' regions.
        num_classes: int.
        draw: takes a number of boxes and returns keys of `draw_keys`.
        extent: float, see `overlap`.
    Returns:
        `Regions`, through which no gradients flow.
    """
    ops = keras.ops
    proposals = ops.stop_gradient(proposals)
    found = match(
        proposals, truths.boxes, truths.present, rule, valid, truths.crowd, extent
    )
    # An object's box is its own, whatever else it overlaps.
    own = ops.where(truths.present, 1, -1)
    numbers = ops.cumsum(ops.ones_like(own), axis=1) - 1
    candidates = ops.concatenate([truths.boxes, proposals], axis=1)
    labels = ops.concatenate([own, found.labels], axis=1)
    matched = ops.concatenate([numbers, found.indices], axis=1)
    is_truth = ops.concatenate([truths.present, ops.zeros_like(valid)], axis=1)
    drawn = sample(labels, size, fraction, draw(ops.shape(labels)[1]))
    objects = pick(matched, drawn.indices)
    classes = ops.where(drawn.positive, pick(truths.classes, objects), num_classes)
    most = int(size * fraction)
    return Regions(
        boxes=ops.where(drawn.valid[..., None], pick(candidates, drawn.indices), 0.0),
        classes=classes,
        positive=drawn.positive[:, :most],
        valid=drawn.valid,
        indices=objects[:, :most],
        is_truth=ops.logical_and(drawn.valid, pick(is_truth, drawn.indices)),
    )


def region_losses(
    logits: Tensor,
    deltas: Tensor,
    regions: Regions,
    truths: Truths,
    beta: float,
    encode: Callable[[Tensor, Tensor], Tensor],
) -> dict[str, Part]:
    """The losses of the classes and boxes of regions.

    Args:
        logits: float32 `[B, S, C + 1]`, background last.
        deltas: float32 `[B, S, C, 4]`, or `[B, S, 1, 4]` for boxes that do not depend
            on the class.
        regions: `Regions`.
        truths: `Truths`.
        beta: float, see `smooth_l1`.
        encode: see `proposal_losses`.
    Returns:
        A dict of "class_loss" and "box_loss", each a `Part`.
    """
    import tensorflow as tf

    ops = keras.ops
    costs = tf.nn.sparse_softmax_cross_entropy_with_logits(regions.classes, logits)
    most = regions.positive.shape[1]
    positive = regions.positive
    targets = encode(regions.boxes[:, :most], pick(truths.boxes, regions.indices))
    targets = ops.where(positive[..., None], targets, 0.0)
    found = deltas[:, :most, 0]
    if deltas.shape[2] != 1:
        channels = ops.where(positive, regions.classes[:, :most], 0)
        found = tf.gather(deltas[:, :most], channels, axis=2, batch_dims=2)
    errors = smooth_l1(found - targets, beta)
    weight = count(regions.valid)
    return {
        "class_loss": Part(masked_sum(costs, regions.valid), weight),
        "box_loss": Part(masked_sum(errors, positive), weight),
    }


def mask_loss(
    logits: Tensor, regions: Regions, truths: Truths, static: bool = False
) -> Part:
    """The loss of the masks of objects' regions.

    Args:
        logits: float32 `[B, P, s, s, C]`, of the first P regions.
        regions: `Regions`.
        truths: `Truths` with masks.
        static: bool, see `mask_targets`.
    Returns:
        A `Part`.
    """
    import tensorflow as tf

    ops = keras.ops
    most, side = regions.positive.shape[1], logits.shape[2]
    positive = regions.positive
    channels = ops.where(positive, regions.classes[:, :most], 0)
    found = tf.gather(
        ops.transpose(logits, (0, 1, 4, 2, 3)), channels, axis=2, batch_dims=2
    )
    boxes = regions.boxes[:, :most]
    targets = mask_targets(boxes, regions.indices, truths, side, static)
    costs = ops.mean(binary_cross_entropy(targets, found), axis=(2, 3))
    return Part(masked_sum(costs, positive), count(positive))


def mask_targets(
    boxes: Tensor, indices: Tensor, truths: Truths, side: int, static: bool = False
) -> Tensor:
    """Cuts regions out of objects' masks.

    Args:
        boxes: float32 `[B, P, 4]`, regions.
        indices: int32 `[B, P]`, places of their objects.
        truths: `Truths` with masks.
        side: int, of the result.
        static: bool. True leaves out what XLA cannot compile; the same targets.
    Returns:
        float32 `[B, P, side, side]`, 1 where at least half of a cell is the object's.
    """
    import tensorflow as tf

    ops = keras.ops
    size = truths.masks.shape[2]
    # Around its box there is nothing of an object.
    masks = ops.pad(ops.cast(truths.masks, "float32"), [(0, 0), (0, 0), (1, 1), (1, 1)])
    owners = pick(truths.boxes, indices)
    spans = ops.maximum(owners[..., 2:] - owners[..., :2], 1e-3)
    # Regions in cells of the masks, then the centres of the first and the last of the
    # samples, two in each direction for a cell, by the padded mask's.
    start = (boxes[..., :2] - owners[..., :2]) / spans * size
    extent = (boxes[..., 2:] - boxes[..., :2]) / spans * size
    half = extent / (4 * side)
    first = (start + half + 0.5) / (size + 1)
    last = (start + extent - half + 0.5) / (size + 1)
    if static:
        cells = _samples(pick(masks, indices), first, last, 2 * side)
    else:
        corners = ops.concatenate([first[..., ::-1], last[..., ::-1]], axis=-1)
        shape = ops.shape(masks)
        rows = indices + ops.arange(shape[0], dtype="int32")[:, None] * shape[1]
        cells = tf.image.crop_and_resize(
            ops.reshape(masks, (-1, size + 2, size + 2, 1)),
            ops.reshape(corners, (-1, 4)),
            ops.reshape(rows, (-1,)),
            (2 * side, 2 * side),
        )
    shares = ops.average_pool(cells, 2, 2)
    shares = ops.reshape(shares, (-1, indices.shape[1], side, side))
    # In regions on the mask's own grid many are half, and by rounding less.
    return ops.cast(shares >= 0.5 - _ROUNDING, "float32")


def _samples(masks, first, last, number):
    """What `tf.image.crop_and_resize` gives of masks `[B, P, h, w]`, by products.

    float32 `[B * P, number, number, 1]`, of samples between the first and the last, x
    and y `[B, P, 2]` in shares of the way through the mask.
    """
    ops = keras.ops
    products = []
    for axis, length in ((1, masks.shape[2]), (0, masks.shape[3])):
        steps = ops.arange(number, dtype="float32") / (number - 1)
        start, way = first[..., axis, None], (last - first)[..., axis, None]
        places = (start + way * steps) * (length - 1)
        inside = ops.logical_and(places >= 0, places <= length - 1)[..., None]
        near = ops.abs(places[..., None] - ops.arange(length, dtype="float32"))
        products.append(ops.where(inside, ops.maximum(1.0 - near, 0.0), 0.0))
    cells = ops.einsum("bpih,bphw,bpjw->bpij", products[0], masks, products[1])
    return ops.reshape(cells, (-1, number, number, 1))
