"""A training step of the official W32 pose network, number by number."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from hrnet_tf import HRNetPose
from hrnet_tf.losses.heatmap import HeatmapMSE
from hrnet_tf.testing import draw_tensor
from hrnet_tf.weights.convert import load_torch_weights
from hrnet_tf.weights.names import official_name


@pytest.fixture(scope="module")
def steps(golden):
    """Our five steps on the golden's batch, and what the official code found."""
    expected = json.loads((golden / "training" / "pose_w32.json").read_text())
    arrays = np.load(golden / "training" / "pose_w32.npz")
    names = json.loads((golden / "models" / "pose_w32_256x192.json").read_text())
    shape = expected["input_shape_nhwc"]
    model = HRNetPose.from_preset(
        "hrnet_w32", image_size=shape[1:3], include_preprocessing=False
    )
    load_torch_weights(model, {n: draw_tensor(n, s) for n, s in names["state_dict"]})
    rng = np.random.default_rng(expected["input_seed"])
    inputs = tf.constant(rng.normal(0, 1, shape), tf.float32)
    weights = arrays["target_weight"][..., 0]
    loss, optimizer = HeatmapMSE(), keras.optimizers.Adam(1e-3, epsilon=1e-8)
    optimizer.build(model.trainable_variables)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            outputs = model(inputs, training=True)
            value = loss(arrays["target"], outputs, sample_weight=weights)
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply_gradients(
            zip(gradients, model.trainable_variables, strict=True)
        )
        norms = [tf.norm(tf.cast(g, tf.float64)) for g in gradients]
        return value, outputs, norms

    value, outputs, norms = step()
    state = {
        official_name(v.path): float(np.linalg.norm(v.numpy()))
        for v in model.non_trainable_variables
    }
    losses = [float(value)] + [float(step()[0]) for _ in range(4)]
    gradients = {
        official_name(v.path): float(norm)
        for v, norm in zip(model.trainable_variables, norms, strict=True)
    }
    return expected, arrays, losses, outputs.numpy(), gradients, state


def test_train_mode_output(steps):
    _, arrays, _, outputs, _, _ = steps
    expected = arrays["train_mode_output"]
    assert np.abs(outputs - expected).max() < 1e-4 * np.abs(expected).max()


def test_every_gradient(steps):
    expected, _, _, _, gradients, _ = steps
    official = expected["gradient_l2_norm_at_step_0"]
    assert set(gradients) == set(official)
    for name, norm in official.items():
        assert gradients[name] == pytest.approx(norm, rel=1e-3), name


def test_moving_statistics_after_a_step(steps):
    expected, _, _, _, _, state = steps
    official = expected["running_stat_l2_norm_after_step_0_forward"]
    assert set(state) == set(official)
    for name, norm in official.items():
        assert state[name] == pytest.approx(norm, rel=1e-4), name


def test_losses_of_five_steps(steps):
    expected, _, losses, _, _, _ = steps
    official = expected["loss_by_step"]
    assert losses[0] == pytest.approx(official[0], rel=1e-5)
    # Adam divides by the gradient's size and so amplifies rounding from step to step.
    assert losses[1:] == pytest.approx(official[1:], rel=0.02)
