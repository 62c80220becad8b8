"""PyTorch's SGD, against its formulas in NumPy."""

import keras
import numpy as np
import pytest

from hrnet_tf.training.sgd import TorchSGD


def expected_steps(start, gradients, rates, momentum, nesterov, l2):
    """The variable after each step, as PyTorch's documentation writes it."""
    value, buffer, values = start.copy(), np.zeros_like(start), []
    for gradient, rate in zip(gradients, rates, strict=True):
        gradient = gradient + l2 * value
        buffer = momentum * buffer + gradient
        step = gradient + momentum * buffer if nesterov else buffer
        value = value - rate * (step if momentum else gradient)
        values.append(value)
    return values


@pytest.mark.parametrize(
    "momentum, nesterov", [(0.0, False), (0.9, False), (0.9, True)]
)
def test_steps(momentum, nesterov):
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=5), rng.normal(size=(6, 5))
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([2], [0.1, 0.01])
    optimizer = TorchSGD(schedule, momentum=momentum, nesterov=nesterov, l2=0.3)
    variable = keras.Variable(start, dtype="float64")
    optimizer.build([variable])
    rates = [0.1, 0.1, 0.1, 0.01, 0.01, 0.01]
    values = expected_steps(start, gradients, rates, momentum, nesterov, 0.3)
    for gradient, value in zip(gradients, values, strict=True):
        optimizer.apply([keras.ops.convert_to_tensor(gradient)])
        found = keras.ops.convert_to_numpy(variable)
        np.testing.assert_allclose(found, value, rtol=1e-6)


def test_clipping_comes_before_the_weight_decay():
    optimizer = TorchSGD(1.0, l2=1.0, clipnorm=1.0)
    variable = keras.Variable([10.0])
    optimizer.build([variable])
    optimizer.apply([keras.ops.convert_to_tensor([5.0])])
    # The gradient becomes 1; the decay of 10 is added in full.
    assert float(keras.ops.convert_to_numpy(variable)[0]) == pytest.approx(-1.0)


def test_config():
    optimizer = TorchSGD(0.1, momentum=0.9, nesterov=True, l2=1e-4)
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert isinstance(copy, TorchSGD)
    assert copy.get_config() == optimizer.get_config()
    with pytest.raises(ValueError, match="l2 must not be negative. Received: l2=-1"):
        TorchSGD(l2=-1)
