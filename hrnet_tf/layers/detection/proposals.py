"""From the outputs of a region proposal network to boxes worth a second look."""

from collections.abc import Sequence

import keras

from hrnet_tf.layers.detection.anchors import make_anchors
from hrnet_tf.layers.detection.box_coding import decode_boxes, has_area
from hrnet_tf.layers.detection.convention import Convention
from hrnet_tf.layers.detection.nms import suppress_flat
from hrnet_tf.typing import Tensor

OVERLAP = 0.7


def make_proposals(
    scores: Sequence[Tensor],
    deltas: Sequence[Tensor],
    strides: Sequence[int],
    image_sizes: Tensor,
    convention: Convention,
    num_candidates: int,
    num_outputs: int,
    static: bool = False,
) -> tuple[Tensor, Tensor]:
    """Returns the boxes with the best scores, without those that overlap better ones.

    Args:
        scores: list of float32 `[B, h, w, A]`, logits of the levels.
        deltas: list of float32 `[B, h, w, 4 * A]`.
        strides: list of int, of the levels.
        image_sizes: float32 `[B, 2]`, heights and widths, which boxes are clipped to.
        convention: `Convention`.
        num_candidates: int. Anchors of each level that are looked at.
        num_outputs: int, K. Boxes of each image at most.
        static: bool, see `suppress`.
    Returns:
        float32 `[B, K, 4]`, corners x1, y1, x2, y2, zero where there are no more, and
        float32 `[B, K]`, their scores 0..1, the best first, -inf where there are no
        more.
    """
    import tensorflow as tf

    found_boxes, found_scores, levels = [], [], []
    for level, (logits, shifts, stride) in enumerate(
        zip(scores, deltas, strides, strict=True)
    ):
        boxes, best = _candidates(
            logits, shifts, stride, image_sizes, convention, num_candidates
        )
        found_boxes.append(boxes)
        found_scores.append(best)
        levels.append(tf.fill(tf.shape(best), level))
    kept = suppress_flat(
        tf.concat(found_boxes, 1),
        tf.concat(found_scores, 1),
        tf.concat(levels, 1),
        len(strides),
        OVERLAP,
        num_outputs,
        convention,
        static,
    )
    return (
        tf.where(kept.valid[..., None], kept.boxes, 0.0),
        tf.where(kept.valid, kept.scores, float("-inf")),
    )


def _candidates(logits, deltas, stride, image_sizes, convention, count):
    """The best boxes `[B, n, 4]` of a level, and their scores; -inf without an area."""
    import tensorflow as tf

    batch, *size, _ = keras.ops.shape(logits)
    anchors = make_anchors((size[0], size[1]), stride, convention)
    anchors = tf.reshape(anchors, [-1, 4])
    # Large logits differ where their sigmoids do not: the order is that of the latter.
    scores = tf.sigmoid(tf.reshape(logits, [batch, -1]))
    deltas = tf.reshape(deltas, [batch, -1, 4])
    known = scores.shape[1]
    if known is None or known > count:
        count = tf.minimum(count, tf.shape(scores)[1]) if known is None else count
        scores, places = tf.math.top_k(scores, count)
        deltas = tf.gather(deltas, places, batch_dims=1)
        anchors = tf.gather(anchors, places)
    boxes = decode_boxes(anchors, deltas, convention, image_sizes=image_sizes[:, None])
    if not convention.extent:
        scores = tf.where(has_area(boxes, convention), scores, float("-inf"))
    return boxes, scores
