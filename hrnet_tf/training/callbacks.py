"""What happens around the epochs of `model.fit`."""

import contextlib
import csv
import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from hrnet_tf.io import replacing, write_bytes
from hrnet_tf.optimizers.schedules import rate_before
from hrnet_tf.training.memory import peak_memory
from hrnet_tf.training.steps import StepCallback
from hrnet_tf.typing import Logs

if TYPE_CHECKING:
    from hrnet_tf.training.recipe import Recipe


class EpochEvaluation(keras.callbacks.Callback):
    """Runs the recipe's evaluation and adds its numbers to the epoch's logs.

    Args:
        recipe: `Recipe`.
        infer: function from images to outputs, see `inference_function`.
    Attributes:
        main_name: str. The one of the numbers to watch.
    """

    def __init__(self, recipe: "Recipe", infer: Callable[..., Any]) -> None:
        super().__init__()
        self.recipe = recipe
        self.infer = infer
        self.main_name = "score"

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        done = epoch + 1
        if not self.recipe.is_evaluated(done):
            return
        report = self.recipe.evaluate(self.model, self.infer)
        # Keras writes logs of its own; ours join them for the callbacks behind.
        logs.update({key: float(value) for key, value in report.numbers.items()})
        logs["score"] = float(report.main_number)
        self.main_name = getattr(report, "main_name", "score")


class Measurement(StepCallback):
    """Adds to the epoch's logs how it was trained, and what that took.

    Behind the evaluation, whose time it measures too. The logs get "learning_rate" (of
    the epoch's first step), "images_per_second" (of training alone, without the first
    step of a process, in which TensorFlow traces), "seconds" (with the evaluation) and
    "memory_mb", the most memory that this process ever held, where the system tells;
    with a GPU also
    "gpu_memory_mb", of the GPU that held most. Of an epoch that an earlier process
    began, speed and time are of this process' part.

    Args:
        batch_size: int. Images of a step, on all devices.
        first_step: int. Steps of the first epoch that an earlier process did.
    """

    def __init__(self, batch_size: int, first_step: int = 0) -> None:
        super().__init__(first_step)
        self.batch_size = batch_size
        self._is_traced = False

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        super().on_epoch_begin(epoch, logs)
        # At the end the schedule is at the next epoch's first step already.
        self._rate = rate_before(self.model.optimizer, self.first_step)
        self._begin = self._last = time.monotonic()
        self._timed_steps, self._timed_seconds = 0, 0.0

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        steps, now = self.steps_done, time.monotonic()
        super().on_train_batch_end(batch, logs)
        if self._is_traced:
            self._timed_steps += self.steps_done - steps
            self._timed_seconds += now - self._last
        self._is_traced = True
        self._last = now

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        steps, seconds = self._timed_steps, self._timed_seconds
        if not steps:
            steps = self.steps_done - self.first_step
            seconds = self._last - self._begin
        logs["learning_rate"] = self._rate
        # There are no steps where a process does nothing but the evaluation.
        if steps:
            logs["images_per_second"] = steps * self.batch_size / max(seconds, 1e-9)
        logs["seconds"] = time.monotonic() - self._begin
        logs.update(_memory())


def _memory():
    """The most memory held so far, by the process and by a GPU, in MB."""
    import tensorflow as tf

    peak = peak_memory()
    held = {} if peak is None else {"memory_mb": peak / 1e6}
    for gpu in tf.config.list_logical_devices("GPU"):
        # Those of other workers are not known here.
        with contextlib.suppress(ValueError):
            peak = tf.config.experimental.get_memory_info(gpu.name)["peak"] / 1e6
            held["gpu_memory_mb"] = max(peak, held.get("gpu_memory_mb", 0.0))
    return held


class History(keras.callbacks.Callback):
    """Keeps the epochs' logs in `history.csv` and draws `curves.png`.

    Args:
        output_dir: Path.
        rows: list of dicts, the epochs done before; extended in place.
    """

    def __init__(self, output_dir: Path, rows: list[dict[str, Any]]) -> None:
        super().__init__()
        self.output_dir = Path(output_dir)
        self.rows = rows

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.rows.append({"epoch": epoch + 1, **logs})
        self.write()

    def write(self) -> None:
        """Writes both files anew."""
        from hrnet_tf.pictures.plots import plot_history

        columns = list(dict.fromkeys(key for row in self.rows for key in row))
        table = io.StringIO(newline="")
        writer = csv.DictWriter(table, columns, restval="")
        writer.writeheader()
        writer.writerows(self.rows)
        write_bytes(self.output_dir / "history.csv", table.getvalue())
        curves = [{k: v for k, v in row.items() if k != "score"} for row in self.rows]
        columns = [column for column in columns if column != "score"]
        history = {c: [row.get(c, "") for row in curves] for c in columns}
        plot_history(history, self.output_dir / "curves.png")


class SaveBest(keras.callbacks.Callback):
    """Saves `best.keras` when the score rises and `last.keras` at the end.

    The saved models hold no optimizer: they are for evaluation and export.

    Args:
        output_dir: Path.
        best: float. The best score so far.
    Attributes:
        best_epoch: int, 1-based, of this process; None before there is one.
    """

    def __init__(self, output_dir: Path, best: float = float("-inf")) -> None:
        super().__init__()
        self.output_dir = Path(output_dir)
        self.best = best
        self.best_epoch: int | None = None
        self._copy: Any = None

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        score = logs.get("score", float("-inf"))
        if score > self.best:
            self.best = score
            self.best_epoch = epoch + 1
            self.save("best.keras")

    def on_train_end(self, logs: Logs = None) -> None:
        self.save("last.keras")

    def save(self, name: str) -> None:
        """Writes the model's weights and configuration."""
        if self._copy is None:
            self._copy = type(self.model).from_config(self.model.get_config())
        self._copy.set_weights(self.model.get_weights())
        with replacing(self.output_dir / name) as beside:
            self._copy.save(beside)
