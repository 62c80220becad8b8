"""The order of training data, which depends on (seed, epoch) alone."""

import tensorflow as tf

from hrnet_tf.typing import Tensor


def permutation(count: int, seed: int, epoch: Tensor) -> tf.data.Dataset:
    """Returns the positions 0..count-1 in the order of an epoch.

    Args:
        count: int.
        seed: int.
        epoch: scalar int64 tensor.
    Returns:
        A `tf.data.Dataset` of scalar int64 tensors.
    """
    key = tf.stack([tf.constant(seed, tf.int64), epoch])
    return tf.data.Dataset.range(count).map(
        lambda i: tf.random.experimental.index_shuffle(i, key, count - 1)
    )


def num_seen(
    epoch: Tensor, batch_size: int, first_epoch: int, first_step: int
) -> Tensor:
    """Returns how many examples of an epoch an earlier process has trained on.

    Args:
        epoch: scalar int64 tensor.
        batch_size: int.
        first_epoch, first_step: int. The epoch with which this process begins, and the
            steps of it that were done before.
    Returns:
        A scalar int64 tensor.
    """
    seen = tf.constant(first_step * batch_size, tf.int64)
    return tf.where(tf.equal(epoch, first_epoch), seen, 0)


def shuffle(
    dataset: tf.data.Dataset, buffer_size: int, seed: int, epoch: Tensor
) -> tf.data.Dataset:
    """Shuffles a data set through a buffer, for data that have no positions.

    Args:
        dataset: `tf.data.Dataset`, itself in an order of (seed, epoch).
        buffer_size: int. Elements held.
        seed: int.
        epoch: scalar int64 tensor, of a graph: call it in `Dataset.flat_map`.
    Returns:
        A `tf.data.Dataset`.
    """
    # Otherwise the order would depend on the global seed too, and a global seed of 0
    # is compared with ours, which a graph cannot do.
    tf.compat.v1.get_default_graph().seed = 1
    return dataset.shuffle(
        buffer_size, seed=seed * 10_007 + epoch, reshuffle_each_iteration=False
    )
