"""On one device our train function gives what Keras' gives, with XLA too."""

import keras
import numpy as np
import pytest
from slow_params import cases

from hrnet_tf.distribution.model import ReplicatedModel
from hrnet_tf.lowlevel import accelerate
from hrnet_tf.models.pose import HRNetPose

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="TensorFlow's train function"
)


def data(weighted):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (6, 64, 64, 3)).astype("float32")
    y = rng.random((6, 16, 16, 17), np.float32)
    return (x, y, rng.random((6, 1, 1), np.float32)) if weighted else (x, y)


def model(stock):
    keras.utils.set_random_seed(0)
    made = HRNetPose.from_preset("hrnet_test", image_size=(64, 64))
    accelerate(made)
    if stock:
        made = keras.Model(made.inputs, made.outputs[0])
    made.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=False)
    return made


@pytest.mark.parametrize("weighted", cases((False, True), (True,)))
def test_fit_and_train_on_batch(weighted):
    x, y, *weights = data(weighted)
    found = []
    for stock in (False, True):
        net = model(stock)
        options = {"sample_weight": weights[0] if weights else None}
        fit = net.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0, **options)
        batch = net.train_on_batch(x, y, **options)
        found.append([*fit.history["loss"], float(batch)])
        found.append(net.get_weights())
    np.testing.assert_allclose(found[0], found[2], rtol=1e-6)
    for ours, theirs in zip(found[1], found[3], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_gradient_norm_of_several_types():
    inputs = keras.Input((3,))
    x = keras.layers.Dense(2, dtype="float64", kernel_initializer="ones")(inputs)
    x = keras.layers.Dense(1, dtype="float32", kernel_initializer="ones")(x)
    net = ReplicatedModel(inputs, x)
    net.track_gradient_norm = True
    net.compile("sgd", keras.losses.MeanAbsoluteError())
    logs = net.fit(np.ones((1, 3), "float32"), np.zeros((1, 1)), verbose=0).history
    # Of six kernel elements and two biases 1 each; of the head 3, 3 and 1.
    np.testing.assert_allclose(logs["gradient_norm"], (8 + 9 + 9 + 1) ** 0.5, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("interpolation", "amount"),
    [("nearest", "none"), ("nearest", "light"), ("bilinear", "none")],
)
def test_jit_compile(interpolation, amount):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (8, 128, 128, 3)).astype("float32")
    y = rng.random((8, 32, 32, 17), np.float32)
    found = []
    for jit_compile in (False, True):
        keras.utils.set_random_seed(0)
        net = HRNetPose.from_preset(
            "hrnet_test", image_size=(128, 128), interpolation=interpolation
        )
        accelerate(net, amount)
        net.track_gradient_norm = True
        net.compile(keras.optimizers.SGD(1e-3), "mse", jit_compile=jit_compile)
        assert net.jit_compile is jit_compile
        fit = net.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0)
        found.append(fit.history)
        found.append(net.get_weights())
    # Batch statistics magnify how differently XLA rounds.
    for name in ("loss", "gradient_norm"):
        np.testing.assert_allclose(found[0][name][0], found[2][name][0], rtol=1e-5)
        np.testing.assert_allclose(found[0][name], found[2][name], rtol=1e-4)
    assert np.ptp(found[0]["loss"]) > 1e-3 * found[0]["loss"][0]
    for plain, compiled in zip(found[1], found[3], strict=True):
        np.testing.assert_allclose(plain, compiled, rtol=1e-3, atol=1e-4)
