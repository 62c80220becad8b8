"""What stops a run whose loss is no number any more."""

import math
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np

from hrnet_tf.training.state import VARIABLES_FILE
from hrnet_tf.training.steps import RecentMean, StepCallback
from hrnet_tf.typing import Logs

if TYPE_CHECKING:
    from hrnet_tf.training.recipe import Recipe


# Steps whose mean loss is looked at, and how often it may exceed the smallest and the
# first such mean: losses of a run that learns vary by a few times, and the first steps
# after a drop to a hundredth may well look back.
WINDOW = 50
OVER_SMALLEST = 20
OVER_FIRST = 5
_NAMED_FILES = 8


class StopOnNonFinite(StepCallback):
    """Stops a run at the step whose loss became NaN or infinite, or diverges.

    The loss diverges where its mean over the last 50 steps is more than 20 times the
    smallest such mean so far and more than 5 times the first; so never in the first 50
    steps of a process. In float16 the loss is looked at before it is scaled: gradients
    that overflow, which loss scaling leaves out, stop nothing.

    Nothing is computed for it: Keras hands the mean loss of the epoch to every
    callback. It stands before those that save, so that they save nothing of a step
    that it stops at.

    Args:
        recipe: `Recipe`.
        steps_per_epoch: int.
        output_dir: Path.
        seed: int, of the run.
        first_step: int. Steps of the first epoch that an earlier process did.
    """

    def __init__(
        self,
        recipe: "Recipe",
        steps_per_epoch: int,
        output_dir: Path,
        seed: int,
        first_step: int = 0,
    ) -> None:
        super().__init__(first_step)
        self.recipe = recipe
        self.steps_per_epoch = steps_per_epoch
        self.output_dir = Path(output_dir)
        self.seed = seed
        self._losses: deque[float] = deque(maxlen=WINDOW)
        self._first: float | None = None
        self._smallest: float | None = None

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        super().on_epoch_begin(epoch, logs)
        self._loss = RecentMean()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        super().on_train_batch_end(batch, logs)
        mean = logs["loss"]
        if not math.isfinite(mean):
            # Gradients that are no numbers show in the next step's loss.
            raise ValueError(self._explain(f"became {mean}", num_batches=2))
        self._losses.append(self._loss.take(self.steps_done, mean))
        if len(self._losses) < WINDOW:
            return
        recent = sum(self._losses) / WINDOW
        if self._first is None or self._smallest is None:
            self._first = self._smallest = recent
        self._smallest = min(self._smallest, recent)
        if recent > max(OVER_SMALLEST * self._smallest, OVER_FIRST * self._first):
            raise ValueError(
                self._explain(
                    f"diverges: its mean over the last {WINDOW} steps is {recent:.4g},"
                    f" after {self._first:.4g} at first and {self._smallest:.4g} at"
                    " best"
                )
            )

    def _explain(self, what, num_batches=1):
        state, best = self._good_state(), self.output_dir / "best.keras"
        kept = [f"the last good state is {state}"] if state else []
        kept += [f"the best model {best}"] if best.exists() else []
        return (
            f"The loss {what} (epoch {self.epoch + 1}, step {self.steps_done} of"
            f" {self.steps_per_epoch}). {self._batches(num_batches)}"
            f" {_sentence(kept) or 'Nothing good was saved before.'}"
            " Look at these images and their labels; else lower the learning rate,"
            " warm it up (`warmup_epochs`), or clip the gradients (the optimizer's"
            " global_clipnorm), and start anew: the same command would meet the same"
            " step again."
        )

    def _good_state(self):
        """The last state whose numbers are finite, or None."""
        # A step may have left a finite loss and weights that are not.
        for folder in sorted((self.output_dir / "state").glob("epoch-*"))[::-1]:
            try:
                with np.load(folder / VARIABLES_FILE) as arrays:
                    floats = (a for a in arrays.values() if a.dtype.kind == "f")
                    if all(np.isfinite(array).all() for array in floats):
                        return folder
            except (OSError, ValueError, BadZipFile):
                continue
        return None

    def _batches(self, count):
        """The files of the last batches, in sentences."""
        sentences = []
        for step in range(self.steps_done - 1, self.steps_done - 1 - count, -1):
            files = None
            if self.recipe.batch_files is not None and step >= 0:
                files = self.recipe.batch_files(self.seed, self.epoch, step)
            if files:
                label = "The one before it" if sentences else "The batch"
                sentences.append(f"{label}: {_shortened(files)}.")
        return " ".join(sentences) or "The names of the batch's images are not known."


def _shortened(files):
    # People of one image may be in one batch.
    files = list(dict.fromkeys(files))
    more = len(files) - _NAMED_FILES
    return ", ".join(files[:_NAMED_FILES]) + (f" and {more} more" if more > 0 else "")


def _sentence(clauses):
    text = ", ".join(clauses)
    return text and f"{text[0].upper()}{text[1:]}."
