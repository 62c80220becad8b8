"""Shuffling the channels of two halves."""

import keras

from hrnet_tf.typing import Tensor


def halves(x: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the first and the second half of the channels of `[B, H, W, 2 * C]`."""
    half = x.shape[-1] // 2
    return x[..., :half], x[..., half:]


def interleave(first: Tensor, second: Tensor) -> Tensor:
    """Joins two maps, whose channels take turns: a channel shuffle of two groups.

    Args:
        first, second: tensors `[B, H, W, C]`.
    Returns:
        A tensor `[B, H, W, 2 * C]`.
    """
    ops = keras.ops
    joined = ops.concatenate([first, second], axis=-1)
    channels = first.shape[-1]
    # Three axes alone: runtimes of phones transpose those fastest.
    turned = ops.transpose(ops.reshape(joined, (-1, 2, channels)), (0, 2, 1))
    return ops.reshape(turned, (-1, *ops.shape(joined)[1:3], 2 * channels))
