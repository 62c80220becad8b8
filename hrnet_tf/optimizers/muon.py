"""Muon for convolutional networks."""

import math
import re
from collections.abc import Sequence
from typing import Any

import keras

from hrnet_tf.lowlevel.fused_steps import can_fuse, step_of_adam
from hrnet_tf.optimizers.adam import FusedAdamSteps
from hrnet_tf.typing import Tensor

# What `exclude_layers` should find in the networks of this package.
FIRST_AND_LAST = (r"^stem_conv1/", r"^(aux_)?head/")


# The quintic iteration of the original, steepest at zero.
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def orthogonalize(matrix: Tensor, steps: int = 5) -> Tensor:
    """An approximate UV^T of a matrix USV^T, by Newton-Schulz iterations.

    Args:
        matrix: float tensor `[n, m]`.
        steps: int. Number of iterations.
    Returns:
        A tensor `[n, m]` of singular values near 1.
    """
    ops, (a, b, c) = keras.ops, NEWTON_SCHULZ
    is_tall = matrix.shape[0] > matrix.shape[1]
    x = ops.transpose(matrix) if is_tall else matrix
    # The largest singular value is at most the root of the sum of squares.
    x = x / (ops.sqrt(ops.sum(ops.square(x))) + 1e-7)
    for _ in range(steps):
        square = ops.matmul(x, ops.transpose(x))
        x = a * x + ops.matmul(b * square + ops.matmul(c * square, square), x)
    return ops.transpose(x) if is_tall else x


@keras.saving.register_keras_serializable(package="hrnet_tf")
class Muon(FusedAdamSteps, keras.optimizers.Optimizer):
    """Muon, which orthogonalises the steps of convolutions too.

    `keras.optimizers.Muon` takes its steps for matrices alone, and AdamW's for all
    else, so that a convolutional network gets none of it; its arguments and formulas
    differ between releases. Here a kernel `[h, w, in, out]` is the matrix
    `[h * w * in, out]`, as in the original. Biases, normalisations and what
    `exclude_layers` names get AdamW's steps.

    Args:
        learning_rate: float or Keras schedule. Steps are as large as AdamW's with this
            rate typically are (0.2 times the rate in the root mean square).
        adam_lr_ratio: float. The rate of AdamW's steps over `learning_rate`.
        weight_decay: float or None. Decoupled, for all variables, times the rate.
        epsilon: float. AdamW's.
        exclude_layers: sequence of str. Regular expressions; the first convolution and
            the last should be found by one in a variable's `path`.
        adam_beta_1: float. AdamW's decay of the mean.
        adam_beta_2: float. AdamW's decay of the square.
        momentum: float, of what is orthogonalised.
        ns_steps: int. Number of Newton-Schulz iterations.
        nesterov: bool. Whether momentum looks ahead.
        rms_rate: float. The root mean square of a step over the rate.
        name: str.
        rate_multipliers: dict or None. Variables that learn at another rate, see
            `RateMultipliers`.
        **kwargs: other arguments of `keras.optimizers.Optimizer`.
    Reference:
        Jordan et al., "Muon", kellerjordan.github.io/posts/muon; the size of steps is
        that of Liu et al., arXiv 2502.16982.
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 5e-3,
        adam_lr_ratio: float = 0.4,
        weight_decay: float | None = 0.01,
        epsilon: float = 1e-8,
        exclude_layers: Sequence[str] = (),
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float = 0.2,
        name: str = "muon",
        rate_multipliers: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            name=name,
            rate_multipliers=rate_multipliers,
            **kwargs,
        )
        self.adam_lr_ratio = adam_lr_ratio
        self.epsilon = epsilon
        self.exclude_layers = list(exclude_layers)
        self.adam_beta_1 = adam_beta_1
        self.adam_beta_2 = adam_beta_2
        self.momentum = momentum
        self.ns_steps = ns_steps
        self.nesterov = nesterov
        self.rms_rate = rms_rate

    def build(self, var_list: Sequence[Any]) -> None:
        if self.built:
            return
        super().build(var_list)
        # A variable without a velocity is orthogonalised.
        self.momentums: list[Any] = []
        self.adam_velocities: list[Any] = []
        for variable in var_list:
            has_velocity = len(variable.shape) not in (2, 4) or any(
                re.search(pattern, variable.path) for pattern in self.exclude_layers
            )
            for slots, name, wanted in (
                (self.momentums, "momentum", True),
                (self.adam_velocities, "velocity", has_velocity),
            ):
                slots.append(
                    self.add_variable_from_reference(variable, name) if wanted else None
                )

    def adam_coefficients(self) -> tuple[float, float, float]:
        return self.adam_beta_1, self.adam_beta_2, self.epsilon

    def make_shared(self, learning_rate: Any) -> dict[str, Tensor]:
        shared = super().make_shared(learning_rate)
        return {**shared, "adam_rate": shared["adam_rate"] * self.adam_lr_ratio}

    def update_step(self, gradient: Tensor, variable: Any, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        momentum, velocity = self.momentums[index], self.adam_velocities[index]
        factor = self.rate_factor(variable)
        if velocity is None:
            rate = learning_rate if factor == 1 else learning_rate * factor
            self._orthogonal_step(gradient, variable, rate, momentum)
        elif can_fuse(gradient, variable):
            slots, shared = (momentum, velocity), self.shared(learning_rate)
            rate = shared.adam_rate if factor == 1 else shared.adam_rate * factor
            step_of_adam(variable, gradient, *slots, rate, shared)
        else:
            rate = learning_rate * self.adam_lr_ratio * factor
            self._adam_step(gradient, variable, rate, momentum, velocity)

    def _adam_step(self, gradient, variable, rate, momentum, velocity):
        ops = keras.ops
        gradient, rate, step = (
            ops.cast(x, variable.dtype) for x in (gradient, rate, self.iterations + 1)
        )
        rate *= ops.sqrt(1 - self.adam_beta_2**step) / (1 - self.adam_beta_1**step)
        mean = momentum + (gradient - momentum) * (1 - self.adam_beta_1)
        square = velocity + (ops.square(gradient) - velocity) * (1 - self.adam_beta_2)
        self.assign(momentum, mean)
        self.assign(velocity, square)
        self.assign_sub(variable, rate * mean / (ops.sqrt(square) + self.epsilon))

    def _orthogonal_step(self, gradient, variable, learning_rate, momentum):
        ops, shape = keras.ops, tuple(variable.shape)
        gradient = ops.cast(gradient, variable.dtype)
        average = momentum * self.momentum + gradient
        self.assign(momentum, average)
        if self.nesterov:
            average = gradient + self.momentum * average
        matrix = orthogonalize(ops.reshape(average, (-1, shape[-1])), self.ns_steps)
        # Its singular values are 1, so that this makes the values' root mean square 1.
        step = matrix * math.sqrt(max(matrix.shape)) * self.rms_rate
        step = step * ops.cast(learning_rate, variable.dtype)
        self.assign_sub(variable, ops.reshape(step, shape))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "adam_lr_ratio": self.adam_lr_ratio,
            "epsilon": self.epsilon,
            "exclude_layers": self.exclude_layers,
            "adam_beta_1": self.adam_beta_1,
            "adam_beta_2": self.adam_beta_2,
            "momentum": self.momentum,
            "ns_steps": self.ns_steps,
            "nesterov": self.nesterov,
            "rms_rate": self.rms_rate,
        }
