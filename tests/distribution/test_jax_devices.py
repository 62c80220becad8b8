"""On JAX two devices take the steps that one takes, and that TensorFlow takes."""

import shutil

import numpy as np
import pytest
from case_processes import finish, train

CASES = (
    "plain",
    "validated",
    "global_clipnorm",
    "accumulation",
    "ema",
    "ema_overwrite",
    "loss_scaling",
    "steps_per_execution",
    "weighted_mean",
    "class_weights",
    "ignored_pixels",
    "clip_accumulation_ema",
)


@pytest.mark.slow
def test_two_devices(tmp_path):
    reference = tmp_path / "tensorflow.npz"
    finish(train(reference, "1", CASES, KERAS_BACKEND="tensorflow"))
    found = [np.load(reference)]
    for number in (1, 2):
        out = tmp_path / f"jax{number}.npz"
        shutil.copy(reference, out)
        flags = f"--xla_force_host_platform_device_count={number}"
        environment = {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}
        finish(train(out, "jax", CASES, KERAS_BACKEND="jax", **environment))
        found.append(np.load(out))
    wanted, one, two = found
    assert {f"{case}/loss" for case in CASES} < set(two.files)
    for name in two.files:
        bound = {"rtol": 1e-6, "atol": 0, "err_msg": name}
        if "/weight" in name:
            bound |= {"rtol": 1e-5, "atol": 1e-5}
        np.testing.assert_allclose(two[name], one[name], **bound)
        np.testing.assert_allclose(two[name], wanted[name], **bound)
