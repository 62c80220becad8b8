"""Saves a run's state as it goes, and takes one up in the middle of an epoch."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from hrnet_tf.launch.preemption import Preempted
from hrnet_tf.training import metric_state
from hrnet_tf.training.state import TrainingState, write_state
from hrnet_tf.typing import Logs

if TYPE_CHECKING:
    from hrnet_tf.launch.preemption import Preemption
    from hrnet_tf.training.callbacks import SaveBest


class SaveState(keras.callbacks.Callback):
    """Saves all that a killed run needs to go on, and goes on within an epoch.

    A state is saved at the end of each epoch, with what its evaluation found; every
    `save_every` minutes within one, and then also between its last step and its
    evaluation; and on SIGTERM, which ends the run with `Preempted`.

    In the epoch in which a run goes on, Keras trains only the steps that are left, and
    the means in its logs go on from those of the steps before.

    Must be the last of the callbacks, so that the others have done their part.

    Args:
        output_dir: Path. Folder of the run.
        state: `TrainingState` that the run begins with; the rows of its history are
            those that `History` extends.
        batch_size: int. Images of a step, on all devices.
        best: `SaveBest`. Knows the best score.
        hooks: list of the other callbacks, in their order.
        preemption: `Preemption` that is being held.
        save_every: float. Minutes.
        is_chief: bool. False in all workers but the first, which take up states but
            save none.
    """

    def __init__(
        self,
        output_dir: Path,
        state: TrainingState,
        batch_size: int,
        best: "SaveBest",
        hooks: Sequence[keras.callbacks.Callback],
        preemption: "Preemption",
        save_every: float,
        is_chief: bool = True,
    ) -> None:
        super().__init__()
        self.output_dir = output_dir
        self.state = state
        self.steps_per_epoch = state.steps_per_epoch
        self.batch_size = batch_size
        self.best = best
        self.hooks = hooks
        self.preemption = preemption
        self.seconds = 60 * save_every
        self.is_chief = is_chief
        self._saved_at = time.monotonic()
        self._first_step = 0
        self._missing: dict[str, Any] = {}

    @property
    def first_epoch(self) -> int:
        """The epoch with which `fit` is to begin."""
        return self.state.epoch + (self.state.step == self.steps_per_epoch)

    def on_train_begin(self, logs: Logs = None) -> None:
        self.preemption.interrupt = None
        if self.state.step == self.steps_per_epoch:
            self._finish_epoch()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._epoch = epoch
        self._began_at = time.monotonic()
        self._best = self.best.best
        self._first_step = self._done = 0
        self._missing = {}
        if epoch == self.state.epoch and self.state.step:
            self._first_step = self._done = self.state.step
            self._missing = metric_state.restore_metrics(
                self.model, self.state.metrics, self.is_chief
            )

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if self._missing:
            metric_state.add_metrics(self.model, self._missing, self.is_chief)
            self._missing = {}
        done = self._done = self._first_step + batch + 1
        now = time.monotonic()
        assert self.steps_per_epoch is not None
        is_last = done >= self.steps_per_epoch
        due = now - self._saved_at >= self.seconds
        if is_last:
            due |= now - self._began_at >= self.seconds
            if self._first_step:
                # Keras counts the steps of this process alone. Taken back at the
                # epoch's end, this ends the epoch but not the training.
                self.model.stop_training = True
        if not self.is_chief:
            return
        if due or self.preemption.requested:
            self._save_within(done, logs)
            self._stop_if_asked(done)
        if is_last:
            # An evaluation may take longer than one is given to stop.
            def interrupt():
                # A signal may come while the evaluation makes a graph, in which
                # nothing has a value.
                with tf.init_scope():
                    if not due:
                        self._save_within(done, logs)
                self._stop_if_asked(done)

            self.preemption.interrupt = interrupt

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.preemption.interrupt = None
        if self._first_step:
            self.model.stop_training = False
        if self._done != self.steps_per_epoch:
            raise ValueError(
                f"The training data ended after step {self._done} of epoch"
                f" {epoch + 1}, which has {self.steps_per_epoch} steps. The recipe's"
                " train_data must give batches for all epochs."
            )
        if self.is_chief:
            self._save(epoch + 1, 0, self.best.best, self.state.history)
            self._stop_if_asked()

    def _finish_epoch(self):
        """What is left of an epoch that was stopped between training and evaluation."""
        epoch, logs = self.state.epoch, dict(self.state.logs)
        for hook in [*self.hooks, self]:
            hook.on_epoch_begin(epoch)
        self.preemption.interrupt = lambda: self._stop_if_asked(self.state.step)
        for hook in [*self.hooks, self]:
            hook.on_epoch_end(epoch, logs)

    def _save_within(self, done, logs):
        """Saves a state within the epoch."""
        # The evaluation may have begun already, and will be repeated as a whole.
        rows = [row for row in self.state.history if row["epoch"] <= self._epoch]
        logs = {key: float(value) for key, value in logs.items()}
        images = done * self.batch_size
        self._save(
            self._epoch,
            done,
            self._best,
            rows,
            logs=logs,
            metrics=metric_state.read_metrics(self.model, logs, images),
        )

    def _save(self, epoch, step, best, rows, **within):
        state = TrainingState(epoch, step, self.steps_per_epoch, best, rows, **within)
        write_state(self.output_dir, state, self.model)
        self._saved_at = time.monotonic()

    def _stop_if_asked(self, step=None):
        if self.preemption.requested:
            where = f"epoch {self._epoch + 1}"
            if step is not None:
                where += f", step {step} of {self.steps_per_epoch}"
            raise Preempted(f"Stopped by SIGTERM after {where}; the state is saved.")
