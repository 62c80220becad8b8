"""Recomputed activations change neither gradients nor statistics."""

import keras
import numpy as np
import pytest

import hrnet_tf
from hrnet_tf.layers.recompute import is_again, set_recompute

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="TensorFlow alone can recompute"
)


def step(recompute):
    """Gradients, and all weights after a step in a graph."""
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    model = hrnet_tf.HRNetPose.from_preset("hrnet_test", image_size=(64, 64))
    rng = np.random.default_rng(0)
    for variable in model.trainable_weights:
        variable.assign(rng.normal(0, 0.2, variable.shape))
    if recompute:
        set_recompute(model)
    images = tf.constant(rng.integers(0, 256, (2, 64, 64, 3)), tf.float32)

    @tf.function
    def run():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(images, training=True)))
        return loss, tape.gradient(loss, model.trainable_weights)

    loss, gradients = run()
    return loss.numpy(), [g.numpy() for g in gradients], model.get_weights()


def test_changes_no_number():
    plain, again = step(False), step(True)
    assert again[0] == plain[0]
    for part in (1, 2):
        for found, wanted in zip(again[part], plain[part], strict=True):
            scale = np.abs(wanted).max()
            np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5 * scale)
    assert not is_again()


def test_can_be_taken_back():
    model = hrnet_tf.HRNetPose.from_preset("hrnet_test", image_size=(64, 64))
    set_recompute(model)
    modules = [x for x in model._flatten_layers() if getattr(x, "recompute", False)]
    assert {type(x).__name__ for x in modules} == {"HighResolutionModule", "Bottleneck"}
    set_recompute(model, False)
    assert not any(getattr(x, "recompute", False) for x in model._flatten_layers())


def test_needs_such_layers():
    inputs = keras.Input((8,))
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs), name="small")
    with pytest.raises(ValueError, match="model 'small' has no layer"):
        set_recompute(model)
