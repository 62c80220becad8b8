"""Starts processes of `distributed_*.py`, and compares what they find."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

SCRIPT = Path(__file__).parent / "distributed_cases.py"


def train(out, devices, cases=(), script=SCRIPT, **environment):
    """Starts a process that trains cases."""
    return subprocess.Popen(
        [sys.executable, str(script), str(out), devices, *cases],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(*processes):
    for process in processes:
        output, _ = process.communicate(timeout=1200)
        assert process.returncode == 0, output[-3000:]


def check_equal(found, wanted, case):
    """Losses to 1e-6 (relative), weights to 1e-5, as one device has them.

    Each replica rounds its own gradients in half precision.
    """
    digits = 1e3 if case == "mixed_float16" else 1.0
    names = [name for name in wanted.files if name.startswith(f"{case}/")]
    assert {f"{case}/loss", f"{case}/test", f"{case}/iterations"} < set(names)
    for name in names:
        assert np.isfinite(wanted[name]).all(), name
        bound = {"rtol": 1e-6 * digits, "atol": 0}
        if "/weight" in name:
            bound = {"rtol": 1e-5 * digits, "atol": 1e-5 * digits}
        elif name.endswith(("iterations", "scale")):
            bound = {"rtol": 0, "atol": 0}
        np.testing.assert_allclose(found[name], wanted[name], err_msg=name, **bound)
