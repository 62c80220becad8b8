"""What happens around the epochs of `model.fit`."""

import csv
import json
import os
import shutil
from pathlib import Path

import keras

STATE_FILE = "state.json"
WEIGHTS_FILE = "state.weights.h5"


class EpochEvaluation(keras.callbacks.Callback):
    """Runs the recipe's evaluation and adds its numbers to the epoch's logs.

    Args:
        recipe: `Recipe`.
        infer: function from images to outputs, see `inference_function`.
    """

    def __init__(self, recipe, infer):
        super().__init__()
        self.recipe = recipe
        self.infer = infer

    def on_epoch_end(self, epoch, logs=None):
        done = epoch + 1
        if done % self.recipe.evaluate_every and done != self.recipe.epochs:
            return
        report = self.recipe.evaluate(self.model, self.infer)
        # Keras writes logs of its own; ours join them for the callbacks behind.
        logs.update({key: float(value) for key, value in report.numbers.items()})
        logs["score"] = float(report.main_number)


class History(keras.callbacks.Callback):
    """Keeps the epochs' logs in `history.csv` and draws `curves.png`.

    Args:
        output_dir: Path.
        rows: list of dicts, the epochs done before; extended in place.
    """

    def __init__(self, output_dir, rows):
        super().__init__()
        self.output_dir = Path(output_dir)
        self.rows = rows

    def on_epoch_begin(self, epoch, logs=None):
        # At the end the schedule is at the next epoch's first step already.
        rate = self.model.optimizer.learning_rate
        self._rate = float(keras.ops.convert_to_numpy(rate))

    def on_epoch_end(self, epoch, logs=None):
        self.rows.append({"epoch": epoch + 1, **logs, "learning_rate": self._rate})
        self.write()

    def write(self):
        """Writes both files anew."""
        from hrnet_tf.curves import plot_history

        columns = list(dict.fromkeys(key for row in self.rows for key in row))
        target = self.output_dir / "history.csv"
        beside = target.with_suffix(".csv.partial")
        with open(beside, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(self.rows)
        os.replace(beside, target)
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
    """

    def __init__(self, output_dir, best=float("-inf")):
        super().__init__()
        self.output_dir = Path(output_dir)
        self.best = best
        self._copy = None

    def on_epoch_end(self, epoch, logs=None):
        score = logs.get("score", float("-inf"))
        if score > self.best:
            self.best = score
            self.save("best.keras")

    def on_train_end(self, logs=None):
        self.save("last.keras")

    def save(self, name):
        """Writes the model's weights and configuration, beside and then renamed."""
        if self._copy is None:
            self._copy = type(self.model).from_config(self.model.get_config())
        self._copy.set_weights(self.model.get_weights())
        beside = self.output_dir / f"partial-{name}"
        self._copy.save(beside)
        os.replace(beside, self.output_dir / name)


class SaveState(keras.callbacks.Callback):
    """Saves all that a killed run needs to go on: weights, optimizer, history.

    Args:
        output_dir: Path. The state of the last whole epoch is `state/epoch-NNNN`.
        rows: list of dicts. The history's rows.
        saver: `SaveBest`. Knows the best score.
    """

    def __init__(self, output_dir, rows, saver):
        super().__init__()
        self.folder = Path(output_dir) / "state"
        self.rows = rows
        self.saver = saver

    def on_epoch_end(self, epoch, logs=None):
        target = self.folder / f"epoch-{epoch + 1:04d}"
        beside = self.folder / f"partial-{epoch + 1:04d}"
        for leftover in self.folder.glob("partial-*"):
            shutil.rmtree(leftover)
        beside.mkdir(parents=True)
        self.model.save_weights(beside / WEIGHTS_FILE)
        state = {"epoch": epoch + 1, "best": self.saver.best, "history": self.rows}
        (beside / STATE_FILE).write_text(json.dumps(state), encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)
        os.replace(beside, target)
        for older in self.folder.glob("epoch-*"):
            if older != target:
                shutil.rmtree(older)


def latest_state(output_dir):
    """Returns the folder of the last whole epoch, or None."""
    states = sorted((Path(output_dir) / "state").glob("epoch-*"))
    return states[-1] if states else None


class TensorBoard(keras.callbacks.Callback):
    """Writes scalars and, with each evaluation, a picture for TensorBoard.

    Args:
        output_dir: Path. Events go to its folder `tensorboard`.
        recipe: `Recipe`.
        infer: function from images to outputs.
    """

    def __init__(self, output_dir, recipe, infer):
        super().__init__()
        import tensorflow as tf

        self.recipe = recipe
        self.infer = infer
        self.writer = tf.summary.create_file_writer(
            str(Path(output_dir) / "tensorboard")
        )

    def on_epoch_end(self, epoch, logs=None):
        import tensorflow as tf

        with self.writer.as_default(step=epoch + 1):
            for name, value in logs.items():
                tf.summary.scalar(name, value)
            if "score" in logs and self.recipe.pictures is not None:
                picture = self.recipe.pictures(self.model, self.infer)
                tf.summary.image("predictions", picture[None])
        self.writer.flush()


class Progress(keras.callbacks.Callback):
    """A progress bar of the epoch and a line an epoch.

    Args:
        recipe: `Recipe`.
        steps_per_epoch: int.
        console: rich console to write to.
    """

    def __init__(self, recipe, steps_per_epoch, console):
        super().__init__()
        self.recipe = recipe
        self.steps_per_epoch = steps_per_epoch
        self.console = console
        self.bar = None

    def on_epoch_begin(self, epoch, logs=None):
        from rich import progress

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
            status="",
        )
        self.bar.start()

    def on_train_batch_end(self, batch, logs=None):
        rate = self.bar.tasks[0].speed
        speed = f"  {rate * self.recipe.batch_size:.0f} images/s" if rate else ""
        self.bar.update(self.task, advance=1, status=f"loss {logs['loss']:.4g}{speed}")

    def on_epoch_end(self, epoch, logs=None):
        self.stop()
        score = f"  score {logs['score']:.4f}" if "score" in logs else ""
        self.console.print(
            f"epoch {epoch + 1}/{self.recipe.epochs}  loss {logs['loss']:.5g}{score}",
            highlight=False,
        )

    def stop(self):
        """Takes the bar off the screen."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None
