"""Batch normalisation with PyTorch's numerics and TensorFlow's fused kernel."""

import keras

from hrnet_tf.distribution import replicas
from hrnet_tf.lowlevel import recompute


@keras.saving.register_keras_serializable(package="hrnet_tf")
class BatchNorm(keras.layers.BatchNormalization):
    """Batch normalisation over the last axis, as PyTorch's BatchNorm2d computes it.

    Differs from `keras.layers.BatchNormalization` in three ways: epsilon is 1e-5;
    the moving variance is updated with the unbiased batch variance; and on the
    TensorFlow backend training uses the fused kernel, 1.3x faster on CPU.

    Args:
        momentum: float. Share of the old moving statistics kept at each step
            (PyTorch's momentum m is `1 - m` here).
        epsilon: float. Added to the variance.
        synchronized: bool or None. None takes the statistics of the batch of all
            `tf.distribute` replicas where there are several; False those of each.
    Attributes:
        frozen_statistics: bool. True normalises by the moving statistics in training
            too, and leaves them as they are; scale and offset still learn.
    Call arguments:
        inputs: tensor `[B, H, W, C]`.
        training: bool. True normalises by the statistics of the batch.
    Returns:
        A tensor `[B, H, W, C]` in the compute dtype.
    """

    def __init__(self, momentum=0.9, epsilon=1e-5, synchronized=None, **kwargs):
        super().__init__(momentum=momentum, epsilon=epsilon, **kwargs)
        self.synchronized = synchronized
        self.frozen_statistics = False

    def call(self, inputs, training=None, mask=None):
        if not (training and self.trainable) or self.frozen_statistics:
            return super().call(inputs, training=False, mask=mask)
        if keras.backend.backend() == "tensorflow" and self.takes_own_statistics():
            return self.fused(inputs, self.gamma.value, self.beta.value)[0]
        outputs, mean, variance = self._plain(inputs)
        if not recompute.is_again():
            self._update(self.moving_mean, mean)
            self._update(self.moving_variance, variance)
        return outputs

    def takes_own_statistics(self):
        """Whether training takes the statistics of its batch, by the fused kernel."""
        return (
            self.trainable
            and not self.frozen_statistics
            # The fused kernel has no float64.
            and self.compute_dtype != "float64"
            and not self._synchronizes()
        )

    def fused(self, inputs, scale, offset, again=None):
        """Normalises by TensorFlow's kernel, and moves the statistics.

        Args:
            inputs: tensor `[B, H, W, C]`.
            scale, offset: tensors `[C]`.
            again: bool. True leaves the statistics as they are, in a repeated pass;
                None: as `recompute.is_again` says.
        Returns:
            A tensor `[B, H, W, C]`, and what `fused_gradients` needs.
        """
        import tensorflow as tf

        if again is None:
            again = recompute.is_again()
        moving = () if again else (self.moving_mean, self.moving_variance)
        nothing = tf.constant((), tf.float32)
        before = [_float32(v.value) for v in moving] or [nothing, nothing]
        outputs, mean, variance, *reserves = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=_float32(scale),
            offset=_float32(offset),
            mean=before[0],
            variance=before[1],
            epsilon=self.epsilon,
            exponential_avg_factor=1.0 - self.momentum if moving else 1.0,
            is_training=True,
        )
        # The kernel averages the unbiased variance, PyTorch's convention.
        for variable, average in zip(moving, (mean, variance), strict=False):
            variable.assign(tf.cast(average, variable.dtype))
        return outputs, reserves

    def fused_gradients(self, upstream, inputs, scale, reserves):
        """Gradients of the inputs, scale and offset that `fused` took."""
        import tensorflow as tf

        found = tf.raw_ops.FusedBatchNormGradV3(
            y_backprop=upstream,
            x=inputs,
            scale=_float32(scale),
            reserve_space_1=reserves[0],
            reserve_space_2=reserves[1],
            reserve_space_3=reserves[2],
            epsilon=self.epsilon,
            is_training=True,
        )
        return found[0], *(tf.cast(g, scale.dtype) for g in found[1:3])

    def _plain(self, inputs):
        dtype = "float64" if self.compute_dtype == "float64" else "float32"
        x = keras.ops.cast(inputs, dtype)
        mean, variance, count = self._statistics(x)
        scale = keras.ops.rsqrt(variance + self.epsilon) * self.gamma
        outputs = x * scale + (self.beta - mean * scale)
        unbiased = variance * (count / keras.ops.maximum(count - 1.0, 1.0))
        return keras.ops.cast(outputs, self.compute_dtype), mean, unbiased

    def _statistics(self, x):
        """Mean, variance `[C]` and number of values of the (whole) batch."""
        ops, axes = keras.ops, (0, 1, 2)
        shape = ops.shape(x)
        count = ops.cast(shape[0] * shape[1] * shape[2], x.dtype)
        if not self._synchronizes():
            return *ops.moments(x, axes), count
        sums, count = replicas.total([ops.sum(x, axes), count])
        mean = sums / ops.maximum(count, 1.0)
        # A second exchange, since the difference of two large sums would be inexact.
        squares = replicas.total(ops.sum(ops.square(x - mean), axes))
        return mean, squares / ops.maximum(count, 1.0), count

    def _synchronizes(self):
        return self.synchronized is not False and replicas.context() is not None

    def _update(self, variable, value):
        value = keras.ops.cast(value, variable.dtype)
        variable.assign(variable * self.momentum + value * (1.0 - self.momentum))


def _float32(tensor):
    import tensorflow as tf

    return tensor if tensor.dtype == tf.float32 else tf.cast(tensor, tf.float32)
