"""Muon for convolutional networks."""

import re

import keras

from hrnet_tf.training.adam import FusedAdamSteps
from hrnet_tf.training.fused_steps import can_fuse

# What `exclude_layers` should find in the networks of this package.
FIRST_AND_LAST = (r"^stem_conv1/", r"^(aux_)?head/")


@keras.saving.register_keras_serializable(package="hrnet_tf")
class Muon(FusedAdamSteps, keras.optimizers.Muon):
    """Muon, which orthogonalises the steps of convolutions too.

    `keras.optimizers.Muon` takes its steps for matrices alone, and AdamW's for all
    else, so that a convolutional network gets none of it. Here a kernel
    `[h, w, in, out]` is the matrix `[h * w * in, out]`, as in the original. Biases,
    normalisations and what `exclude_layers` names get AdamW's steps.

    Args:
        learning_rate: float or Keras schedule. Steps are as large as AdamW's with this
            rate typically are (0.2 times the rate in the root mean square).
        adam_lr_ratio: float. The rate of AdamW's steps over `learning_rate`.
        weight_decay: float or None. Decoupled, for all variables, times the rate.
        epsilon: float. AdamW's.
        exclude_layers: sequence of str. Regular expressions; the first convolution and
            the last should be found by one in a variable's `path`.
        **kwargs: other arguments of `keras.optimizers.Muon`.
    Reference:
        Jordan et al., "Muon", kellerjordan.github.io/posts/muon; the size of steps is
        that of Liu et al., arXiv 2502.16982.
    """

    def __init__(
        self,
        learning_rate=5e-3,
        adam_lr_ratio=0.4,
        weight_decay=0.01,
        epsilon=1e-8,
        exclude_layers=(),
        **kwargs,
    ):
        super().__init__(
            learning_rate,
            adam_lr_ratio=adam_lr_ratio,
            weight_decay=weight_decay,
            adam_weight_decay=weight_decay,
            epsilon=epsilon,
            exclude_layers=list(exclude_layers),
            **kwargs,
        )

    def _should_use_adamw(self, variable):
        if len(variable.shape) != 4:
            return super()._should_use_adamw(variable)
        return self._is_excluded(variable.path)

    def _is_excluded(self, path):
        return any(re.search(pattern, path) for pattern in self.exclude_layers)

    def adam_coefficients(self):
        return self.adam_beta_1, self.adam_beta_2, self.epsilon

    def make_shared(self, learning_rate):
        shared = super().make_shared(learning_rate)
        return {**shared, "adam_rate": shared["adam_rate"] * self.adam_lr_ratio}

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        momentum, velocity = self.momentums[index], self.adam_velocities[index]
        # Whether there is one was decided by the variable's path, which on TensorFlow
        # does not come here.
        if velocity is None:
            self._orthogonal_step(gradient, variable, learning_rate, momentum)
        elif can_fuse(gradient, variable):
            shared = self.shared(learning_rate)
            slots = momentum, velocity
            self.fused_adam_step(gradient, variable, shared.adam_rate, *slots, shared)
        else:
            rate = learning_rate * self.adam_lr_ratio
            self._adamw_update_step(gradient, variable, rate, momentum, velocity)

    def _orthogonal_step(self, gradient, variable, learning_rate, momentum):
        ops, shape = keras.ops, tuple(variable.shape)
        gradient = ops.cast(gradient, variable.dtype)
        average = momentum * self.momentum + gradient
        self.assign(momentum, average)
        if self.nesterov:
            average = gradient + self.momentum * average
        matrix = ops.reshape(average, (-1, shape[-1]))
        step = self.zeropower_via_newtonschulz5(matrix, self.ns_steps)
        rate = ops.cast(learning_rate, variable.dtype)
        step = self.lr_adjust(ops.reshape(step, matrix.shape)) * rate
        self.assign_sub(variable, ops.reshape(step, shape))

    def get_config(self):
        config = super().get_config()
        # The same as weight_decay.
        del config["adam_weight_decay"]
        return config
