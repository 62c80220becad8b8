"""Adam and AdamW in one operation a variable, against Keras'."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from hrnet_tf.optimizers.adam import Adam, AdamW

SCHEDULE = keras.optimizers.schedules.PiecewiseConstantDecay([3], [0.1, 0.02])
PAIRS = {
    "adam": (Adam, keras.optimizers.Adam, {"epsilon": 1e-3, "beta_1": 0.8}),
    "adamw": (AdamW, keras.optimizers.AdamW, {"weight_decay": 0.3}),
    "amsgrad": (Adam, keras.optimizers.Adam, {"amsgrad": True}),
    "clipped": (AdamW, keras.optimizers.AdamW, {"global_clipnorm": 0.5}),
    "accumulated": (AdamW, keras.optimizers.AdamW, {"gradient_accumulation_steps": 2}),
    "averaged": (Adam, keras.optimizers.Adam, {"use_ema": True, "ema_momentum": 0.7}),
}


def run(optimizer, steps=6, dtype="float32", function=True):
    """The variables and the optimizer's after each step."""
    rng = np.random.default_rng(0)
    variables = [
        keras.Variable(rng.normal(size=size), dtype=dtype) for size in [(3, 2), (4,)]
    ]
    optimizer.build(variables)
    gradients = [
        [rng.normal(size=v.shape).astype(dtype) for v in variables]
        for _ in range(steps)
    ]

    def step(*gradients):
        optimizer.apply(list(gradients))

    if function:
        step = tf.function(step)
    found = []
    for values in gradients:
        step(*(tf.constant(g) for g in values))
        found += [v.numpy() for v in variables + optimizer.variables]
    return found


@pytest.mark.parametrize("function", [True, False])
@pytest.mark.parametrize("pair", PAIRS)
def test_steps(pair, function):
    ours, keras_own, arguments = PAIRS[pair]
    found = run(ours(SCHEDULE, **arguments), function=function)
    expected = run(keras_own(SCHEDULE, **arguments), function=function)
    for a, b in zip(found, expected, strict=True):
        # Keras rounds 1 - beta_2 and the correction for it in different ways.
        np.testing.assert_allclose(a, b, rtol=3e-5, atol=1e-5)


def trained(optimizer, dtype):
    """A variable after each of some steps."""
    rng = np.random.default_rng(0)
    variable = keras.Variable(np.zeros(50), dtype=dtype)
    optimizer.build([variable])
    found = []
    for _ in range(20):
        optimizer.apply([tf.constant(rng.normal(size=50), dtype)])
        found.append(variable.numpy())
    return np.array(found)


def test_steps_are_those_of_the_paper():
    """More exactly than Keras', whose corrections are rounded."""
    rng = np.random.default_rng(0)
    value = m = v = np.zeros(50)
    expected = []
    for step in range(1, 21):
        gradient = rng.normal(size=50)
        m = 0.9 * m + 0.1 * gradient
        v = 0.999 * v + 0.001 * gradient**2
        rate = 0.1 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        value = value - rate * m / (np.sqrt(v) + 1e-7)
        expected.append(value)
    error = np.abs(trained(Adam(0.1), "float32") - expected).max()
    assert error < 5e-7
    assert (
        np.abs(trained(keras.optimizers.Adam(0.1), "float32") - expected).max() > error
    )


def test_float64_keeps_its_precision():
    found = run(Adam(0.1), dtype="float64")
    expected = run(keras.optimizers.Adam(0.1), dtype="float64")
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def operations_of_a_variable(made):
    """By how many operations a variable enlarges the graph of a step."""
    sizes = []
    for count in (2, 12):
        variables = [keras.Variable(np.ones(3, "float32")) for _ in range(count)]
        optimizer = made()
        optimizer.build(variables)
        step = tf.function(
            lambda o=optimizer, v=variables: o.apply([tf.ones(3)] * len(v))
        )
        sizes.append(len(step.get_concrete_function().graph.get_operations()))
    return (sizes[1] - sizes[0]) / 10


def test_the_graph_stays_small():
    arguments = {"learning_rate": SCHEDULE, "weight_decay": 0.1}
    ours = operations_of_a_variable(lambda: AdamW(**arguments))
    theirs = operations_of_a_variable(lambda: keras.optimizers.AdamW(**arguments))
    assert ours < 12 < 40 < theirs


def test_goes_on_with_the_state_of_keras():
    """Checkpoints of `keras.optimizers.Adam` fit."""
    expected = [v.name for v in built(keras.optimizers.Adam(0.1)).variables]
    assert [v.name for v in built(Adam(0.1)).variables] == expected


def built(optimizer):
    optimizer.build([keras.Variable(np.ones(3), name="weights")])
    return optimizer


@pytest.mark.parametrize("made", [Adam(0.2, beta_2=0.9), AdamW(0.1, weight_decay=0.5)])
def test_is_saved_and_loaded(made):
    config = keras.optimizers.serialize(made)
    loaded = keras.optimizers.deserialize(config)
    assert type(loaded) is type(made)
    assert loaded.get_config() == made.get_config()
