"""PyTorch's SGD, against its formulas in NumPy."""

import keras
import numpy as np
import pytest

from hrnet_tf.optimizers.sgd import TorchSGD


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


def test_rates_of_single_variables():
    """Four steps of a linear network, whose gradients are known."""
    inputs = keras.Input((3,))
    x = keras.layers.Dense(2, name="body")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1, name="head")(x))
    multipliers = {"^head/kernel": 10.0, "kernel": 2.0, "bias$": 0.5}
    optimizer = TorchSGD(0.01, 0.9, l2=0.3, rate_multipliers=multipliers)
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(8, 3)), rng.normal(size=(8, 1))
    images, labels = images.astype("float32"), labels.astype("float32")
    start = [rng.normal(size=v.shape) for v in model.trainable_variables]
    model.set_weights(start)
    expected, buffers = list(start), [np.zeros_like(x) for x in start]
    for _ in range(4):
        kernel, bias, head, offset = expected
        hidden = images @ kernel + bias
        error = 2 * (hidden @ head + offset - labels) / len(labels)
        gradients = [images.T @ (error @ head.T), (error @ head.T).sum(0)]
        gradients += [hidden.T @ error, error.sum(0)]
        steps = zip(expected, gradients, strict=True)
        gradients = [g + 0.3 * value for value, g in steps]
        buffers = [0.9 * b + g for b, g in zip(buffers, gradients, strict=True)]
        steps = zip(expected, (0.02, 0.005, 0.1, 0.005), buffers, strict=True)
        expected = [value - rate * buffer for value, rate, buffer in steps]
    model.compile(optimizer, "mse")
    model.fit(images, labels, batch_size=8, epochs=4, verbose=0)
    for found, value in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_allclose(found, value, rtol=1e-4, atol=1e-5)


def test_clipping_comes_before_the_weight_decay():
    optimizer = TorchSGD(1.0, l2=1.0, clipnorm=1.0)
    variable = keras.Variable([10.0])
    optimizer.build([variable])
    optimizer.apply([keras.ops.convert_to_tensor([5.0])])
    # The gradient becomes 1; the decay of 10 is added in full.
    assert float(keras.ops.convert_to_numpy(variable)[0]) == pytest.approx(-1.0)


def test_config():
    rates = {"^head/": 10.0, "norm": 0.5}
    optimizer = TorchSGD(0.1, 0.9, nesterov=True, l2=1e-4, rate_multipliers=rates)
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert isinstance(copy, TorchSGD)
    assert copy.get_config() == optimizer.get_config()
    assert copy.rate_multipliers == rates
    assert list(copy.rate_multipliers) == list(rates)
    with pytest.raises(ValueError, match="l2 must not be negative. Received: l2=-1"):
        TorchSGD(l2=-1)
    with pytest.raises(ValueError, match=r"not be negative. .*\{'head': -1.0\}"):
        TorchSGD(rate_multipliers={"head": -1.0})


def test_names_the_expression_that_is_found_nowhere():
    optimizer = TorchSGD(rate_multipliers={"first": 2.0, "haed": 10.0})
    variables = [keras.Variable([1.0], name=name) for name in ("first", "head")]
    with pytest.raises(ValueError, match="'haed' .* none of the 2 .*'first' .*'head'"):
        optimizer.build(variables)
