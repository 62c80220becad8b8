"""`hrnet train`: SIGTERM, several processes, questions."""

import sys

import pytest
from command_line import fail, run

# Trains in a second; SIGTERM comes in the first evaluation of its life.
RECIPE = """
import os
import signal
from pathlib import Path
from types import SimpleNamespace

import keras
import tensorflow as tf

from hrnet_tf.training.recipe import Recipe


def recipe(epochs=2, data_dir="."):
    def model():
        image = keras.Input((8,))
        return keras.Model(image, keras.layers.Dense(1)(image))

    def train_data(seed, first_epoch):
        batch = tf.ones((2, 8)), tf.zeros((2, 1))
        return tf.data.Dataset.from_tensors(batch).repeat(), 2

    def evaluate(*_):
        done = Path(data_dir) / "evaluated"
        if not done.exists():
            done.touch()
            os.kill(os.getpid(), signal.SIGTERM)
        return SimpleNamespace(numbers={"AP": 0.5}, main_number=0.5)

    return Recipe(
        name="tiny",
        settings={"epochs": epochs, "data_dir": data_dir},
        model=model,
        train_data=train_data,
        loss=keras.losses.MeanSquaredError,
        optimizer=lambda steps: keras.optimizers.SGD(),
        evaluate=evaluate,
        epochs=epochs,
        batch_size=2,
    )
"""


@pytest.fixture
def command(tmp_path):
    recipe = tmp_path / "tiny.py"
    recipe.write_text(RECIPE)
    return ["train", recipe, "--data-dir", tmp_path, "--out", tmp_path / "run"]


def test_sigterm_saves_and_ends_with_75(command):
    result = run(*command, exit_code=75)
    assert result.err.strip() == (
        "Stopped by SIGTERM after epoch 1, step 2 of 2; the state is saved."
    )
    result = run(*command)
    assert "going on after epoch 0 of 2 and 2 steps" in result.out
    assert "epoch 1/2" in result.out and "epoch 2/2" in result.out
    # Another run is refused, where nobody can be asked.
    assert "--overwrite" in fail(*command, "--epochs", 1)


def test_the_exit_codes_are_explained():
    text = " ".join(run("train", "--help").out.split())
    assert "After SIGTERM the state is saved and the exit code is 75" in text


class TestOptions:
    @pytest.fixture
    def given(self, monkeypatch):
        """What `train` was called with."""
        given = {}

        def train(recipe, out, **arguments):
            given.update(arguments)
            raise KeyboardInterrupt

        monkeypatch.setattr("hrnet_tf.training.run.train", train)
        return given

    def test_reach_the_run(self, command, given):
        options = ["--save-every", 0.5, "--deterministic", "--strategy", "mirrored"]
        run(*command, *options, exit_code=130)
        assert given["save_every"] == 0.5
        assert given["deterministic"] is True
        assert given["strategy"] == "mirrored"
        assert given["confirm"] is None

    def test_have_defaults(self, command, given):
        run(*command, exit_code=130)
        assert given["save_every"] == 10.0
        assert given["deterministic"] is False
        assert given["strategy"] == "one"

    @pytest.mark.parametrize("amount", [None, "none", "light", "full"])
    def test_tell_what_was_asked_for_from_what_was_not(self, command, given, amount):
        run(*command, *(["--recompute", amount] if amount else []), exit_code=130)
        assert given["recompute"] == amount

    def test_ask_on_a_terminal(self, command, given, monkeypatch):
        monkeypatch.setattr("hrnet_tf.cli.train._has_terminal", lambda: True)
        monkeypatch.setattr("typer.confirm", lambda question: question)
        run(*command, exit_code=130)
        assert given["confirm"]("Remove?") == "Remove?"

    @pytest.mark.parametrize(
        "wrong",
        [
            ("--save-every", "0"),
            ("--strategy", "parameter_server"),
            ("--workers", "0"),
            ("--max-restarts", "-1"),
        ],
    )
    def test_are_checked(self, command, wrong):
        assert wrong[0] in run(*command, *wrong, exit_code=2).err


def test_what_cannot_recompute_says_so_when_asked(command):
    text = fail(*command, "--recompute", "light")
    assert "has no layer that can recompute" in text and "Leave it out" in text


class TestSeveralProcesses:
    @pytest.fixture
    def supervised(self, monkeypatch):
        """The arguments of the supervisor, which ends with exit code 9."""
        calls = []

        class Supervisor:
            def __init__(self, *arguments, **keywords):
                calls.append((arguments, keywords))

            def run(self):
                return 9

        monkeypatch.setattr("hrnet_tf.launch.supervisor.Supervisor", Supervisor)
        return calls

    @pytest.mark.parametrize(
        ("options", "workers", "restarts", "strategy"),
        [
            (["--workers", "3"], 3, 0, ["--strategy", "multiworker"]),
            (["--max-restarts", "4"], 1, 4, []),
            (
                ["--workers=2", "--max-restarts=1", "--strategy=one"],
                2,
                1,
                ["--strategy", "multiworker"],
            ),
        ],
    )
    def test_are_the_same_command(
        self, command, monkeypatch, supervised, options, workers, restarts, strategy
    ):
        arguments = [str(argument) for argument in [*command, *options]]
        monkeypatch.setattr(sys, "argv", ["hrnet", *arguments])
        run(*arguments, exit_code=9)
        ((started, *others), keywords) = supervised[0]
        assert others == [command[-1], workers, restarts]
        assert started[0] == sys.executable and "app()" in started[2]
        alone = ["--workers", "1", "--max-restarts", "0", *strategy]
        assert started[3:] == [*arguments, *alone]
        assert keywords["first_only"] == ("--overwrite",)


def test_files_are_kept_here_or_read_elsewhere(command):
    result = fail(*command, "--cache", "--data-service", "grpc://localhost:1")
    assert "--cache keeps files in this process" in result
