"""`hrnet train`: what it does with learning rates, compiled steps and profiles."""

import csv
import re

import keras
import pytest
from command_line import fail, run

RECIPE = """
from small_recipe import small_recipe


def recipe(batch_size=8, epochs=2):
    return small_recipe(epochs=epochs, batch_size=16)
"""


@pytest.fixture
def command(tmp_path):
    (tmp_path / "small.py").write_text(RECIPE)
    return ["train", tmp_path / "small.py", "--out", tmp_path / "run"]


def test_the_rate_is_scaled_and_warmed_up(command, tmp_path):
    text = run(*command, "--scale-lr", "--warmup-epochs", 1.5).out
    assert (
        "learning rate 0.05 x 16/8 = 0.1, warmed up over 1.5 epochs (15 steps)" in text
    )
    with open(tmp_path / "run" / "history.csv", newline="") as file:
        rates = [float(row["learning_rate"]) for row in csv.DictReader(file)]
    assert rates == pytest.approx([0.1 / 15, 0.05 * 11 / 15])
    # The same command is the same run; without the options it is another one.
    again = run(*command, "--scale-lr", "--warmup-epochs", 1.5).out
    assert "the run is finished" in again
    error = fail(*command)
    assert "learning_rate_factor (2.0 there, None now)" in error
    assert "warmup_epochs (1.5 there, None now)" in error


def test_a_rate_is_looked_for(command, tmp_path):
    text = run(*command, "--find-lr").out
    assert re.search(r"steepest descent +\d", text)
    assert re.search(r"a tenth of the minimum's +\d", text)
    folder = tmp_path / "run"
    files = {path.name for path in folder.iterdir()}
    assert files == {"learning_rate.csv", "learning_rate.png"}
    assert all(str(folder / name) in text for name in files)
    assert "--workers" in fail(*command, "--find-lr", "--workers", 2)


KEEPING = """
import dataclasses

import tensorflow as tf

from hrnet_tf.data.files import reader
from small_recipe import small_recipe


def recipe(batch_size=8, epochs=2):
    made = small_recipe(epochs=epochs, batch_size=16)
    read = made.train_data

    def train_data(*args, **kwargs):
        print("files kept:", reader([__file__]) is not tf.io.read_file)
        return read(*args, **kwargs)

    return dataclasses.replace(made, train_data=train_data)
"""


def test_files_are_kept_while_a_rate_is_looked_for(command, tmp_path):
    (tmp_path / "small.py").write_text(KEEPING)
    assert "files kept: True" in run(*command, "--find-lr", "--cache").out
    assert "files kept: False" in run(*command, "--find-lr", "--overwrite").out


def test_xla_takes_the_same_steps(command, tmp_path):
    def losses():
        with open(tmp_path / "run" / "history.csv", newline="") as file:
            return [float(row["loss"]) for row in csv.DictReader(file)]

    compiled = []
    compile = keras.Model.compile

    def note(model, *args, **kwargs):
        compiled.append(kwargs["jit_compile"])
        return compile(model, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.Model, "compile", note)
        run(*command)
        plain = losses()
        run(*command, "--overwrite", "--jit")
    on_tensorflow = keras.backend.backend() == "tensorflow"
    assert compiled == ([False, True] if on_tensorflow else ["auto", "auto"])
    assert losses() == pytest.approx(plain, rel=1e-5)


def test_a_profile(command, tmp_path):
    run(*command, "--profile", "3:5")
    folder = tmp_path / "run" / "tensorboard"
    assert len(list(folder.glob("plugins/profile/*/*.xplane.pb"))) == 1


@pytest.mark.parametrize("text", ["5", "a:b", "1:2:3", "4:3", "0:3"])
def test_a_profile_of_no_steps(command, text):
    error = fail(*command, "--profile", text)
    assert "FIRST:LAST" in error and repr(text) in error
