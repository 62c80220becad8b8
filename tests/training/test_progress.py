"""The console's line of an epoch, on terminals and in files."""

import io
import types

import pytest
from rich.console import Console
from small_recipe import STEPS, small_recipe

from hrnet_tf.training import callbacks, progress
from hrnet_tf.training.progress import Progress, duration_text
from hrnet_tf.training.run import train

LOGS = {"loss": 0.421349, "images_per_second": 38.4, "memory_mb": 2125.0}
SCORES = {"mIoU": 0.51213, "score": 0.51213}


class Clock:
    """A clock that is moved by hand."""

    now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    found = Clock()
    fake = types.SimpleNamespace(monotonic=found.monotonic)
    monkeypatch.setattr(progress, "time", fake)
    return found


def a_progress(width=120, terminal=False, epochs=60, **changes):
    evaluation = callbacks.EpochEvaluation(None, None)
    evaluation.main_name = "mIoU"
    return Progress(
        small_recipe(epochs=epochs, evaluate_every=10),
        STEPS,
        Console(file=io.StringIO(), width=width, force_terminal=terminal),
        evaluation,
        callbacks.SaveBest("nowhere"),
        **changes,
    )


def run_epoch(shown, clock, epoch, logs, training=0.0, rest=0.0):
    """The line of an epoch whose steps and whose rest take so many seconds."""
    shown.on_epoch_begin(epoch)
    for batch in range(STEPS - shown.first_step):
        clock.now += training / STEPS
        shown.on_train_batch_end(batch, {"loss": 0.5})
    clock.now += rest
    shown.on_epoch_end(epoch, logs)
    return shown.console.file.getvalue().splitlines()[-1]


def test_the_line(clock):
    shown = a_progress()
    line = run_epoch(shown, clock, 2, LOGS, training=40, rest=2)
    assert line == "epoch 3/60  loss 0.4213  38 images/s  2.1 GB  40 min left"
    shown.saver.best_epoch = 10
    line = run_epoch(shown, clock, 9, {**LOGS, **SCORES}, training=40, rest=10)
    assert line == (
        "epoch 10/60  loss 0.4213  mIoU 0.5121 (best)  38 images/s  2.1 GB  36 min left"
    )
    line = run_epoch(shown, clock, 10, {**LOGS, **SCORES, "gpu_memory_mb": 11400.0})
    assert "mIoU 0.5121  38 images/s  2.1 GB, GPU 11.4 GB" in line
    unknown = {key: value for key, value in LOGS.items() if key != "memory_mb"}
    line = run_epoch(shown, clock, 11, unknown)
    assert "loss 0.4213  38 images/s  " in line and "GB" not in line


def test_the_time_left_knows_of_evaluations(clock):
    shown = a_progress(epochs=30)
    line = run_epoch(shown, clock, 0, LOGS, training=10, rest=1)
    # 29 epochs of 10 + 1 seconds; evaluations were not seen yet.
    assert line.endswith(f"{duration_text(29 * 10 + 26 * 1)} left")
    line = run_epoch(shown, clock, 9, {**LOGS, **SCORES}, training=30, rest=200)
    # The first step of all does not count: 19 steps took 39 seconds. 18 epochs are left
    # with a rest of 1 second, two with one of 200.
    assert line.endswith(f"{duration_text(20 * 390 / 19 + 18 * 1 + 2 * 200)} left")
    line = run_epoch(shown, clock, 29, {**LOGS, **SCORES}, training=60, rest=79)
    assert line.endswith(f"{duration_text(11 + 230 + 139)} in all")


def test_the_time_left_of_a_run_that_goes_on(clock):
    shown = a_progress(epochs=3, first_step=8)
    # Two steps of 2 seconds: 2 epochs of 10 steps are left.
    line = run_epoch(shown, clock, 0, LOGS, training=20)
    assert line.endswith("40 s left")
    line = run_epoch(shown, clock, 2, LOGS, training=30, rest=1)
    assert line.endswith("35 s since it went on")


def test_a_run_that_goes_on_after_an_epoch_does_not_tell_its_whole_time(clock):
    line = run_epoch(a_progress(epochs=2), clock, 1, LOGS, training=20)
    assert line.endswith("20 s since it went on")


@pytest.mark.parametrize(
    ("width", "left_out"),
    [(79, ()), (78, ("2.1 GB",)), (70, ("2.1 GB", "38 images/s"))],
)
def test_narrow_terminals_have_one_line(clock, width, left_out):
    shown = a_progress(width, terminal=True)
    shown.saver.best_epoch = 1
    run_epoch(shown, clock, 0, {**LOGS, **SCORES}, training=4e3)
    # What was shown in the middle of the epoch, if anything, is wiped away.
    text = shown.console.file.getvalue().rpartition("\x1b[2K")[2]
    assert "(best)" in text and "2 d 18 h left" in text
    for part in ("2.1 GB", "38 images/s"):
        assert (part in text) == (part not in left_out)


def test_files_have_whole_lines_and_no_bar(clock):
    shown = a_progress(width=40)
    run_epoch(shown, clock, 0, {**LOGS, **SCORES})
    (line,) = shown.console.file.getvalue().splitlines()
    assert line.startswith("epoch 1/60") and line.endswith("left") and len(line) > 60
    assert "\x1b" not in line


def test_the_bar_begins_where_an_earlier_process_ended(clock):
    shown = a_progress(terminal=True, first_step=6)
    shown.on_epoch_begin(0)
    assert shown.bar.tasks[0].completed == 6
    shown.on_train_batch_end(1, {"loss": 0.25})
    task = shown.bar.tasks[0]
    assert task.completed == 8 and task.total == STEPS
    assert task.fields["status"].startswith("loss 0.25")
    shown.stop()
    assert shown.bar is None


def test_the_bar_says_what_takes_long():
    shown = a_progress(terminal=True, epochs=2)
    for epoch, first in enumerate(["preparing the first step", ""]):
        shown.on_epoch_begin(epoch)
        assert shown.bar.tasks[0].fields["status"] == first
        for batch in range(STEPS):
            assert "testing" not in shown.bar.tasks[0].fields["status"]
            shown.on_train_batch_end(batch, {"loss": 0.25})
        # Of two epochs only the last is evaluated.
        assert shown.bar.tasks[0].fields["status"].endswith("  testing") == bool(epoch)
        shown.stop()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (99.4, "99 s"),
        (99.6, "2 min"),
        (2520, "42 min"),
        (5960, "99 min"),
        (5999, "1 h 40 min"),
        (6100, "1 h 42 min"),
        (47.6 * 3600, "47 h 36 min"),
        (100 * 3600, "4 d 4 h"),
    ],
)
def test_durations(seconds, text):
    assert duration_text(seconds) == text


def test_speeds_and_percents():
    shown = a_progress(epochs=60)
    shown.evaluation.main_name = "Mean"
    logs = {**LOGS, "Mean": 65.3149, "score": 65.3, "images_per_second": 0.62}
    assert "  Mean 65.31  0.6 images/s  " in str(shown._line(2, logs, "1 s left"))
    logs["images_per_second"] = 1234.4
    assert "  1234 images/s  " in str(shown._line(2, logs, "1 s left"))


def test_a_run_prints_a_line_an_epoch(tmp_path):
    console = Console(file=io.StringIO(), width=120)
    result = train(small_recipe(epochs=4), tmp_path, console=console)
    lines = console.file.getvalue().splitlines()[-4:]
    assert [line.split("  ")[0] for line in lines] == [
        f"epoch {i}/4" for i in (1, 2, 3, 4)
    ]
    rows = result.history
    for line, row in zip(lines, rows, strict=True):
        assert f"  loss {row['loss']:.4g}  " in line
        assert ("  error " in line) == ("score" in row)
    assert f"  error {rows[1]['error']:.4f} (best)  " in lines[1]
    assert lines[3].endswith("in all")
