"""What a run shows on the console."""

import time
from typing import TYPE_CHECKING, Any

from hrnet_tf.training.steps import StepCallback
from hrnet_tf.typing import Logs

if TYPE_CHECKING:
    from rich.console import Console

    from hrnet_tf.training.callbacks import EpochEvaluation, SaveBest
    from hrnet_tf.training.recipe import Recipe


class Progress(StepCallback):
    """A progress bar of the epoch on a terminal, and a line an epoch.

    The line holds the loss, the evaluation's main number, images a second of training,
    the highest use of memory (and of a GPU's), and the time that is left. The latter
    is reckoned from this process' epochs, evaluations and all else apart from the
    training. Where a terminal is too narrow, it goes without memory and speed.

    Args:
        recipe: `Recipe`.
        steps_per_epoch: int.
        console: rich console to write to.
        evaluation: `EpochEvaluation`. Knows the main number's name.
        saver: `SaveBest`. Knows whether it was the best.
        first_step: int. Steps of the first epoch that an earlier process did.
    """

    def __init__(
        self,
        recipe: "Recipe",
        steps_per_epoch: int,
        console: "Console",
        evaluation: "EpochEvaluation",
        saver: "SaveBest",
        first_step: int = 0,
    ) -> None:
        super().__init__(first_step)
        self.recipe = recipe
        self.steps_per_epoch = steps_per_epoch
        self.console = console
        self.evaluation = evaluation
        self.saver = saver
        self.bar: Any = None
        self._clock = _Clock(recipe, steps_per_epoch)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        from rich import progress

        super().on_epoch_begin(epoch, logs)
        self._clock.begin(goes_on=epoch > 0 or self.first_step > 0)
        self.bar = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TextColumn("{task.fields[status]}"),
            progress.TimeRemainingColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self.task = self.bar.add_task(
            f"epoch {epoch + 1}/{self.recipe.epochs}",
            total=self.steps_per_epoch,
            completed=self.steps_done,
            # Minutes may pass before the first step of a large network.
            status="" if self._clock.is_traced else "preparing the first step",
        )
        self.bar.start()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        before = self.steps_done
        super().on_train_batch_end(batch, logs)
        self._clock.trained(self.steps_done - before)
        rate = self.bar.tasks[0].speed
        speed = f"  {_speed_text(rate * self.recipe.batch_size)}" if rate else ""
        status = f"loss {logs['loss']:.4g}{speed}"
        is_last = self.steps_done >= self.steps_per_epoch
        if is_last and self.recipe.is_evaluated(self.epoch + 1):
            status += "  testing"
        self.bar.update(self.task, completed=self.steps_done, status=status)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.stop()
        left = self._clock.end(epoch + 1)
        self.console.print(self._line(epoch + 1, logs, left), soft_wrap=True)

    def stop(self) -> None:
        """Takes the bar off the screen."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None

    def _line(self, done, logs, left):
        """The line, as a rich text."""
        from rich.text import Text

        parts = [f"epoch {done}/{self.recipe.epochs}", f"loss {logs['loss']:.4g}"]
        if "score" in logs:
            name = self.evaluation.main_name
            digits = 4 if abs(logs[name]) < 2 else 2
            best = " (best)" if self.saver.best_epoch == done else ""
            parts.append(f"{name} {logs[name]:.{digits}f}{best}")
        speeds = [_speed_text(logs[k]) for k in ("images_per_second",) if k in logs]
        # Not every system tells of both.
        memory = ", ".join(
            f"{label}{logs[key] / 1e3:.1f} GB"
            for key, label in (("memory_mb", ""), ("gpu_memory_mb", "GPU "))
            if key in logs
        )
        for measured in ([*speeds, *[memory] * bool(memory)], speeds, []):
            line = "  ".join([*parts, *measured, left])
            if not self.console.is_terminal or len(line) <= self.console.width:
                break
        text = Text(line)
        text.highlight_words(["(best)"], "green")
        return text


class _Clock:
    """Reckons from the epochs so far what time is left."""

    def __init__(self, recipe, steps_per_epoch):
        self.recipe = recipe
        self.steps_per_epoch = steps_per_epoch
        self._started = time.monotonic()
        self._training = self._steps = 0
        self.is_traced = False
        # Whether an earlier process began the run, whose time is not known.
        self._goes_on = None
        # What else an epoch took, by whether it was evaluated.
        self._rests = {True: [], False: []}

    def begin(self, goes_on):
        if self._goes_on is None:
            self._goes_on = goes_on
        self._until = time.monotonic()

    def trained(self, steps):
        now = time.monotonic()
        # The first step, in which TensorFlow traces, may take as long as an epoch.
        if self.is_traced:
            self._training += now - self._until
            self._steps += steps
        self.is_traced = True
        self._until = now

    def end(self, epochs_done):
        """Takes an epoch's end; returns what is left, as a text."""
        recipe = self.recipe
        rest = time.monotonic() - self._until
        self._rests[recipe.is_evaluated(epochs_done)].append(rest)
        seconds = 0.0
        for epoch in range(epochs_done + 1, recipe.epochs + 1):
            rests = self._rests[recipe.is_evaluated(epoch)]
            seconds += self._training * self.steps_per_epoch / max(self._steps, 1)
            seconds += sum(rests) / len(rests) if rests else 0.0
        if epochs_done == recipe.epochs:
            whole = "since it went on" if self._goes_on else "in all"
            return f"{duration_text(time.monotonic() - self._started)} {whole}"
        return f"{duration_text(seconds)} left"


def _speed_text(images_per_second):
    digits = 0 if images_per_second >= 10 else 1
    return f"{images_per_second:.{digits}f} images/s"


def duration_text(seconds: float) -> str:
    """Returns a time as people say it, such as "42 min" or "3 h 20 min"."""
    minutes = round(seconds / 60)
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    if minutes < 100:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    hours = round(minutes / 60)
    return f"{hours // 24} d {hours % 24} h"
