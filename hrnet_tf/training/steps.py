"""What callbacks know of the steps of an epoch."""

import keras

from hrnet_tf.typing import Logs


class StepCallback(keras.callbacks.Callback):
    """Knows which step of the epoch it is, also where an earlier process began it.

    Args:
        first_step: int. Steps of the first epoch that an earlier process did.
    Attributes:
        epoch: int, 0-based.
        first_step: int. Steps of this epoch that an earlier process did.
        steps_done: int. All steps of the epoch that are done.
    """

    def __init__(self, first_step: int = 0) -> None:
        super().__init__()
        self.epoch = 0
        self.steps_done = self.first_step = self._next = first_step

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self.epoch = epoch
        self.steps_done = self.first_step = self._next
        self._next = 0

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self.steps_done = self.first_step + batch + 1


class RecentMean:
    """Means over the latest steps of an epoch, from Keras' mean since its begin."""

    def __init__(self) -> None:
        self._steps, self._total = 0, 0.0

    def take(self, steps: int, mean: float) -> float:
        """Returns the mean over the steps since the last call or the epoch's begin.

        Args:
            steps: int. Steps of the epoch that are done.
            mean: float, over all of them.
        """
        total = steps * mean
        recent = (total - self._total) / (steps - self._steps)
        self._steps, self._total = steps, total
        return recent
