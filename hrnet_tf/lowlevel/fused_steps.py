"""Steps of optimizers in one operation for each variable."""

import contextlib
import types
from collections.abc import Iterator
from typing import Any

import keras

from hrnet_tf.lowlevel import internals
from hrnet_tf.typing import Tensor


def can_fuse(gradient: Tensor, variable: Any) -> bool:
    """Whether TensorFlow's operations can be used for a step."""
    if keras.backend.backend() != "tensorflow" or variable.dtype != "float32":
        return False
    import tensorflow as tf

    return not isinstance(gradient, tf.IndexedSlices)


def descend(variable: Any, gradient: Tensor, rate: Tensor) -> None:
    """Takes a step `-rate * gradient`.

    Args:
        variable: Keras or TensorFlow variable, for which `can_fuse` holds.
        gradient: tensor of its shape, float32.
        rate: float32 scalar tensor.
    """
    import tensorflow as tf

    tf.raw_ops.ResourceApplyGradientDescent(
        var=_handle(variable), alpha=rate, delta=gradient
    )


def step_with_momentum(
    variable: Any,
    gradient: Tensor,
    buffer: Any,
    rate: Tensor,
    momentum: Tensor,
    nesterov: bool,
) -> None:
    """Takes a step of SGD with PyTorch's momentum.

    Args:
        variable, gradient, rate: as `descend` takes them.
        buffer: variable of the sum of gradients.
        momentum: float32 scalar tensor.
        nesterov: bool.
    """
    import tensorflow as tf

    tf.raw_ops.ResourceApplyMomentum(
        var=_handle(variable),
        accum=_handle(buffer),
        lr=rate,
        grad=gradient,
        momentum=momentum,
        use_nesterov=nesterov,
    )


def step_of_adam(
    variable: Any,
    gradient: Tensor,
    momentum: Any,
    velocity: Any,
    rate: Tensor,
    shared: Any,
) -> None:
    """Takes a step of Adam, whose formulas are Keras'.

    Args:
        variable, gradient: as `descend` takes them.
        momentum, velocity: variables of the means of gradients and of their squares.
        rate: float32 scalar tensor, corrected for the start of the means.
        shared: what has the float32 scalars `zero`, `beta_1`, `beta_2` and `epsilon`.
    """
    import tensorflow as tf

    tf.raw_ops.ResourceApplyAdam(
        var=_handle(variable),
        m=_handle(momentum),
        v=_handle(velocity),
        # For a rate that is corrected already.
        beta1_power=shared.zero,
        beta2_power=shared.zero,
        lr=rate,
        beta1=shared.beta_1,
        beta2=shared.beta_2,
        epsilon=shared.epsilon,
        grad=tf.cast(gradient, tf.float32),
    )


def _handle(variable):
    """The resource of a Keras or TensorFlow variable, for TensorFlow's operations."""
    if isinstance(variable, keras.Variable):
        variable = variable.value
    return variable.handle


class FusedSteps:
    """What all variables share is computed once a step; comes before a Keras optimizer.

    Keras computes the rate, its schedule and all corrections anew for each variable,
    and takes some thirty operations to update one. For HRNet-W32 this is three
    quarters of the training graph, on which TensorFlow spends time and memory before
    the first step. A subclass states what is shared in `make_shared`, and its
    `update_step` takes it from `shared`. Backends other than TensorFlow compile all
    into few kernels, and have Keras' steps.
    """

    _shared = None

    def rate_factor(self, variable: Any) -> float:
        """Returns the factor (float) of a variable's rate."""
        return 1.0

    def make_shared(self, learning_rate: Any) -> dict[str, Tensor]:
        """What the steps of all variables need, as a dict of float32 scalars."""
        return {"rate": keras.ops.cast(learning_rate, "float32")}

    @contextlib.contextmanager
    def sharing(self, learning_rate: Tensor) -> Iterator[None]:
        """Computes what is shared, for the calls of `update_step` inside.

        Args:
            learning_rate: float scalar, as given to these calls.
        """
        # TensorFlow would wrap a dict to track its values.
        self._shared = types.SimpleNamespace(**self.make_shared(learning_rate))
        try:
            yield
        finally:
            self._shared = None

    def shared(self, learning_rate: Any) -> Any:
        """What `make_shared` made, as attributes."""
        if self._shared is not None:
            return self._shared
        return types.SimpleNamespace(**self.make_shared(learning_rate))

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        if keras.backend.backend() != "tensorflow":
            super()._backend_update_step(grads, trainable_variables, learning_rate)
            return
        with self.sharing(learning_rate):
            super()._backend_update_step(grads, trainable_variables, learning_rate)

    def _all_reduce_sum_gradients(self, grads_and_vars):
        import tensorflow as tf

        # For a single replica TensorFlow would add an operation for each gradient.
        if tf.distribute.get_strategy().num_replicas_in_sync == 1:
            return grads_and_vars
        return super()._all_reduce_sum_gradients(grads_and_vars)

    def _apply_weight_decay(self, variables):
        if self.weight_decay is None or keras.backend.backend() != "tensorflow":
            super()._apply_weight_decay(variables)
            return
        import tensorflow as tf

        variables = [
            (v.value if isinstance(v, keras.Variable) else v, self.rate_factor(v))
            for v in variables
            if self._use_weight_decay(v)
        ]
        factor = keras.ops.cast(self.learning_rate, "float32") * self.weight_decay

        def step(variable, factor):
            variable.assign_sub(variable * tf.cast(factor, variable.dtype))

        def decay(strategy, factor):
            for variable, own in variables:
                args = (factor if own == 1 else factor * own,)
                strategy.extended.update(variable, step, args=args, group=False)

        internals.once_for_all_replicas(decay, factor)
