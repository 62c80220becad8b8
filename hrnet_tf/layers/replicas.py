"""Sums over the replicas of a `tf.distribute` strategy, from inside a replica."""

from typing import Any

import keras

from hrnet_tf.typing import Tensor


def context() -> Any:
    """Returns the `tf.distribute` replica context if there are several, or None."""
    if keras.backend.backend() != "tensorflow":
        # JAX sees the whole batch.
        return None
    import tensorflow as tf

    found = tf.distribute.get_replica_context()
    return found if found is not None and found.num_replicas_in_sync > 1 else None


def total(value: Tensor) -> Any:
    """Adds up a tensor over the replicas; gradients flow.

    Args:
        value: tensor of the same shape on each replica, or list of tensors and None.
    Returns:
        The sum, the same on each replica, and None where there was None; `value` itself
        where there is one replica.
    """
    replicas = context()
    if replicas is None:
        return value
    import tensorflow as tf

    if not isinstance(value, list):
        return replicas.all_reduce(tf.distribute.ReduceOp.SUM, value)
    present = [x for x in value if x is not None]
    sums = iter(replicas.all_reduce(tf.distribute.ReduceOp.SUM, present))
    return [None if x is None else next(sums) for x in value]


def weighted_mean(weighted_sum: Tensor, weight: Tensor, count: Tensor) -> Tensor:
    """A weighted mean over the batch of all replicas, as a Keras loss states it.

    Keras adds up the replicas' scalar losses as they are, and our models multiply each
    by the replica's examples over the mean number of them. So that this gives
    `sum(weighted_sum) / sum(weight)` over all replicas, each states its share of it
    with that factor taken out.

    Args:
        weighted_sum, weight: float scalars of this replica: the sum of what is averaged
            and what it is to be divided by.
        count: int scalar, the number of this replica's examples.
    Returns:
        A float scalar.
    """
    ops = keras.ops
    replicas = context()
    if replicas is None:
        return weighted_sum / ops.maximum(weight, 1e-12)
    count = ops.cast(count, weighted_sum.dtype)
    weight, all_counts = total([weight, count])
    factor = ops.maximum(count, 1.0) * replicas.num_replicas_in_sync / all_counts
    return weighted_sum / (factor * ops.maximum(weight, 1e-12))


def weighted_means(
    sums: Tensor, weights: Tensor, floors: Tensor, count: Tensor
) -> tuple[Any, Any, Any]:
    """As `weighted_mean`, of several values with one exchange.

    Args:
        sums, weights: float32 `[P]`, what is averaged and what it is divided by.
        floors: float32 `[P]`, the least to divide by.
        count: int scalar, the number of this replica's examples.
    Returns:
        This replica's shares of the means, float32 `[P]`; the means themselves, through
        which no gradients flow; and the mean number of the replicas' examples.
    """
    ops = keras.ops
    replicas = context()
    count = ops.cast(count, sums.dtype)
    if replicas is None:
        means = sums / ops.maximum(weights, floors)
        return means, ops.stop_gradient(means), count
    held = ops.stop_gradient(sums)
    sums_of_all, weights, counts = total([held, ops.stop_gradient(weights), count])
    weights = ops.maximum(weights, floors)
    factor = ops.maximum(count, 1.0) * replicas.num_replicas_in_sync / counts
    return (
        sums / (factor * weights),
        sums_of_all / weights,
        counts / replicas.num_replicas_in_sync,
    )
