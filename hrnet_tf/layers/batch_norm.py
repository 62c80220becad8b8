"""Batch normalisation with PyTorch's numerics."""

import math
from typing import Any

import keras

from hrnet_tf.layers import replicas
from hrnet_tf.typing import Tensor

# Keras' other arguments that would change the formula, and what they have to be.
_FIXED = {
    "axis": -1,
    "center": True,
    "scale": True,
    "renorm": False,
    "renorm_clipping": None,
    "renorm_momentum": 0.99,
}


@keras.saving.register_keras_serializable(package="hrnet_tf")
class BatchNorm(keras.layers.BatchNormalization):
    """Batch normalisation over the last axis, as PyTorch's BatchNorm2d computes it.

    Differs from `keras.layers.BatchNormalization` in three ways: epsilon is 1e-5; the
    moving variance is updated with the unbiased batch variance; and statistics can be
    frozen while scale and offset learn.

    Args:
        momentum: float. Share of the old moving statistics kept at each step
            (PyTorch's momentum m is `1 - m` here).
        epsilon: float. Added to the variance.
        synchronized: bool or None. None takes the statistics of the batch of all
            `tf.distribute` replicas where there are several; False those of each.
        frozen_statistics: bool. True normalises by the moving statistics in training
            too, and leaves them as they are; scale and offset still learn.
        **kwargs: initializers, regularizers and constraints of
            `keras.layers.BatchNormalization`, and arguments of `keras.layers.Layer`.
    Call arguments:
        inputs: tensor `[B, ..., C]`.
        training: bool. True normalises by the statistics of the batch.
    Returns:
        A tensor `[B, ..., C]` in the compute dtype.
    Raises:
        ValueError: if an argument asks for another axis, for no scale or offset, or for
            renormalisation; from a call in training, if it comes with a mask.
    """

    def __init__(
        self,
        momentum: float = 0.9,
        epsilon: float = 1e-5,
        synchronized: bool | None = None,
        frozen_statistics: bool = False,
        **kwargs: Any,
    ) -> None:
        _check_fixed(kwargs)
        kwargs = {key: kwargs[key] for key in kwargs if key not in _FIXED}
        super().__init__(momentum=momentum, epsilon=epsilon, **kwargs)
        self.synchronized = synchronized
        self.frozen_statistics = bool(frozen_statistics)

    def call(
        self, inputs: Tensor, training: bool | None = None, mask: Tensor | None = None
    ) -> Tensor:
        if not self.takes_batch_statistics(training):
            return super().call(inputs, training=False, mask=mask)
        if mask is not None:
            raise ValueError(
                f"BatchNorm {self.name!r} normalises all positions of a batch, and"
                " received a mask in training. Remove the masking before it, or use"
                " keras.layers.BatchNormalization."
            )
        outputs, mean, variance = self.normalize_batch(inputs)
        self._move(self.moving_mean, mean)
        self._move(self.moving_variance, variance)
        return outputs

    def takes_batch_statistics(self, training: bool | None) -> bool:
        """Whether a call normalises by the batch, and moves the statistics."""
        return bool(training) and self.trainable and not self.frozen_statistics

    def is_synchronized(self) -> bool:
        """Whether the statistics are those of several replicas, where it is called."""
        return self.synchronized is not False and replicas.context() is not None

    def normalize_batch(self, inputs: Tensor) -> Tensor:
        """Normalises by the batch, and leaves the moving statistics as they are.

        Args:
            inputs: tensor `[B, ..., C]`.
        Returns:
            A tensor `[B, ..., C]` in the compute dtype; the batch's mean and unbiased
            variance `[C]`.
        """
        dtype = "float64" if self.compute_dtype == "float64" else "float32"
        x = keras.ops.cast(inputs, dtype)
        mean, variance, count = self._statistics(x)
        scale = keras.ops.rsqrt(variance + self.epsilon) * self.gamma
        outputs = x * scale + (self.beta - mean * scale)
        unbiased = variance * (count / keras.ops.maximum(count - 1.0, 1.0))
        return keras.ops.cast(outputs, self.compute_dtype), mean, unbiased

    def _statistics(self, x):
        """Mean, variance `[C]` and number of values of the (whole) batch."""
        ops, axes = keras.ops, tuple(range(len(x.shape) - 1))
        count = ops.cast(math.prod(ops.shape(x)[:-1]), x.dtype)
        if not self.is_synchronized():
            return *ops.moments(x, axes), count
        sums, count = replicas.total([ops.sum(x, axes), count])
        mean = sums / ops.maximum(count, 1.0)
        # A second exchange, since the difference of two large sums would be inexact.
        squares = replicas.total(ops.sum(ops.square(x - mean), axes))
        return mean, squares / ops.maximum(count, 1.0), count

    def _move(self, variable, value):
        value = keras.ops.cast(value, variable.dtype)
        variable.assign(variable * self.momentum + value * (1.0 - self.momentum))

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "frozen_statistics": self.frozen_statistics}
        return {key: config[key] for key in config if key not in _FIXED}


def _check_fixed(arguments):
    """Raises ValueError if one of Keras' arguments asks for another formula."""
    for key, value in _FIXED.items():
        found = arguments.get(key, value)
        if found != value:
            raise ValueError(
                f"BatchNorm computes with {key}={value!r} alone. Received:"
                f" {key}={found!r}. Leave the argument out, or use"
                " keras.layers.BatchNormalization."
            )
