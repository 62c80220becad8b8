"""What is learnt at the points of a detector without anchors (FCOS), and its losses."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras

from hrnet_tf.losses.detection.labels import (
    Part,
    Truths,
    binary_cross_entropy,
    count,
    masked_sum,
)
from hrnet_tf.losses.detection.matching import each_row
from hrnet_tf.losses.detection.rules import PointRule
from hrnet_tf.typing import Tensor


class PointTargets(NamedTuple):
    """What points are to predict.

    Attributes:
        classes: int32 `[B, N]`, -1 for background.
        distances: float32 `[B, N, 4]`, from the point to the left, upper, right and
            lower side of its object.
        centerness: float32 `[B, N]`, 1 at the object's centre, 0 at its border.
    """

    classes: Any
    distances: Any
    centerness: Any


def point_ranges(strides: Sequence[int], reach: float) -> list[tuple[float, float]]:
    """Returns from and up to which distance the points of each level learn a side.

    Args:
        strides: int, of each level, finest first.
        reach: float, see `PointRule`.
    """
    limits = [float(stride * reach) for stride in strides[:-1]]
    return list(zip([-1.0, *limits], [*limits, 1e8], strict=True))


def point_targets(
    points: Tensor,
    ranges: Tensor,
    strides: Tensor,
    truths: Truths,
    rule: PointRule,
    extent: float = 0.0,
) -> PointTargets:
    """Finds the object of each point: of those around it the smallest.

    Args:
        points: float32 `[N, 2]`, x and y.
        ranges: float32 `[N, 2]`, of each point's level.
        strides: float32 `[N]`, of each point's level.
        truths: `Truths`.
        rule: `PointRule`.
        extent: float, see `overlap`.
    Returns:
        `PointTargets`, through which no gradients flow.
    Reference:
        mmdetection, FCOSHead.
    """
    ops = keras.ops
    boxes = ops.stop_gradient(truths.boxes)
    # Of shape [B, N], known or not.
    zeros = ops.zeros_like(points[:, 0] * ops.sum(boxes, axis=(1, 2))[:, None])

    def look(i, least, classes, distances):
        box = ops.take(boxes, i, axis=1)[:, None]
        start, end = points - box[..., :2], box[..., 2:] - points
        sides = ops.concatenate([start, end], axis=-1)
        inside = ops.min(sides, axis=-1) > 0
        if rule.center_radius is not None:
            away = ops.abs(points - 0.5 * (box[..., :2] + box[..., 2:]))
            near = ops.max(away, axis=-1) < strides * rule.center_radius
            inside = ops.logical_and(inside, near)
        farthest = ops.max(sides, axis=-1)
        for fits in (farthest >= ranges[:, 0], farthest <= ranges[:, 1]):
            inside = ops.logical_and(inside, fits)
        inside = ops.logical_and(inside, ops.take(truths.present, i, axis=1)[:, None])
        area = ops.prod(box[..., 2:] - box[..., :2] + extent, axis=-1)
        smaller = ops.logical_and(inside, area < least)
        return (
            ops.where(smaller, area, least),
            ops.where(smaller, ops.take(truths.classes, i, axis=1)[:, None], classes),
            ops.where(smaller[..., None], sides, distances),
        )

    nothing = ops.zeros_like(zeros[..., None] + points[0, 0] * ops.zeros((4,)))
    _, classes, distances = each_row(
        look, truths.present, (zeros + 1e8, ops.cast(zeros, "int32") - 1, nothing)
    )
    horizontal, vertical = distances[..., 0::2], distances[..., 1::2]
    closeness = [
        ops.min(x, axis=-1) / ops.maximum(ops.max(x, axis=-1), 1e-6)
        for x in (horizontal, vertical)
    ]
    return PointTargets(classes, distances, ops.sqrt(closeness[0] * closeness[1]))


def point_losses(
    logits: Tensor,
    distances: Tensor,
    centerness: Tensor,
    targets: PointTargets,
    rule: PointRule,
) -> dict[str, Part]:
    """The losses of a detector without anchors.

    Args:
        logits: float32 `[B, N, C]`.
        distances: float32 `[B, N, 4]`, left, up, right and down, in pixels.
        centerness: float32 logits `[B, N]`.
        targets: `PointTargets`.
        rule: `PointRule`.
    Returns:
        A dict of "class_loss", "box_loss" and "centerness_loss", each a `Part`.
    """
    ops = keras.ops
    positive = targets.classes >= 0
    number = count(positive)
    # Places without an object get a box that costs nothing and has finite gradients.
    distances = ops.where(positive[..., None], distances, 1.0)
    wanted = ops.where(positive[..., None], targets.distances, 1.0)
    costs = box_costs(distances, wanted, rule.box_loss) * targets.centerness
    nearness = binary_cross_entropy(targets.centerness, centerness)
    images = ops.cast(ops.shape(logits)[0], "float32")
    return {
        "class_loss": Part(
            focal_sum(logits, targets.classes, rule.alpha, rule.gamma),
            number + images if rule.count_images else number,
        ),
        "box_loss": Part(
            masked_sum(costs, positive),
            masked_sum(targets.centerness, positive),
            1e-6,
        ),
        "centerness_loss": Part(masked_sum(nearness, positive), number),
    }


def focal_sum(logits: Tensor, classes: Tensor, alpha: float, gamma: float) -> Tensor:
    """The focal loss of all classes at all points, added up.

    Args:
        logits: float32 `[B, N, C]`.
        classes: int32 `[B, N]`, -1 for background.
        alpha, gamma: float, see `PointRule`.
    Returns:
        A float scalar.
    Reference:
        arXiv 1708.02002. Keras' clips probabilities, so that large errors lose their
        gradients.
    """
    ops = keras.ops
    labels = ops.arange(logits.shape[-1], dtype="int32") == classes[..., None]
    # A logit for what is wrong.
    wrong = ops.where(labels, -logits, logits)
    weights = ops.where(labels, alpha, 1.0 - alpha)
    return ops.sum(weights * ops.sigmoid(wrong) ** gamma * ops.softplus(wrong))


def box_costs(distances: Tensor, targets: Tensor, kind: str) -> Tensor:
    """What boxes cost that are given by the distances of their sides from a point.

    Args:
        distances, targets: float32 `[..., 4]`, positive.
        kind: str, see `PointRule.box_loss`.
    Returns:
        float32 `[...]`.
    """
    ops = keras.ops

    def area(sides):
        spans = sides[..., :2] + sides[..., 2:]
        return spans[..., 0] * spans[..., 1]

    common = area(ops.minimum(distances, targets))
    union = area(distances) + area(targets) - common
    if kind == "smoothed_iou":
        return -ops.log((common + 1.0) / (union + 1.0))
    shares = common / ops.maximum(union, 1e-6)
    if kind == "iou":
        return -ops.log(ops.maximum(shares, 1e-6))
    hull = area(ops.maximum(distances, targets))
    return 1.0 - shares + (hull - union) / ops.maximum(hull, 1e-6)
