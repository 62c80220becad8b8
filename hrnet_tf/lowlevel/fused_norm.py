"""Batch normalisation in training by TensorFlow's fused kernel, 1.3x faster on CPU."""

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import keras

from hrnet_tf.lowlevel.recompute import is_again
from hrnet_tf.typing import Tensor

if TYPE_CHECKING:
    from hrnet_tf.layers.batch_norm import BatchNorm


def takes_own_statistics(norm: "BatchNorm") -> bool:
    """Whether a `BatchNorm` in training takes its own batch's, by the fused kernel."""
    return (
        keras.backend.backend() == "tensorflow"
        and norm.takes_batch_statistics(training=True)
        # The fused kernel has no float64.
        and norm.compute_dtype != "float64"
        and not norm.is_synchronized()
    )


def fused(
    norm: "BatchNorm",
    inputs: Tensor,
    scale: Tensor,
    offset: Tensor,
    again: bool | None = None,
) -> tuple[Tensor, Any]:
    """Normalises by TensorFlow's kernel, and moves the statistics.

    Args:
        norm: `BatchNorm`.
        inputs: tensor `[B, H, W, C]`.
        scale, offset: tensors `[C]`.
        again: bool. True leaves the statistics as they are, in a repeated pass; None:
            as `recompute.is_again` says.
    Returns:
        A tensor `[B, H, W, C]`, and what `fused_gradients` needs.
    """
    import tensorflow as tf

    if again is None:
        again = is_again()
    moving = () if again else (norm.moving_mean, norm.moving_variance)
    nothing = tf.constant((), tf.float32)
    before = [_float32(v.value) for v in moving] or [nothing, nothing]
    outputs, mean, variance, *reserves = tf.raw_ops.FusedBatchNormV3(
        x=inputs,
        scale=_float32(scale),
        offset=_float32(offset),
        mean=before[0],
        variance=before[1],
        epsilon=norm.epsilon,
        exponential_avg_factor=1.0 - norm.momentum if moving else 1.0,
        is_training=True,
    )
    # The kernel averages the unbiased variance, PyTorch's convention.
    for variable, average in zip(moving, (mean, variance), strict=False):
        variable.assign(tf.cast(average, variable.dtype))
    return outputs, reserves


def fused_gradients(
    norm: "BatchNorm",
    upstream: Tensor,
    inputs: Tensor,
    scale: Tensor,
    reserves: Sequence[Tensor],
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of the inputs, scale and offset that `fused` took."""
    import tensorflow as tf

    found = tf.raw_ops.FusedBatchNormGradV3(
        y_backprop=upstream,
        x=inputs,
        scale=_float32(scale),
        reserve_space_1=reserves[0],
        reserve_space_2=reserves[1],
        reserve_space_3=reserves[2],
        epsilon=norm.epsilon,
        is_training=True,
    )
    return found[0], *(tf.cast(g, scale.dtype) for g in found[1:3])


def fused_call(norm: "BatchNorm", plain: Callable[..., Any]) -> Callable[..., Any]:
    """The call of a `BatchNorm` by the fused kernel, where that can be.

    Args:
        norm: `BatchNorm`.
        plain: its own call.
    Returns:
        A function of the same arguments.
    """

    @functools.wraps(plain)
    def call(inputs, training=None, mask=None):
        if not norm.takes_batch_statistics(training) or mask is not None:
            return plain(inputs, training=training, mask=mask)
        if len(inputs.shape) == 4 and takes_own_statistics(norm):
            return fused(norm, inputs, norm.gamma.value, norm.beta.value)[0]
        if is_again():
            return norm.normalize_batch(inputs)[0]
        return plain(inputs, training=training)

    return call


def _float32(tensor):
    import tensorflow as tf

    return tensor if tensor.dtype == tf.float32 else tf.cast(tensor, tf.float32)
