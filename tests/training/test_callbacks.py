"""What a run writes of its epochs: measurements, history and TensorBoard's events."""

import csv
import resource
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_recipe import BATCH, STEPS, small_model, small_recipe

from hrnet_tf.optimizers.schedules import ScaledSchedule, rate_before
from hrnet_tf.training import callbacks
from hrnet_tf.training.run import train
from hrnet_tf.training.tensorboard import TensorBoard


def read_events(folder):
    """The scalars and images of TensorBoard's files: {tag: {step: value}}."""
    found = {}
    for path in sorted(folder.glob("events*")):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                steps = found.setdefault(value.tag, {})
                steps[event.step] = tf.make_ndarray(value.tensor)
    return found


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return train(small_recipe(epochs=3), folder)


def test_history_has_what_an_epoch_took(run):
    with open(run.output_dir / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    # Falls by half each epoch; the column is the rate of an epoch's first step.
    rates = [float(row["learning_rate"]) for row in rows]
    assert rates == pytest.approx([0.05, 0.025, 0.0125])
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    for row in rows:
        assert 0 < float(row["seconds"]) < 60
        # The step that is traced counts in no epoch.
        assert float(row["images_per_second"]) > BATCH * STEPS / float(row["seconds"])
        assert 50 < float(row["memory_mb"]) <= held * 1.01
        assert "gpu_memory_mb" not in row or tf.config.list_physical_devices("GPU")


def test_tensorboard_has_every_number(run):
    found = read_events(run.output_dir / "tensorboard")
    for name in ("loss", "learning_rate", "images_per_second", "seconds", "memory_mb"):
        assert found[name] == {
            row["epoch"]: pytest.approx(row[name], rel=1e-6) for row in run.history
        }
    assert set(found["error"]) == set(found["score"]) == {2, 3}
    assert (
        found["score"][3]
        == -found["error"][3]
        == pytest.approx(run.history[2]["score"])
    )
    assert set(found["predictions"]) == {2, 3}
    width, height, png = found["predictions"][2]
    assert (width, height) == (b"6", b"8")
    picture = tf.io.decode_png(png).numpy()
    np.testing.assert_array_equal(picture, np.full((8, 6, 3), 200))


def test_tensorboard_has_single_steps(run):
    found = read_events(run.output_dir / "tensorboard")
    losses = found["steps/loss"]
    assert list(losses) == list(range(1, 3 * STEPS + 1))
    # Each is of its own step: their mean over an epoch is the epoch's.
    for row in run.history:
        first = (row["epoch"] - 1) * STEPS + 1
        steps = [losses[step] for step in range(first, first + STEPS)]
        assert np.mean(steps) == pytest.approx(row["loss"], rel=1e-4)
    assert np.ptp([losses[step] for step in range(1, STEPS + 1)]) > 0.1
    # The rate after the step, which is the next one's.
    rates = [float(found["steps/learning_rate"][s]) for s in (1, STEPS, 3 * STEPS)]
    assert rates == pytest.approx([0.05 * 0.5**0.1, 0.025, 0.05 / 8])


def test_long_runs_have_about_a_thousand_points(tmp_path):
    board = TensorBoard(tmp_path, small_recipe(epochs=5), None, 2111)
    board.set_model(small_model())
    board.model.compile("sgd", "mse")
    board.on_epoch_begin(3)
    # Losses of 1, 2, 3, ...: the mean of the first n is (n + 1) / 2.
    for batch in range(50):
        logs = {"loss": (batch + 2) / 2, "gradient_norm": 3.0}
        board.on_train_batch_end(batch, logs)
    board.writer.flush()
    found = read_events(tmp_path / "tensorboard")
    steps = [3 * 2111 + 1, *range(6340, 6383, 10)]
    assert list(found["steps/loss"]) == steps
    done = np.array(steps) - 3 * 2111
    ends = np.concatenate([[0], done])
    expected = [
        np.arange(a + 1, b + 1).mean() for a, b in zip(ends, done, strict=False)
    ]
    assert list(found["steps/loss"].values()) == pytest.approx(expected)
    assert list(found["steps/gradient_norm"].values()) == pytest.approx([3.0] * 6)


def test_points_that_lie_in_different_epochs(tmp_path):
    board = TensorBoard(tmp_path, small_recipe(epochs=1500), None, 3)
    board.set_model(small_model())
    board.model.compile("sgd", "mse")
    losses = np.arange(12.0)
    for epoch, steps in enumerate(losses.reshape(4, 3)):
        board.on_epoch_begin(epoch)
        for batch in range(3):
            board.on_train_batch_end(batch, {"loss": steps[: batch + 1].mean()})
    board.writer.flush()
    found = read_events(tmp_path / "tensorboard")["steps/loss"]
    # Of the steps since the epoch's begin.
    expected = {1: 0.0, 4: 3.0, 8: 6.5, 12: 10.0}
    assert {step: float(loss) for step, loss in found.items()} == expected


def test_a_profile_of_the_steps_asked_for(tmp_path, monkeypatch):
    recipe = small_recipe(epochs=1)
    board = TensorBoard(tmp_path, recipe, None, STEPS, profile=(4, 6))
    asked, done = [], []
    start, stop = tf.profiler.experimental.start, tf.profiler.experimental.stop
    monkeypatch.setattr(
        tf.profiler.experimental,
        "start",
        lambda folder: (asked.append((folder, len(done) + 1)), start(folder)),
    )
    monkeypatch.setattr(
        tf.profiler.experimental, "stop", lambda: (asked.append(len(done)), stop())
    )
    count = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: done.append(batch)
    )
    model = small_model()
    model.compile("sgd", "mse")
    batches, _ = recipe.train_data(0, 0)
    model.fit(
        batches,
        steps_per_epoch=STEPS,
        shuffle=False,
        verbose=0,
        callbacks=[count, board],
    )
    folder = tmp_path / "tensorboard"
    assert asked == [(str(folder), 4), 6]
    (trace,) = folder.glob("plugins/profile/*/*.xplane.pb")
    assert trace.stat().st_size > 1000


def test_a_profile_that_comes_too_late_is_said(tmp_path):
    recipe = small_recipe(epochs=1)
    board = TensorBoard(tmp_path, recipe, None, STEPS, profile=(400, 410))
    board.set_model(small_model())
    board.model.compile("sgd", "mse")
    board.on_epoch_begin(0)
    board.on_train_batch_begin(0)
    board.on_train_batch_end(0, {"loss": 1.0})
    with pytest.warns(UserWarning, match="trained 1 steps.*begin at step 400"):
        board.on_epoch_end(0, {"loss": 1.0})


def test_a_profile_that_the_end_cuts_short(tmp_path):
    board = TensorBoard(tmp_path, small_recipe(epochs=1), None, STEPS, profile=(1, 400))
    board.set_model(small_model())
    board.model.compile("sgd", "mse")
    board.on_epoch_begin(0)
    board.on_train_batch_begin(0)
    board.on_train_batch_end(0, {"loss": 1.0})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        board.on_epoch_end(0, {"loss": 1.0})
    board.on_train_end()
    assert list((tmp_path / "tensorboard").glob("plugins/profile/*/*.xplane.pb"))


@pytest.mark.parametrize("profile", [(0, 3), (5, 4)])
def test_a_profile_of_no_steps(tmp_path, profile):
    with pytest.raises(ValueError, match=r"FIRST to LAST, counted from 1.*profile="):
        TensorBoard(tmp_path, small_recipe(), None, STEPS, profile=profile)


class TestMeasurement:
    def measured(self, monkeypatch, times, first_step=0):
        """The logs of an epoch; `times` are the clock's at its begin, steps, end."""
        clock = iter(times)
        monkeypatch.setattr(callbacks.time, "monotonic", lambda: next(clock))
        measurement = callbacks.Measurement(8, first_step)
        measurement.set_model(small_model())
        measurement.model.compile(keras.optimizers.SGD(0.5), "mse")
        epochs = []
        for epoch, steps in enumerate((3, 2)):
            logs = {}
            measurement.on_epoch_begin(epoch)
            for batch in range(steps):
                measurement.on_train_batch_end(batch)
            measurement.on_epoch_end(epoch, logs)
            epochs.append(logs)
        return epochs

    def test_tracing_and_evaluation_are_no_training(self, monkeypatch):
        times = [0, 60, 61, 62, 80, 90, 92, 94, 100]
        first, second = self.measured(monkeypatch, times)
        assert first["images_per_second"] == 2 * 8 / 2 and first["seconds"] == 80
        assert second["images_per_second"] == 2 * 8 / 4 and second["seconds"] == 10

    def test_a_process_that_only_evaluates_has_no_speed(self):
        measurement = callbacks.Measurement(8, first_step=5)
        measurement.set_model(small_model())
        measurement.model.compile(keras.optimizers.SGD(0.5), "mse")
        logs = {}
        measurement.on_epoch_begin(4)
        measurement.on_epoch_end(4, logs)
        assert "images_per_second" not in logs and logs["learning_rate"] == 0.5


@pytest.mark.parametrize("wrap", [lambda x: x, keras.optimizers.LossScaleOptimizer])
def test_the_rate_of_an_epoch_that_another_process_began(wrap):
    schedule = ScaledSchedule(keras.optimizers.schedules.ExponentialDecay(1.0, 1, 0.5))
    optimizer = wrap(keras.optimizers.SGD(schedule))
    optimizer.iterations.assign(7)
    assert rate_before(optimizer, 0) == 0.5**7
    assert rate_before(optimizer, 3) == 0.5**4
    assert rate_before(keras.optimizers.SGD(0.25), 3) == 0.25


def test_a_picture_every_evaluation_only_where_there_are_some(tmp_path):
    result = train(small_recipe(epochs=1, pictures=None), tmp_path)
    found = read_events(result.output_dir / "tensorboard")
    assert "predictions" not in found and set(found["score"]) == {1}
