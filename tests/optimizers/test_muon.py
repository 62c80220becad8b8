"""Muon for convolutions, against its formulas in NumPy."""

import keras
import numpy as np
import pytest

from hrnet_tf.optimizers.adam import AdamW
from hrnet_tf.optimizers.muon import Muon

RATE, MOMENTUM, DECAY = 0.03, 0.95, 0.1


def orthogonalized(matrix):
    """Five Newton-Schulz iterations, as the original publishes them."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrix / (np.linalg.norm(matrix) + 1e-7)
    x = x.T if matrix.shape[0] > matrix.shape[1] else x
    for _ in range(5):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x


def small_model():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, name="stem")(inputs)
    x = keras.layers.Conv2D(6, 3, name="body")(x)
    return keras.Model(inputs, keras.layers.Conv2D(2, 1, name="head")(x))


def draw_gradients(variables, steps=3):
    rng = np.random.default_rng(0)
    return [
        [rng.normal(size=v.shape).astype("float32") for v in variables]
        for _ in range(steps)
    ]


@pytest.mark.parametrize("nesterov", [True, False])
def test_steps_of_convolutions(nesterov):
    keras.utils.set_random_seed(0)
    model = small_model()
    variables = model.trainable_variables
    kernel = keras.ops.convert_to_numpy(variables[2]).reshape(-1, 6)
    optimizer = Muon(RATE, weight_decay=DECAY, nesterov=nesterov)
    optimizer.build(variables)
    average = np.zeros_like(kernel)
    for gradients in draw_gradients(variables):
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients])
        gradient = gradients[2].reshape(-1, 6)
        average = MOMENTUM * average + gradient
        step = orthogonalized(gradient + MOMENTUM * average if nesterov else average)
        # All singular values are about 1.
        assert np.linalg.norm(step) == pytest.approx(np.sqrt(6), rel=0.2)
        kernel = kernel * (1 - RATE * DECAY) - RATE * 0.2 * np.sqrt(36) * step
    found = keras.ops.convert_to_numpy(variables[2])
    np.testing.assert_allclose(found.reshape(-1, 6), kernel, rtol=1e-4, atol=1e-6)


def test_the_others_take_steps_of_adamw():
    found = []
    for make in (
        lambda: Muon(
            RATE, 0.5, weight_decay=2 * DECAY, exclude_layers=["^stem/", "head"]
        ),
        # Decay is a share of the rate, which is twice this.
        lambda: AdamW(RATE / 2, weight_decay=4 * DECAY, epsilon=1e-8),
    ):
        keras.utils.set_random_seed(0)
        variables = small_model().trainable_variables
        optimizer = make()
        optimizer.build(variables)
        for gradients in draw_gradients(variables):
            optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients])
        found.append([keras.ops.convert_to_numpy(v) for v in variables])
    names = [v.path for v in variables]
    for name, a, b in zip(names, *found, strict=True):
        if name == "body/kernel":
            assert np.abs(a - b).max() > 1e-3
        else:
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7, err_msg=name)


def test_is_saved_and_loaded():
    made = Muon(0.1, 0.3, weight_decay=0.2, exclude_layers=["^stem/"])
    loaded = keras.optimizers.deserialize(keras.optimizers.serialize(made))
    assert isinstance(loaded, Muon)
    assert loaded.get_config() == made.get_config()
    assert loaded.weight_decay == 0.2


def test_trains_on_as_keras_does():
    """A loaded model goes on with the optimizer's state."""
    keras.utils.set_random_seed(0)
    model = small_model()
    model.compile(Muon(1e-2, exclude_layers=["^head/"]), "mse")
    rng = np.random.default_rng(0)
    images = rng.random((8, 8, 8, 3), np.float32)
    targets = images[:, 2:-2, 2:-2, :2]
    history = model.fit(images, targets, epochs=30, verbose=0).history
    assert history["loss"][-1] < 0.2 * history["loss"][0]
