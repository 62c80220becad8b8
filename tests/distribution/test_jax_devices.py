"""On JAX two devices take the steps that one takes, and that TensorFlow takes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[1] / "distributed_cases.py"
CASES = (
    "plain",
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


def train(out, devices, cases, **environment):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(out), devices, *cases],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.slow
def test_two_devices(tmp_path):
    reference = tmp_path / "tensorflow.npz"
    train(reference, "1", CASES, KERAS_BACKEND="tensorflow")
    found = [np.load(reference)]
    for number in (1, 2):
        out = tmp_path / f"jax{number}.npz"
        shutil.copy(reference, out)
        flags = f"--xla_force_host_platform_device_count={number}"
        environment = {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}
        train(out, "jax", CASES, KERAS_BACKEND="jax", **environment)
        found.append(np.load(out))
    wanted, one, two = found
    assert {f"{case}/loss" for case in CASES} < set(two.files)
    for name in two.files:
        bound = {"rtol": 1e-6, "atol": 0, "err_msg": name}
        if "/weight" in name:
            bound |= {"rtol": 1e-5, "atol": 1e-5}
        np.testing.assert_allclose(two[name], one[name], **bound)
        # On JAX there are whole batches alone.
        if not name.endswith("/test"):
            np.testing.assert_allclose(two[name], wanted[name], **bound)
