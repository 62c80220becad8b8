"""`hrnet train --strategy tpu` on JAX with two devices, and its return after a stop."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import jax_run
import numpy as np
import pytest

from hrnet_tf.data.synthetic import generate_people
from hrnet_tf.models.loading import load_model


def run(folder, out, num_devices, **environment):
    """Runs the command with so many JAX devices, or with TensorFlow if that is 0."""
    command = [str(Path(sys.executable).parent / "hrnet"), "train", jax_run.__file__]
    command += ["--data-dir", str(folder / "data"), "--out", str(out)]
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", **environment}
    if num_devices:
        command += ["--strategy", "tpu"]
        flag = f"--xla_force_host_platform_device_count={num_devices}"
        environment |= {
            "KERAS_BACKEND": "jax",
            "JAX_PLATFORMS": "cpu",
            "JAX_COMPILATION_CACHE_DIR": str(folder / "cache"),
            "XLA_FLAGS": flag,
        }
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=1800
    )
    return done.returncode, done.stdout + done.stderr


def losses(folder):
    with (folder / "history.csv").open() as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


@pytest.mark.slow
def test_one_two_and_stopped(tmp_path):
    generate_people(tmp_path / "data", 30, 7)
    names = ("tensorflow", "one", "two", "again")
    outs = {name: tmp_path / name for name in names}
    for number, name in enumerate(names[:3]):
        code, text = run(tmp_path, outs[name], number)
        assert code == 0, text[-3000:]
    code, text = run(tmp_path, outs["again"], 2, STOP_AT="5")
    assert code == 75 and "Stopped by SIGTERM after epoch 1, step" in text, text[-3000:]
    code, text = run(tmp_path, outs["again"], 2)
    assert code == 0 and "going on after epoch 0 of 2 and" in text, text[-3000:]
    found = {name: losses(out) for name, out in outs.items()}
    weights = {
        name: load_model(out / "last.keras").get_weights() for name, out in outs.items()
    }
    assert abs(found["one"][1] - found["one"][0]) > 1e-4 * found["one"][0]
    # The same program on the same data; a mean that was saved is a little rounded.
    np.testing.assert_allclose(found["again"], found["two"], rtol=1e-6)
    for one, other in zip(weights["again"], weights["two"], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    # The statistics of small batches magnify how differently programs round.
    for name in ("tensorflow", "one"):
        np.testing.assert_allclose(found[name], found["two"], rtol=1e-4)
        for one, other in zip(weights[name], weights["two"], strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-2, atol=1e-2)
