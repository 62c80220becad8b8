"""What a run shows in TensorBoard."""

import contextlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from hrnet_tf.training.steps import RecentMean, StepCallback
from hrnet_tf.typing import Logs

if TYPE_CHECKING:
    from hrnet_tf.training.recipe import Recipe


class TensorBoard(StepCallback):
    """Writes scalars, a picture with each evaluation, and a profile if asked.

    The epochs' scalars are the logs: loss, the evaluation's numbers, learning rate,
    norm of the gradients, speed and memory. Those below `steps/` are means over the
    epoch's steps since the last point, of which a whole run has about a thousand.

    Args:
        output_dir: Path. Events go to its folder `tensorboard`.
        recipe: `Recipe`.
        infer: function from images to outputs.
        steps_per_epoch: int.
        profile: (first, last) of the steps that are profiled, counted from 1 at the
            start of this process; None for no profile. The first steps of a process
            are unlike the others, as TensorFlow traces and tunes in them.
        first_step: int. Steps of the first epoch that an earlier process did.
    Raises:
        ValueError: if the profile's steps are none.
    """

    def __init__(
        self,
        output_dir: Path,
        recipe: "Recipe",
        infer: Callable[..., Any],
        steps_per_epoch: int,
        profile: tuple[int, int] | None = None,
        first_step: int = 0,
    ) -> None:
        super().__init__(first_step)
        import tensorflow as tf

        if profile is not None and not 1 <= profile[0] <= profile[1]:
            raise ValueError(
                "A profile is of the steps FIRST to LAST, counted from 1. Received:"
                f" profile={profile}."
            )
        self.recipe = recipe
        self.infer = infer
        self.steps_per_epoch = steps_per_epoch
        self.profile = profile
        self.folder = str(Path(output_dir) / "tensorboard")
        self.writer = tf.summary.create_file_writer(self.folder)
        self._every = max(1, recipe.epochs * steps_per_epoch // 1000)
        self._due = 0
        self._begun = 0
        self._is_profiling = False

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        super().on_epoch_begin(epoch, logs)
        self._means = {"loss": RecentMean(), "gradient_norm": RecentMean()}

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        import tensorflow as tf

        if self.profile is None or self._is_profiling:
            return
        if self._begun + 1 >= self.profile[0]:
            tf.profiler.experimental.start(self.folder)
            self._is_profiling = True

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        before = self.steps_done
        super().on_train_batch_end(batch, logs)
        self._begun += self.steps_done - before
        if self.profile and self._is_profiling and self._begun >= self.profile[1]:
            self._end_profile()
        step = self.epoch * self.steps_per_epoch + self.steps_done
        if step >= self._due:
            self._due = step - step % self._every + self._every
            self._write_step(step, logs)

    def _write_step(self, step, logs):
        import tensorflow as tf

        with self._writing(step):
            for name, recent in self._means.items():
                if name in logs:
                    value = recent.take(self.steps_done, logs[name])
                    tf.summary.scalar(f"steps/{name}", value)
            rate = self.model.optimizer.learning_rate
            tf.summary.scalar("steps/learning_rate", keras.ops.convert_to_numpy(rate))

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        import tensorflow as tf

        with self._writing(epoch + 1):
            for name, value in logs.items():
                tf.summary.scalar(name, value)
            if "score" in logs and self.recipe.pictures is not None:
                picture = self.recipe.pictures(self.model, self.infer)
                tf.summary.image("predictions", picture[None])
            self.writer.flush()
        if self.profile is None or self._is_profiling:
            return
        if epoch + 1 == self.recipe.epochs:
            warnings.warn(
                f"No step was profiled: this process trained {self._begun} steps, and"
                f" the profile was to begin at step {self.profile[0]}.",
                stacklevel=2,
            )

    @contextlib.contextmanager
    def _writing(self, step):
        """Writes what is summarised inside as of a step."""
        import tensorflow as tf

        try:
            with self.writer.as_default(step=step):
                yield
        except tf.errors.OutOfRangeError as error:
            # By which Keras would know the end of the data.
            raise OSError(f"{self.folder} cannot be written: {error.message}") from None

    def on_train_end(self, logs: Logs = None) -> None:
        if self._is_profiling:
            self._end_profile()

    def _end_profile(self):
        import tensorflow as tf

        tf.profiler.experimental.stop()
        self._is_profiling = False
        self.profile = None
