"""Two devices and two processes take the steps that one device takes."""

import json

import numpy as np
import pytest
from case_processes import check_equal, finish, train
from distributed_cases import CASES, STEPS

from hrnet_tf.launch.supervisor import free_ports

# Others have all that these have, or XLA compiles them for long.
CONTAINED = (
    "adamw_schedule",
    "fused_adamw",
    "clipnorm",
    "global_clipnorm",
    "accumulation",
    "ema",
    "ema_overwrite",
    "weights",
    "frozen",
    "frozen_jit_compile",
    "torch_sgd",
    "class_weights",
    "hard_pixels",
    "ignored_pixels",
    "fused_accumulation",
    "validated",
    "jit_compile",
    "frozen_jit_compile_all",
    "mixed_float16",
)
# Functions compiled by XLA of the train and the test function, for each replica.
COMPILED = {
    "frozen": (0, 0),
    "jit_compile": (0, 1),
    "frozen_jit_compile": (1, 1),
    "frozen_jit_compile_all": (1, 1),
}


def check_compiled(found, num_local, cases):
    for case in cases:
        wanted = [number * num_local for number in COMPILED[case]]
        np.testing.assert_array_equal(found[f"{case}/compiled"], wanted, case)


@pytest.fixture(scope="module")
def one_and_two_devices(request, tmp_path_factory):
    chosen = {
        case.callspec.params["case"]
        for case in request.session.items
        if case.path == request.path and hasattr(case, "callspec")
    }
    chosen.add("loss_scaling")
    if any(
        case.name == "test_two_devices_are_compiled" for case in request.session.items
    ):
        chosen |= {"frozen_jit_compile_all", "jit_compile"}
    if any(case.name == "test_two_processes" for case in request.session.items):
        chosen = set(CASES)
    folder = tmp_path_factory.mktemp("devices")
    files = [folder / f"{devices}.npz" for devices in "12"]
    finish(*(train(file, file.stem, sorted(chosen)) for file in files))
    return [np.load(file) for file in files]


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=pytest.mark.slow if case in CONTAINED else ())
        for case in CASES
    ],
)
def test_two_devices(one_and_two_devices, case):
    one, two = one_and_two_devices
    check_equal(two, one, case)


@pytest.mark.slow
def test_two_devices_are_compiled(one_and_two_devices):
    two = one_and_two_devices[1]
    run = {name.partition("/")[0] for name in two.files}
    check_compiled(two, 2, run & set(COMPILED))


def test_the_overflow_was_one(one_and_two_devices):
    for found in one_and_two_devices:
        assert found["loss_scaling/iterations"] == STEPS - 1


@pytest.mark.slow
def test_two_processes(one_and_two_devices, tmp_path):
    ports = free_ports(2)
    workers = [f"localhost:{port}" for port in ports]
    out = tmp_path / "workers.npz"
    # Keras' own `fit` stops there.
    cases = [case for case in CASES if case != "stock"]
    processes = [
        train(
            out,
            "workers",
            cases,
            TF_CONFIG=json.dumps(
                {
                    "cluster": {"worker": workers},
                    "task": {"type": "worker", "index": index},
                }
            ),
        )
        for index in range(2)
    ]
    finish(*processes)
    found = np.load(out)
    for case in cases:
        check_equal(found, one_and_two_devices[0], case)
    check_compiled(found, 1, COMPILED)
    # With and without XLA.
    for one in (found, *one_and_two_devices):
        for name in ("loss", "test"):
            plain, compiled = one[f"frozen/{name}"], one[f"frozen_jit_compile/{name}"]
            np.testing.assert_allclose(compiled, plain, rtol=1e-6)
