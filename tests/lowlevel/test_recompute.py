"""Recomputed activations change neither gradients nor statistics."""

import keras
import numpy as np
import pytest
from slow_params import cases

import hrnet_tf
from hrnet_tf.layers.residual import BasicBlock
from hrnet_tf.lowlevel import accelerate
from hrnet_tf.lowlevel.recompute import is_again, recomputed_call

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="TensorFlow alone can recompute"
)


def step(amount, eager=False):
    """Gradients, and all weights after a step."""
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    model = hrnet_tf.HRNetPose.from_preset("hrnet_test", image_size=(64, 64))
    rng = np.random.default_rng(0)
    for variable in model.trainable_weights:
        variable.assign(rng.normal(0, 0.2, variable.shape))
    accelerate(model, amount)
    images = tf.constant(rng.integers(0, 256, (2, 64, 64, 3)), tf.float32)

    def run():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(images, training=True)))
        return loss, tape.gradient(loss, model.trainable_weights)

    loss, gradients = run() if eager else tf.function(run)()
    return loss.numpy(), [g.numpy() for g in gradients], model.get_weights()


@pytest.mark.parametrize(
    "amount, eager",
    cases(
        [("light", False), ("full", False), ("none", True), ("full", True)],
        quick=["full"],
    ),
)
def test_changes_no_number(amount, eager):
    plain, again = step("none"), step(amount, eager)
    np.testing.assert_allclose(again[0], plain[0], rtol=1e-6 if eager else 0)
    # Other kernels: fused ones in graphs.
    bound = 1e-3 if eager else 1e-5
    for part in (1, 2):
        for found, wanted in zip(again[part], plain[part], strict=True):
            scale = np.abs(wanted).max()
            np.testing.assert_allclose(found, wanted, rtol=bound, atol=bound * scale)
    assert not is_again()


def test_xla_does_not_merge_the_two_passes_on_gpus(monkeypatch):
    import tensorflow as tf

    gpus = [tf.config.PhysicalDevice("/physical_device:GPU:0", "GPU")]
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus)
    inputs = tf.constant(np.random.default_rng(0).normal(size=(2, 8, 8, 3)), tf.float32)
    block = BasicBlock(3)
    block.build(inputs.shape)
    accelerate(block)
    found = []
    for again in (False, True):
        if again:
            block.call = recomputed_call(block.call)

        @tf.function(jit_compile=True)
        def step(inputs):
            with tf.GradientTape() as tape:
                loss = tf.reduce_sum(block(inputs, training=True) ** 2)
            return tape.gradient(loss, block.trainable_weights)

        gradients = [g.numpy() for g in step(inputs)]
        compiled = step.experimental_get_compiler_ir(inputs)(stage="optimized_hlo")
        found.append((gradients, compiled.count(" convolution(")))
    (plain, fewer), (again, more) = found
    # The backward pass runs convolutions of the forward pass again.
    assert more > fewer
    for a, b in zip(again, plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4 * np.abs(b).max())
