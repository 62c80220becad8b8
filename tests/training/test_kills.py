"""Processes that are killed at random, and start again."""

import csv
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from hrnet_tf.data.synthetic import generate_people
from hrnet_tf.launch import exit_codes
from hrnet_tf.launch.supervisor import free_ports
from hrnet_tf.models.loading import load_model

NUM_KILLS, NUM_SUPERVISED = 20, 4
RECIPE = """
import functools

from hrnet_tf.tasks.pose.recipe import coco_pose_recipe, official_adam


def recipe(data_dir, epochs=6):
    return coco_pose_recipe(
        name="killed",
        settings={"preset": "hrnet_test", "batch_size": 4, "epochs": epochs},
        data_dir=data_dir,
        image_size=(64, 64),
        sigma=1.0,
        evaluate_every=2,
        optimizer=functools.partial(official_adam, learning_rate=1e-3),
    )
"""
# What differs between runs that train the same.
TIMED = ("images_per_second", "seconds", "memory_mb", "gpu_memory_mb")


@pytest.fixture(scope="module")
def command(tmp_path_factory):
    """The command of a run of some hundred steps, which saves a state at each."""
    folder = tmp_path_factory.mktemp("killed")
    generate_people(folder / "data", 60, 6)
    (folder / "recipe.py").write_text(RECIPE)
    return [
        *(str(Path(sys.executable).parent / "hrnet"), "train"),
        *(str(folder / "recipe.py"), "--data-dir", str(folder / "data")),
        *("--save-every", "0.001", "--out"),
    ]


@pytest.fixture(scope="module")
def undisturbed(command, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    subprocess.run([*command, str(folder)], check=True)
    return folder


def whole_states(folder):
    """The names of the saved states, without those that are being written."""
    return {path.name for path in (folder / "state").glob("epoch-*")}


def kill_after_some_states(process, folder, draw):
    """Waits for new states and a random while, and kills; False if it had ended."""
    seen = whole_states(folder)
    wanted = draw.randint(1, 8)
    fresh = set()
    while len(fresh) < wanted:
        if process.poll() is not None:
            return False
        fresh |= whole_states(folder) - seen
        time.sleep(0.002)
    time.sleep(draw.uniform(0, 0.3))
    process.send_signal(signal.SIGKILL)
    process.wait()
    return True


def history(folder):
    with open(folder / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    return [{k: v for k, v in row.items() if k not in TIMED} for row in rows]


def assert_same(found, expected, rtol=0.0, atol=0.0):
    for name in ("best.keras", "last.keras"):
        weights = [load_model(f / name).get_weights() for f in (found, expected)]
        for a, b in zip(*weights, strict=True):
            np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)
    for a, b in zip(history(found), history(expected), strict=True):
        assert a.keys() == b.keys()
        for key in a:
            values = [float(row[key] or "nan") for row in (a, b)]
            np.testing.assert_allclose(*values, rtol=max(rtol, atol))


@pytest.mark.slow
def test_twenty_kills_change_nothing(command, undisturbed, tmp_path):
    """After the last ones a supervisor starts the run again."""
    command = [*command, str(tmp_path)]
    draw = random.Random(int(os.environ.get("HRNET_TEST_SEED", "0")))
    for kills in range(NUM_KILLS - NUM_SUPERVISED):
        process = subprocess.Popen(command)
        assert kill_after_some_states(process, tmp_path, draw), (
            f"the run ended after {kills} kills"
        )
    process = subprocess.Popen(
        [*command, "--max-restarts", str(NUM_SUPERVISED)],
        stderr=subprocess.PIPE,
        text=True,
    )
    for _ in range(NUM_SUPERVISED):
        (child,) = _children(process.pid, 1)
        assert kill_after_some_states(_Process(child), tmp_path, draw)
    said = process.communicate()[1]
    assert process.returncode == 0
    for i in range(1, NUM_SUPERVISED + 1):
        assert f"SIGKILL. It starts again (restart {i} of {NUM_SUPERVISED})." in said
    assert_same(tmp_path, undisturbed, atol=1e-6)


@pytest.mark.slow
def test_a_deterministic_run_is_the_same_bit_for_bit(command, tmp_path):
    command = [*command, "OUT", "--deterministic", "--epochs", "3"]
    folders = [tmp_path / "whole", tmp_path / "killed"]
    commands = [[str(f) if a == "OUT" else a for a in command] for f in folders]
    subprocess.run(commands[0], check=True)
    draw = random.Random(0)
    for _ in range(2):
        process = subprocess.Popen(commands[1])
        assert kill_after_some_states(process, folders[1], draw)
    subprocess.run(commands[1], check=True)
    assert_same(*folders)


@pytest.mark.slow
def test_two_workers_go_on_together(command, tmp_path):
    """A killed worker, a killed chief, SIGTERM, and the same command again."""
    undisturbed, folder = tmp_path / "undisturbed", tmp_path / "killed"
    two = ["--workers", "2", "--epochs", "2"]
    subprocess.run([*command, str(undisturbed), *two], check=True)
    process = subprocess.Popen([*command, str(folder), *two, "--max-restarts", "2"])
    draw = random.Random(0)
    for victim in (1, 0):
        children = _children(process.pid, 2)
        assert kill_after_some_states(_Process(children[victim]), folder, draw)
        for child in children:
            _Process(child).wait()
    seen = whole_states(folder)
    _children(process.pid, 2)
    while whole_states(folder) == seen:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 75
    subprocess.run([*command, str(folder), *two], check=True)
    assert_same(folder, undisturbed, atol=1e-6)


@pytest.mark.slow
def test_a_worker_that_lost_the_chief_says_so(command, tmp_path):
    workers = [f"localhost:{port}" for port in free_ports(2)]
    processes = []
    for index in range(2):
        task = {"type": "worker", "index": index}
        config = json.dumps({"cluster": {"worker": workers}, "task": task})
        process = subprocess.Popen(
            [*command, str(tmp_path), "--strategy", "multiworker"],
            env={**os.environ, "TF_CONFIG": config, "CUDA_VISIBLE_DEVICES": ""},
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
    assert kill_after_some_states(processes[0], tmp_path, random.Random(0))
    said = processes[1].communicate(timeout=120)[1]
    assert processes[1].returncode == exit_codes.PEER_LOST
    assert re.search(r"error: Another worker is gone.*go on from .*/epoch-0000-", said)


class _Process:
    """A process that is not a child of this one, as `Popen` shows its children."""

    def __init__(self, pid):
        self.pid = pid

    def poll(self):
        return None if Path(f"/proc/{self.pid}").exists() else 0

    def send_signal(self, number):
        os.kill(self.pid, number)

    def wait(self):
        while self.poll() is None:
            time.sleep(0.01)


def _children(pid, count):
    """The children of a process, the oldest first, once there are so many."""
    file = Path(f"/proc/{pid}/task/{pid}/children")
    while len(found := file.read_text().split()) < count:
        time.sleep(0.05)
    return [int(child) for child in found]
