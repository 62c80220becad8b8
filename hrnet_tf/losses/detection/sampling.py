"""Random choices of boxes that do not depend on how a batch is divided.

The TensorFlow Model Garden's samplers draw from a generator that every call moves on: a
run that goes on after a stop, or on other devices, would draw differently.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from hrnet_tf.typing import Tensor


class Sample(NamedTuple):
    """Boxes that were drawn, those of objects first.

    Attributes:
        indices: int32 `[B, size]`, places of the boxes; 0 where there is none.
        positive: bool `[B, size]`, True for an object's.
        valid: bool `[B, size]`, False for places that stay empty.
    """

    indices: Any
    positive: Any
    valid: Any


def image_seeds(boxes: Tensor, base: Sequence[Any]) -> Tensor:
    """Makes a seed for each image from what is known of it.

    The same image in the same step has the same seed on any device and at any place in
    a batch. Images without objects share one.

    Args:
        boxes: float32 `[B, M, 4]`, the objects' boxes, padded with zeros.
        base: two int scalars, such as a seed and the step.
    Returns:
        int32 `[B, 2]`.
    """
    import tensorflow as tf

    bits = tf.bitcast(tf.cast(boxes, tf.float32), tf.int32)
    # Sums of integers do not depend on their order, and may wrap around.
    columns = tf.constant([1, 31, 1021, 32749])
    image = tf.reduce_sum(bits * columns, axis=(1, 2))
    first, second = (tf.cast(x, tf.int32) for x in base)
    return tf.stack([tf.zeros_like(image) + first, image + second * 7919], axis=1)


def draw_keys(seeds: Tensor, count: Any) -> Tensor:
    """Draws a number for each box of each image.

    Args:
        seeds: int32 `[B, 2]`, of `image_seeds`.
        count: int, boxes of an image.
    Returns:
        float32 `[B, count]` in [0, 1).
    """
    import tensorflow as tf

    def draw(seed):
        # XLA would choose another generator by itself. Of the same bits it makes other
        # floats than TensorFlow, which takes the lowest 23 for the fraction.
        bits = tf.random.stateless_uniform(
            [count], seed, None, None, tf.uint32, alg="philox"
        )
        return tf.bitcast((bits & 0x7FFFFF) | 0x3F800000, tf.float32) - 1.0

    return tf.map_fn(
        draw,
        seeds,
        fn_output_signature=tf.TensorSpec(
            [count if isinstance(count, int) else None], tf.float32
        ),
    )


def sample(labels: Tensor, size: int, fraction: float, keys: Tensor) -> Sample:
    """Draws boxes: objects' up to a share of the places, background for the rest.

    Args:
        labels: int32 `[B, N]`: 1 an object's, 0 background, -1 not to be drawn.
        size: int, places for boxes of an image.
        fraction: float, the share of them that objects' boxes may take.
        keys: float32 `[B, N]` in [0, 1), of `draw_keys`: the largest are taken.
    Returns:
        `Sample`.
    """
    import tensorflow as tf

    most = int(size * fraction)
    positives, are_positive = _best(tf.where(labels == 1, keys, -1.0), most)
    negatives, are_negative = _best(tf.where(labels == 0, keys, -1.0), size)
    indices = tf.concat([positives, negatives], axis=1)
    valid = tf.concat([are_positive, are_negative], axis=1)
    positive = tf.concat([are_positive, tf.zeros_like(are_negative)], axis=1)
    # Closes the gaps that missing positives leave; equal values keep their order.
    order = tf.math.top_k(tf.cast(valid, tf.int32), size).indices
    return Sample(
        *(tf.gather(x, order, axis=1, batch_dims=1) for x in (indices, positive, valid))
    )


def _best(keys, count):
    """The places of the largest keys that are not negative, and where there are any."""
    import tensorflow as tf

    # There may be fewer boxes than places.
    keys = tf.pad(keys, [(0, 0), (0, count)], constant_values=-1.0)
    values, indices = tf.math.top_k(keys, count)
    found = values >= 0
    return tf.where(found, indices, 0), found
