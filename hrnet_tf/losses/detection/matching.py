"""Which boxes are objects, which are background, and which are neither.

KerasHub's and the TensorFlow Model Garden's matchers force one box for each object,
however small its overlap and for the rows that pad a batch too, and hold the overlaps
of all pairs at once; the published detectors force all of an object's best, above a
limit.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import keras

from hrnet_tf.losses.detection.overlap import overlap
from hrnet_tf.typing import Tensor


@dataclasses.dataclass(frozen=True)
class MatchRule:
    """From which overlap on a box is an object's.

    Attributes:
        positive: float. A box belongs to the object that it overlaps most, if the
            intersection over union is at least this.
        negative: float. Below this with all objects it is background; in between it is
            ignored.
        forced: float or None. The boxes that overlap an object most, which may be
            several, belong to it if that is at least this, whatever else they overlap
            (of several objects to the last). None forces none.
        crowd_share: float or None. Boxes with a larger share of their area in a region
            of many objects are ignored; None, as published, takes them as any other.
    Raises:
        ValueError: if a number contradicts another.
    """

    positive: float
    negative: float
    forced: float | None = None
    crowd_share: float | None = None

    def __post_init__(self) -> None:
        if self.negative > self.positive:
            raise ValueError(
                f"negative={self.negative} is above positive={self.positive}: a box"
                " would be both. Pass the smaller one as `negative`."
            )
        if self.forced is not None and self.forced <= 0:
            raise ValueError(
                "forced must be above 0, or boxes far from an object would be its."
                f" Received: forced={self.forced}. None forces none."
            )


class Matches(NamedTuple):
    """What boxes are matched with.

    Attributes:
        labels: int32 `[B, N]`: 1 an object's, 0 background, -1 ignored.
        indices: int32 `[B, N]`, the object's place; of use where `labels` is 1.
        overlaps: float32 `[B, N]`, the largest intersection over union.
    """

    labels: Any
    indices: Any
    overlaps: Any


def match(
    boxes: Tensor,
    truths: Tensor,
    present: Tensor,
    rule: MatchRule,
    valid: Tensor | None = None,
    crowd: Tensor | None = None,
    extent: float = 0.0,
) -> Matches:
    """Matches boxes with the objects of their images; no gradients flow.

    It goes from object to object, as many as the fullest image has, and so needs the
    memory of a few numbers a box.

    Args:
        boxes: float32 `[B, N, 4]`, or `[1, N, 4]` for the same in all images.
        truths: float32 `[B, M, 4]`, the objects' boxes, in any order.
        present: bool `[B, M]`, False for padding and crowds.
        rule: `MatchRule`.
        valid: bool `[B, N]` or `[1, N]`, or None. Boxes where it is False are ignored,
            and no object's best.
        crowd: bool `[B, M]` or None. The rows of `truths` that are crowds.
        extent: float, see `overlap`.
    Returns:
        `Matches`.
    Reference:
        mmdetection, MaxIoUAssigner.
    """
    ops = keras.ops
    boxes, truths = ops.stop_gradient(boxes), ops.stop_gradient(truths)
    present = ops.cast(present, "bool")
    # Of shape [B, N], known or not.
    zeros = ops.zeros_like(boxes[..., 0] * ops.sum(truths, axis=(1, 2))[:, None])
    usable = zeros == 0
    if valid is not None:
        usable = ops.logical_and(usable, valid)
    if crowd is not None and rule.crowd_share is not None:
        within = _largest_share(boxes, truths, crowd, zeros, extent)
        usable = ops.logical_and(usable, within <= rule.crowd_share)

    def look(i, best, indices, forced):
        truth = ops.take(truths, i, axis=1)[:, None]
        counts = ops.logical_and(ops.take(present, i, axis=1)[:, None], usable)
        shares = ops.where(counts, overlap(boxes, truth, extent), -1.0)
        indices = ops.where(shares > best, i, indices)
        if rule.forced is not None:
            most = ops.max(shares, axis=1, keepdims=True)
            is_best = ops.logical_and(shares == most, most >= rule.forced)
            forced = ops.where(is_best, i, forced)
        return ops.maximum(best, shares), indices, forced

    none = ops.cast(zeros, "int32")
    best, indices, forced = each_row(look, present, (zeros, none, none - 1))
    labels = ops.where(best >= rule.positive, 1, ops.where(best < rule.negative, 0, -1))
    labels = ops.where(forced >= 0, 1, labels)
    indices = ops.where(forced >= 0, forced, indices)
    return Matches(ops.where(usable, labels, -1), indices, best)


def _largest_share(boxes, truths, crowd, zeros, extent):
    """The largest share of each box in a crowd, `[B, N]`."""
    ops = keras.ops

    def look(i, most):
        region = ops.take(truths, i, axis=1)[:, None]
        shares = overlap(boxes, region, extent, of="first")
        return (
            ops.maximum(
                most, ops.where(ops.take(crowd, i, axis=1)[:, None], shares, 0)
            ),
        )

    return each_row(look, crowd, (zeros,))[0]


def each_row(
    look: Callable[..., tuple[Any, ...]], present: Tensor, state: tuple[Any, ...]
) -> tuple[Any, ...]:
    """Goes through the rows that any image of the batch has.

    Args:
        look: called with the number of a row and the state; returns the new state.
        present: bool `[B, M]`, True where an image has the row.
        state: tuple of tensors.
    Returns:
        The last state.
    """
    ops = keras.ops
    rows = ops.arange(1, ops.shape(present)[1] + 1, dtype="int32")
    number = ops.max(ops.where(present, rows, 0), initial=0)
    return ops.while_loop(
        lambda i, *_: i < number,
        lambda i, *state: (i + 1, *look(i, *state)),
        (ops.convert_to_tensor(0, "int32"), *state),
    )[1:]
