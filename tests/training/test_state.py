"""Saved states: going on in mid-epoch, damage, full disks, SIGTERM, other models."""

import errno
import hashlib
import json
import re
import resource
import signal

import keras
import numpy as np
import pytest
import small_runs
import tensorflow as tf
from small_runs import (
    ALWAYS,
    STEPS,
    ending,
    interrupt,
    same,
    small_recipe,
    states,
    terminate,
    train_until,
)

from hrnet_tf.io import replacing
from hrnet_tf.launch.preemption import Preempted
from hrnet_tf.training.run import train
from hrnet_tf.training.state import read_state


@pytest.fixture(autouse=True, scope="module")
def no_curves():
    """Half of the time of these runs would go into drawing."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr("hrnet_tf.pictures.plots.plot_history", lambda *_: None)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return train(small_recipe(), tmp_path_factory.mktemp("whole"))


def stopped(monkeypatch, folder, step):
    """Leaves the states of a run that was stopped after so many steps."""
    _, error = train_until(
        monkeypatch, step, interrupt, small_recipe(), folder, save_every=ALWAYS
    )
    assert isinstance(error, KeyboardInterrupt)


class TestGoingOn:
    # Within an epoch, before its evaluation, several times, after a whole epoch.
    @pytest.mark.parametrize("stops", [(6,), (2, 2, 1, 3)])
    def test_is_as_if_nothing_had_happened(self, whole, monkeypatch, tmp_path, stops):
        done = 0
        for step in stops:
            stopped(monkeypatch, tmp_path, step)
            done += step
            position = f"epoch-{(done - 1) // STEPS:04d}-step-"
            assert states(tmp_path)[-1].startswith(position)
        steps, error = train_until(
            monkeypatch, 99, interrupt, small_recipe(), tmp_path, save_every=60
        )
        assert error is None
        # No step is trained twice.
        assert steps == 3 * STEPS - done
        same(train(small_recipe(), tmp_path), whole)

    def test_repeats_no_training_for_an_evaluation(self, whole, monkeypatch, tmp_path):
        recipe = ending(small_recipe(), 2, interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(recipe, tmp_path, save_every=ALWAYS)
        assert states(tmp_path) == ["epoch-0001-step-000004", "epoch-0001-step-000005"]
        steps, error = train_until(monkeypatch, 99, interrupt, small_recipe(), tmp_path)
        assert error is None and steps == STEPS
        same(train(small_recipe(), tmp_path), whole)

    @pytest.mark.slow
    def test_keeps_the_means_of_several_losses(self, monkeypatch, tmp_path):
        recipe = small_recipe(two_losses=True)
        undisturbed = train(recipe, tmp_path / "whole")
        assert {"aux_loss", "main_loss"} <= set(undisturbed.history[0])
        folder = tmp_path / "stopped"
        train_until(monkeypatch, 7, interrupt, recipe, folder, save_every=ALWAYS)
        same(train(recipe, folder), undisturbed)

    def test_saves_by_the_clock(self, monkeypatch, tmp_path):
        recipe = small_recipe()
        train_until(monkeypatch, 8, interrupt, recipe, tmp_path, save_every=60)
        assert states(tmp_path) == ["epoch-0001"]

    def test_data_that_end_early_are_an_error(self, tmp_path):
        recipe = small_recipe()

        def short(*arguments):
            batches, steps = recipe.train_data(*arguments)
            return batches.take(2 * STEPS - 1), steps

        with (
            pytest.warns(UserWarning, match="ran out of data"),
            pytest.raises(ValueError, match="ended after step 4 of epoch 2.* 5 steps"),
        ):
            train(small_recipe(train_data=short), tmp_path)
        assert states(tmp_path) == ["epoch-0001"]

    def test_takes_positive_minutes(self, tmp_path):
        with pytest.raises(ValueError, match=r"positive minutes.*save_every=0"):
            train(small_recipe(), tmp_path, save_every=0)


class TestState:
    def test_states_its_checksums(self, whole):
        state = whole.output_dir / "state" / "epoch-0003"
        names = ["sha256sums", "state.json", "variables.npz"]
        assert sorted(path.name for path in state.iterdir()) == names
        lines = (state / "sha256sums").read_text().splitlines()
        for line in lines:
            digest, name = line.split("  ")
            found = hashlib.sha256((state / name).read_bytes()).hexdigest()
            assert digest == found
        assert len(lines) == 2

    def test_holds_every_variable(self, whole):
        state = whole.output_dir / "state" / "epoch-0003"
        content = json.loads((state / "state.json").read_text())
        described = content["variables"]
        arrays = np.load(state / "variables.npz")
        assert [list(arrays[f"arr_{i}"].shape) for i in range(len(described))] == [
            shape for _, shape, _ in described
        ]
        names = [name for name, *_ in described]
        # Four weights, the dropout's draws, and Adam's step and two moments of each.
        assert len(names) == 4 + 1 + 1 + 8
        assert {"first/kernel", "first/bias", "main/kernel", "main/bias"} < set(names)
        step = next(i for i, name in enumerate(names) if name.endswith("iteration"))
        assert arrays[f"arr_{step}"] == 3 * STEPS
        assert content["steps_per_epoch"] == STEPS and content["epoch"] == 3

    def test_two_are_kept(self, whole):
        assert states(whole.output_dir) == ["epoch-0002", "epoch-0003"]

    def test_none_is_none(self, tmp_path):
        assert read_state(tmp_path) is None


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path):
    path.write_bytes(path.read_bytes()[:100])


class TestDamage:
    @pytest.mark.parametrize("damage", [flip, cut, lambda path: path.unlink()])
    @pytest.mark.parametrize("name", ["variables.npz", "state.json", "sha256sums"])
    def test_is_found(self, monkeypatch, tmp_path, stopped_run, name, damage):
        newest = tmp_path / "state" / "epoch-0001-step-000002"
        damage(newest / name)
        with pytest.warns(UserWarning, match="is damaged") as warned:
            state = read_state(tmp_path)
        assert (state.epoch, state.step) == (1, 1)
        assert str(newest) in str(warned[0].message)
        assert "Going on from an older one, epoch-0001-step-000001" in str(
            warned[0].message
        )

    @pytest.fixture
    def stopped_run(self, tmp_path, run_with_two_states):
        import shutil

        shutil.copytree(run_with_two_states, tmp_path, dirs_exist_ok=True)

    @pytest.fixture(scope="class")
    def run_with_two_states(self, tmp_path_factory):
        folder = tmp_path_factory.mktemp("stopped")
        with pytest.MonkeyPatch.context() as monkeypatch:
            stopped(monkeypatch, folder, STEPS + 2)
        assert states(folder) == ["epoch-0001-step-000001", "epoch-0001-step-000002"]
        return folder

    def test_costs_no_more_than_a_state(self, whole, tmp_path, stopped_run):
        flip(tmp_path / "state" / "epoch-0001-step-000002" / "variables.npz")
        with pytest.warns(
            UserWarning, match="variables.npz does not have the checksum"
        ):
            same(train(small_recipe(), tmp_path), whole)

    def test_of_all_states_is_an_error(self, tmp_path, stopped_run):
        for state in (tmp_path / "state").iterdir():
            (state / "variables.npz").unlink()
        with pytest.raises(ValueError) as error:
            train(small_recipe(), tmp_path)
        text = str(error.value)
        assert re.search(r"no state to go on from.*step-000002.*step-000001", text)
        assert "begin anew with `overwrite=True`" in text
        assert len(train(small_recipe(), tmp_path, overwrite=True).history) == 3

    def test_damaged_states_are_not_kept(self, monkeypatch, tmp_path, stopped_run):
        (tmp_path / "state" / "epoch-0002").mkdir()
        with pytest.warns(UserWarning, match="epoch-0002 is damaged"):
            stopped(monkeypatch, tmp_path, 1)
        assert states(tmp_path) == ["epoch-0001-step-000002", "epoch-0001-step-000003"]

    def test_half_written_states_are_ignored(self, whole, tmp_path, stopped_run):
        (tmp_path / "state" / ".0a1b.partial.epoch-0002").mkdir()
        (tmp_path / ".0a1b.partial.best.keras").write_bytes(b"half")
        same(train(small_recipe(), tmp_path), whole)
        assert states(tmp_path) == ["epoch-0002", "epoch-0003"]
        assert not list(tmp_path.rglob("*partial*"))


class TestFullDisk:
    @pytest.fixture
    def limit(self):
        """Makes the kernel refuse files of more than some bytes, as full disks do."""
        before = resource.getrlimit(resource.RLIMIT_FSIZE)

        def limit(size):
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

        yield limit
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    def test_while_saving_loses_nothing(self, whole, monkeypatch, tmp_path, limit):
        lift = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
        recipe = small_recipe()
        _, error = train_until(
            monkeypatch, 7, lambda: limit(1500), recipe, tmp_path, save_every=ALWAYS
        )
        limit(lift)
        assert isinstance(error, OSError)
        text = str(error)
        newest = "epoch-0001-step-000002"
        assert f"The run could not write to {tmp_path}" in text
        assert "File too large" in text and "MB are free there" in text
        assert f"{tmp_path / 'state' / newest}, is whole" in text
        assert states(tmp_path)[-1] == newest
        assert not list(tmp_path.rglob("*partial*"))
        same(train(recipe, tmp_path), whole)

    def test_while_saving_the_best_model_loses_nothing(
        self, whole, tmp_path, monkeypatch
    ):
        from hrnet_tf.training.callbacks import SaveBest

        def full(self, name):
            with replacing(self.output_dir / name) as beside:
                beside.write_bytes(b"half")
                raise OSError(errno.ENOSPC, "No space left on device", str(beside))

        with monkeypatch.context() as patched:
            patched.setattr(SaveBest, "save", full)
            with pytest.raises(OSError, match="No space left.*No state is saved"):
                train(small_recipe(), tmp_path)
        assert not list(tmp_path.rglob("*partial*"))
        same(train(small_recipe(), tmp_path), whole)


class TestTerminated:
    @pytest.mark.parametrize("step", [2, STEPS])
    def test_saves_and_stops(self, whole, monkeypatch, tmp_path, step):
        before = signal.getsignal(signal.SIGTERM)
        _, error = train_until(monkeypatch, step, terminate, small_recipe(), tmp_path)
        assert isinstance(error, Preempted) and error.code == 75
        epoch, within = divmod(step - 1, STEPS)
        assert str(error) == (
            f"Stopped by SIGTERM after epoch {epoch + 1}, step {within + 1} of 5; the"
            " state is saved."
        )
        assert states(tmp_path)[-1] == f"epoch-{epoch:04d}-step-{within + 1:06d}"
        assert signal.getsignal(signal.SIGTERM) is before
        same(train(small_recipe(), tmp_path), whole)

    def test_does_not_wait_for_an_evaluation(self, whole, tmp_path):
        def terminate_and_wait():
            terminate()
            pytest.fail("the evaluation went on")

        recipe = ending(small_recipe(), 2, terminate_and_wait)
        with pytest.raises(Preempted, match="after epoch 2, step 5 of 5"):
            train(recipe, tmp_path)
        assert states(tmp_path) == ["epoch-0001", "epoch-0001-step-000005"]
        # Neither does a run that has only the evaluation left.
        recipe = ending(small_recipe(), 1, terminate_and_wait)
        with pytest.raises(Preempted, match="after epoch 2, step 5 of 5"):
            train(recipe, tmp_path)
        same(train(small_recipe(), tmp_path), whole)

    def test_may_come_while_a_graph_is_made(self, whole, tmp_path):
        """As those of the batches of a test are, in which nothing has a value."""

        @tf.function
        def made():
            terminate()
            pytest.fail("the graph was made")

        recipe = ending(small_recipe(), 2, made)
        with pytest.raises(Preempted, match="after epoch 2, step 5 of 5"):
            train(recipe, tmp_path)
        assert states(tmp_path) == ["epoch-0001", "epoch-0001-step-000005"]
        same(train(small_recipe(), tmp_path), whole)

    def test_before_the_first_step(self, tmp_path):
        recipe = small_recipe(model=terminate)
        with pytest.raises(Preempted, match="before the training began"):
            train(recipe, tmp_path / "run")
        assert not (tmp_path / "run").exists()


class TestRefused:
    def test_another_optimizer(self, monkeypatch, tmp_path):
        train_until(monkeypatch, 6, interrupt, small_recipe(), tmp_path)
        # Such as states that were copied there.
        (tmp_path / "run.json").unlink()
        recipe = small_recipe(optimizer=keras.optimizers.SGD)
        with pytest.raises(ValueError) as error:
            train(recipe, tmp_path)
        text = str(error.value)
        assert f"{tmp_path / 'state' / 'epoch-0001'} is a state of another" in text
        # Adam's two moments of four variables, and each optimizer's step.
        assert "14 variables there, 6 now" in text
        assert "only there adam/iteration () int64, adam/" in text
        assert "only now sgd/iteration () int64." in text.lower()
        assert "begin anew with `overwrite=True`" in text

    def test_another_model(self, monkeypatch, tmp_path):
        train_until(monkeypatch, 6, interrupt, small_recipe(), tmp_path)
        # Such as states that were copied there.
        (tmp_path / "run.json").unlink()
        with pytest.raises(ValueError) as error:
            train(small_recipe(width=9), tmp_path)
        text = str(error.value)
        assert "only there first/kernel (6, 8) float32, first/bias (8,) float32" in text
        assert "only now first/kernel (6, 9) float32, first/bias (9,) float32" in text

    def test_other_data(self, monkeypatch, tmp_path):
        recipe = small_recipe()
        train_until(monkeypatch, 6, interrupt, recipe, tmp_path)

        def fewer(*arguments):
            return recipe.train_data(*arguments)[0], STEPS - 1

        with pytest.raises(ValueError, match="data set has changed.* 5 steps.*give 4"):
            train(small_recipe(train_data=fewer), tmp_path)

    def test_a_folder_that_is_in_use(self, tmp_path):
        def train_too():
            with pytest.raises(ValueError, match="Another process is training in"):
                train(small_recipe(), tmp_path)

        assert len(train(ending(small_recipe(), 1, train_too), tmp_path).history) == 3


class TestAnotherRun:
    def test_is_removed_if_one_says_so(self, tmp_path):
        train(small_recipe(), tmp_path)
        (tmp_path / "mine.txt").write_text("kept")
        asked = []

        def answer(yes):
            return lambda question: asked.append(question) or yes

        other = small_recipe(settings={"epochs": 4})
        with pytest.raises(ValueError, match="pass `overwrite=True`"):
            train(other, tmp_path, confirm=answer(False))
        assert states(tmp_path) == ["epoch-0002", "epoch-0003"]
        result = train(other, tmp_path, confirm=answer(True))
        assert len(result.history) == small_runs.EPOCHS
        assert asked == [asked[0]] * 2 and asked[0].endswith("Remove that run?")
        assert "epochs (3 there, 4 now)" in asked[0]
        assert (tmp_path / "mine.txt").exists()

    def test_whose_file_is_damaged_is_named(self, tmp_path):
        (tmp_path / "run.json").write_text("{")
        with pytest.raises(ValueError, match=r"run.json is damaged.*`overwrite=True`"):
            train(small_recipe(), tmp_path)
