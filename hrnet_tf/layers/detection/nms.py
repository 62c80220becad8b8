"""Non-maximum suppression as torchvision computes it."""

from typing import NamedTuple

import numpy as np

from hrnet_tf.layers.detection.convention import Convention
from hrnet_tf.typing import Tensor


class Kept(NamedTuple):
    """What a suppression left, the best first.

    Attributes:
        boxes: float32 `[B, K, 4]`.
        scores: float32 `[B, K]`.
        classes: int32 `[B, K]`.
        valid: bool `[B, K]`, False where there are no more: what stands there means
            nothing.
    """

    boxes: Tensor
    scores: Tensor
    classes: Tensor
    valid: Tensor


def suppress(
    boxes: Tensor,
    scores: Tensor,
    overlap: float,
    num_outputs: int,
    extent: float = 0.0,
    static: bool = False,
) -> tuple[Tensor, Tensor]:
    """Keeps the best of boxes that overlap, in each set of boxes by itself.

    A box goes where its intersection over union with one that is kept is larger than
    `overlap`; of equal scores the first box counts as the better.

    Args:
        boxes: float32 `[B, N, 4]`, corners x1, y1, x2, y2.
        scores: float32 `[B, N]`; boxes of a score of -inf are left out.
        overlap: float.
        num_outputs: int, K. As many boxes are kept at most.
        extent: float, see `Convention`.
        static: bool. True takes a loop that XLA compiles as it is: TensorFlow's
            operation becomes there one that needs the overlaps of all pairs at once,
            and has equal scores in another order.
    Returns:
        int32 `[B, K]`, the indices of what is kept, the best first, and bool `[B, K]`,
        False where there are no more.
    """
    import tensorflow as tf

    # torchvision compares with the number as it is, TensorFlow with the float32 next
    # to it: overlaps of that very number go in the one and stay in the other.
    limit = np.float32(overlap)
    if float(limit) > overlap:
        limit = np.nextafter(limit, np.float32(-1))
    # A pixel more on either axis gives intersections and areas of that convention.
    boxes = boxes + tf.constant([0.0, 0.0, extent, extent], boxes.dtype)
    if static:
        return _suppress_in_steps(boxes, scores, limit, num_outputs)

    def one(inputs):
        indices, count = tf.raw_ops.NonMaxSuppressionV4(
            boxes=inputs[0],
            scores=inputs[1],
            max_output_size=num_outputs,
            iou_threshold=tf.constant(limit),
            score_threshold=-np.inf,
            pad_to_max_output_size=True,
        )
        return indices, tf.range(num_outputs) < count

    indices, valid = tf.map_fn(
        one, (boxes, scores), fn_output_signature=(tf.int32, tf.bool)
    )
    shape = (boxes.shape[0], num_outputs)
    return tf.ensure_shape(indices, shape), tf.ensure_shape(valid, shape)


def _suppress_in_steps(boxes, scores, limit, num_outputs):
    """As `suppress`; each step keeps the best box that is left in each set."""
    import tensorflow as tf

    low = tf.minimum(boxes[..., :2], boxes[..., 2:])
    high = tf.maximum(boxes[..., :2], boxes[..., 2:])
    areas = tf.reduce_prod(high - low, -1)
    numbers = tf.range(tf.shape(scores)[1])

    def keep(step, left, indices, valid):
        best = tf.argmax(left, 1, tf.int32)[:, None]
        found = tf.gather(left, best, batch_dims=1) > float("-inf")
        first, last, area = (
            tf.gather(x, best, batch_dims=1) for x in (low, high, areas)
        )
        sides = tf.maximum(tf.minimum(last, high) - tf.maximum(first, low), 0.0)
        common = tf.reduce_prod(sides, -1)
        overlaps = common / (area + areas - common)
        # No box without an area overlaps another.
        goes = (overlaps > limit) & (area > 0) & (areas > 0)
        left = tf.where(goes | (numbers == best), float("-inf"), left)
        is_own = tf.range(num_outputs) == step
        return (
            step + 1,
            left,
            tf.where(is_own & found, best, indices),
            valid | (is_own & found),
        )

    nothing = tf.zeros([tf.shape(scores)[0], num_outputs], tf.int32)
    _, _, indices, valid = tf.while_loop(
        lambda step, left, *_: (
            (step < num_outputs) & tf.reduce_any(left > float("-inf"))
        ),
        keep,
        (0, scores, nothing, nothing > 0),
    )
    return indices, valid


def suppress_flat(
    boxes: Tensor,
    scores: Tensor,
    classes: Tensor,
    num_classes: int,
    overlap: float,
    num_outputs: int,
    convention: Convention,
    static: bool = False,
) -> Kept:
    """As `suppress`, but boxes of different classes (or levels) leave each other.

    Args:
        boxes, scores, overlap, num_outputs, static: see `suppress`.
        classes: int32 `[B, N]`.
        num_classes: int.
        convention: `Convention`.
    Returns:
        `Kept`.
    """
    import tensorflow as tf

    if convention.class_offsets:
        return _by_offsets(boxes, scores, classes, overlap, num_outputs, static)
    own = classes[:, None] == tf.range(num_classes)[:, None]
    of_class = tf.where(own, scores[:, None], float("-inf"))
    repeated = tf.repeat(boxes[:, None], num_classes, axis=1)
    return _class_by_class(
        repeated, of_class, overlap, num_outputs, convention.extent, static
    )


def suppress_classes(
    boxes: Tensor,
    scores: Tensor,
    overlap: float,
    num_outputs: int,
    convention: Convention,
    static: bool = False,
) -> Kept:
    """As `suppress_flat`, of boxes that may be of any class.

    Args:
        boxes: float32 `[B, R, C, 4]`, or `[B, R, 1, 4]` where they are the same for all
            classes.
        scores: float32 `[B, R, C]`; -inf leaves out.
        overlap, num_outputs, convention, static: see `suppress_flat`.
    Returns:
        `Kept`.
    """
    import tensorflow as tf

    num_classes = scores.shape[-1]
    boxes = tf.broadcast_to(boxes, tf.concat([tf.shape(scores), [4]], 0))
    if not convention.class_offsets:
        boxes, scores = (
            tf.transpose(boxes, (0, 2, 1, 3)),
            tf.transpose(scores, (0, 2, 1)),
        )
        return _class_by_class(
            boxes, scores, overlap, num_outputs, convention.extent, static
        )
    batch, count = tf.shape(scores)[0], tf.shape(scores)[1]
    classes = tf.tile(tf.range(num_classes)[None], [batch, count])
    return _by_offsets(
        tf.reshape(boxes, [batch, -1, 4]),
        tf.reshape(scores, [batch, -1]),
        classes,
        overlap,
        num_outputs,
        static,
    )


def _by_offsets(boxes, scores, classes, overlap, num_outputs, static):
    """`Kept` of boxes that are moved apart by their classes, as mmdetection does it."""
    import tensorflow as tf

    # The rounding depends on the largest coordinate: boxes that are left out do not
    # count there.
    counted = tf.where(tf.math.is_finite(scores)[..., None], boxes, 0.0)
    step = tf.reduce_max(counted, axis=(1, 2)) + 1.0
    offsets = tf.cast(classes, boxes.dtype) * step[:, None]
    moved = boxes + offsets[..., None]
    indices, valid = suppress(moved, scores, overlap, num_outputs, static=static)
    return Kept(
        *(tf.gather(x, indices, batch_dims=1) for x in (boxes, scores, classes)), valid
    )


def _class_by_class(boxes, scores, overlap, num_outputs, extent, static):
    """`Kept` of boxes `[B, C, N, 4]` with scores `[B, C, N]`, in no order of equals."""
    import tensorflow as tf

    batch, num_classes = tf.shape(scores)[0], scores.shape[1]
    flat = tf.reshape(boxes, tf.concat([[-1], tf.shape(boxes)[2:]], 0))
    flat_scores = tf.reshape(scores, [-1, tf.shape(scores)[2]])
    indices, valid = suppress(flat, flat_scores, overlap, num_outputs, extent, static)
    left = tf.gather(flat_scores, indices, batch_dims=1)
    left = tf.reshape(
        tf.where(valid, left, float("-inf")), [batch, num_classes * num_outputs]
    )
    best, places = tf.math.top_k(left, num_outputs)
    kept = tf.reshape(
        tf.gather(flat, indices, batch_dims=1), [batch, num_classes * num_outputs, 4]
    )
    return Kept(
        tf.gather(kept, places, batch_dims=1),
        best,
        places // num_outputs,
        tf.math.is_finite(best),
    )
