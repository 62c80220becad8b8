"""Stochastic gradient descent as PyTorch does it."""

import keras


@keras.saving.register_keras_serializable(package="hrnet_tf")
class TorchSGD(keras.optimizers.SGD):
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
        **kwargs: other arguments of `keras.optimizers.SGD`; clipping comes before the
            weight decay.
    Reference:
        PyTorch, torch.optim.SGD with dampening 0.
    """

    def __init__(
        self, learning_rate=0.01, momentum=0.0, nesterov=False, l2=0.0, **kwargs
    ):
        super().__init__(learning_rate, momentum, nesterov, **kwargs)
        if l2 < 0:
            raise ValueError(f"l2 must not be negative. Received: l2={l2}.")
        self.l2 = l2

    def update_step(self, gradient, variable, learning_rate):
        learning_rate = keras.ops.cast(learning_rate, variable.dtype)
        gradient = keras.ops.cast(gradient, variable.dtype) + self.l2 * variable
        if self.momentum:
            buffer = self.momentums[self._get_variable_index(variable)]
            velocity = self.momentum * buffer + gradient
            self.assign(buffer, velocity)
            if self.nesterov:
                velocity = gradient + self.momentum * velocity
            gradient = velocity
        self.assign_sub(variable, learning_rate * gradient)

    def get_config(self):
        return {**super().get_config(), "l2": self.l2}
