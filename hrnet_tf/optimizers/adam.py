"""Adam and AdamW whose steps are one operation for each variable."""

from typing import Any

import keras
import numpy as np

from hrnet_tf.lowlevel.fused_steps import FusedSteps, can_fuse, step_of_adam
from hrnet_tf.optimizers.multipliers import RateMultipliers
from hrnet_tf.typing import Tensor


class FusedAdamSteps(RateMultipliers, FusedSteps):
    """The step of Adam, before a Keras optimizer with its coefficients."""

    beta_1: float
    beta_2: float
    epsilon: float
    iterations: keras.Variable

    def adam_coefficients(self) -> tuple[float, float, float]:
        """beta_1, beta_2 and epsilon, floats."""
        return self.beta_1, self.beta_2, self.epsilon

    def make_shared(self, learning_rate: Any) -> dict[str, Tensor]:
        ops, shared = keras.ops, super().make_shared(learning_rate)
        # Of the betas as they are in float32: what is left of 1 - beta counts.
        beta_1, beta_2 = (float(np.float32(x)) for x in self.adam_coefficients()[:2])
        step = ops.cast(self.iterations + 1, "float64")
        correction = ops.sqrt(1 - beta_2**step) / (1 - beta_1**step)
        beta_1, beta_2, epsilon, zero = (
            ops.convert_to_tensor(x, "float32") for x in (*self.adam_coefficients(), 0)
        )
        return {
            **shared,
            "adam_rate": shared["rate"] * ops.cast(correction, "float32"),
            "beta_1": beta_1,
            "beta_2": beta_2,
            "epsilon": epsilon,
            "zero": zero,
        }


class _AdamSteps(FusedAdamSteps):
    def update_step(self, gradient, variable, learning_rate):
        factor = self.rate_factor(variable)
        if self.amsgrad or not can_fuse(gradient, variable):
            rate = learning_rate if factor == 1 else learning_rate * factor
            super().update_step(gradient, variable, rate)
            return
        shared = self.shared(learning_rate)
        index = self._get_variable_index(variable)
        slots = self._momentums[index], self._velocities[index]
        rate = shared.adam_rate if factor == 1 else shared.adam_rate * factor
        step_of_adam(variable, gradient, *slots, rate, shared)


@keras.saving.register_keras_serializable(package="hrnet_tf")
class Adam(_AdamSteps, keras.optimizers.Adam):
    """`keras.optimizers.Adam`, whose training graph is a quarter as large.

    Arguments, formulas and saved state are Keras'; roundings differ. The argument
    `rate_multipliers` is that of `RateMultipliers`. With `amsgrad`, on
    other backends than TensorFlow and for variables that are not float32 the steps are
    Keras' own.
    """


@keras.saving.register_keras_serializable(package="hrnet_tf")
class AdamW(_AdamSteps, keras.optimizers.AdamW):
    """`keras.optimizers.AdamW`, whose training graph is smaller as with `Adam`."""
