"""Stochastic gradient descent as PyTorch does it."""

from typing import Any

import keras

from hrnet_tf.lowlevel.fused_steps import (
    FusedSteps,
    can_fuse,
    descend,
    step_with_momentum,
)
from hrnet_tf.optimizers.multipliers import RateMultipliers
from hrnet_tf.typing import Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class TorchSGD(RateMultipliers, FusedSteps, keras.optimizers.SGD):
    """SGD whose weight decay and momentum are PyTorch's.

    Keras' own weight decay is apart from the gradient, and so from the momentum; here
    `l2 * variable` is added to every variable's gradient, biases and normalisations
    among them. The momentum is one of gradients, not of steps: after a drop of the
    learning rate all steps are small at once.

    Args:
        learning_rate: float or Keras schedule.
        momentum: float in [0, 1).
        nesterov: bool.
        l2: float. PyTorch's `weight_decay`.
        rate_multipliers: dict or None. Variables that learn at another rate, see
            `RateMultipliers`.
        **kwargs: other arguments of `keras.optimizers.SGD`; clipping comes before the
            weight decay.
    Raises:
        ValueError: if an argument is out of its range; from `build`, if an expression
            is found in no variable's path.
    Reference:
        PyTorch, torch.optim.SGD with dampening 0.
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        l2: float = 0.0,
        rate_multipliers: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate,
            momentum,
            nesterov,
            rate_multipliers=rate_multipliers,
            **kwargs,
        )
        if l2 < 0:
            raise ValueError(f"l2 must not be negative. Received: l2={l2}.")
        self.l2 = l2

    def update_step(self, gradient: Tensor, variable: Any, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        factor = self.rate_factor(variable)
        gradient = keras.ops.cast(gradient, variable.dtype)
        if self.l2:
            gradient = gradient + self.l2 * variable
        buffer = self.momentums[index] if self.momentum else None
        if can_fuse(gradient, variable):
            shared = self.shared(learning_rate)
            rate = shared.rate if factor == 1 else shared.rate * factor
            if buffer is None:
                descend(variable, gradient, rate)
            else:
                step_with_momentum(
                    variable, gradient, buffer, rate, shared.momentum, self.nesterov
                )
            return
        learning_rate = keras.ops.cast(learning_rate, variable.dtype) * factor
        if buffer is not None:
            velocity = self.momentum * buffer + gradient
            self.assign(buffer, velocity)
            if self.nesterov:
                velocity = gradient + self.momentum * velocity
            gradient = velocity
        self.assign_sub(variable, learning_rate * gradient)

    def make_shared(self, learning_rate: Any) -> dict[str, Tensor]:
        momentum = keras.ops.convert_to_tensor(self.momentum, "float32")
        return {**super().make_shared(learning_rate), "momentum": momentum}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "l2": self.l2}
