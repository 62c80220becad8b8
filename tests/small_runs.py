"""Runs of a network of two layers, which train in a second, and ways to end them."""

import dataclasses
import os
import signal
from types import SimpleNamespace

import keras
import numpy as np
import tensorflow as tf

from hrnet_tf.training.recipe import Recipe
from hrnet_tf.training.run import train
from hrnet_tf.training.save_state import SaveState

STEPS, BATCH, EPOCHS = 5, 4, 3
# So small that a state is saved after each step.
ALWAYS = 1e-9


def small_recipe(width=8, optimizer=keras.optimizers.Adam, two_losses=False, **changes):
    """A recipe with dropout, a schedule, and an evaluation that sees the weights."""

    def model():
        inputs = keras.Input((6,), name="x")
        hidden = keras.layers.Dense(width, activation="relu", name="first")(inputs)
        hidden = keras.layers.Dropout(0.2, name="drop")(hidden)
        outputs = keras.layers.Dense(2, name="main")(hidden)
        if two_losses:
            aux = keras.layers.Dense(2, name="aux")(hidden)
            outputs = {"main": outputs, "aux": aux}
        return keras.Model(inputs, outputs)

    def train_data(seed, first_epoch):
        rng = np.random.default_rng(seed)
        x, y = (rng.normal(size=(EPOCHS, STEPS * BATCH, n)) for n in (6, 2))
        x, y = (part[first_epoch:].reshape(-1, part.shape[-1]) for part in (x, y))
        batches = tf.data.Dataset.from_tensor_slices((x.astype("float32"), y))
        batches = batches.batch(BATCH, drop_remainder=True)
        if two_losses:
            batches = batches.map(lambda x, y: (x, {"main": y, "aux": y}))
        return batches, STEPS

    def evaluate(trained, infer):
        size = float(np.abs(trained.get_weights()[0]).sum())
        return SimpleNamespace(numbers={"AP": size}, main_number=size)

    def rate(steps):
        schedule = keras.optimizers.schedules.PolynomialDecay(1e-2, EPOCHS * steps)
        return optimizer(schedule)

    loss = keras.losses.MeanSquaredError
    recipe = Recipe(
        name="small",
        settings={"epochs": EPOCHS},
        model=model,
        train_data=train_data,
        loss=(lambda: {"main": loss(), "aux": loss()}) if two_losses else loss,
        optimizer=rate,
        evaluate=evaluate,
        epochs=EPOCHS,
        batch_size=BATCH,
    )
    return dataclasses.replace(recipe, **changes)


def ending(recipe, calls, end):
    """The recipe, whose evaluation number `calls` calls `end` first."""
    done = []

    def evaluate(*arguments):
        done.append(1)
        if len(done) == calls:
            end()
        return recipe.evaluate(*arguments)

    return dataclasses.replace(recipe, evaluate=evaluate)


def interrupt():
    """Ends a run without any care, as Ctrl-C does."""
    raise KeyboardInterrupt


def terminate():
    """Sends this process SIGTERM."""
    os.kill(os.getpid(), signal.SIGTERM)


def train_until(monkeypatch, step, end, recipe, *arguments, **keywords):
    """Trains; after that many steps of the process calls `end`.

    Returns the number of steps that were trained, and what the run raised or None.
    """
    done = []
    before = SaveState.on_train_batch_end

    def after_step(self, batch, logs=None):
        done.append(batch)
        if end is terminate and len(done) == step:
            end()
        before(self, batch, logs)
        if end is not terminate and len(done) == step:
            end()

    with monkeypatch.context() as patched:
        patched.setattr(SaveState, "on_train_batch_end", after_step)
        try:
            train(recipe, *arguments, **keywords)
        except BaseException as error:
            return len(done), error
    return len(done), None


def same(first, second):
    """Asserts that two runs trained the same, bit for bit."""
    timed = ("images_per_second", "seconds", "memory_mb", "gpu_memory_mb")
    histories = [
        [{k: v for k, v in row.items() if k not in timed} for row in run.history]
        for run in (first, second)
    ]
    assert histories[0] == histories[1]
    assert first.best == second.best
    for name in ("best.keras", "last.keras"):
        models = [keras.models.load_model(r.output_dir / name) for r in (first, second)]
        weights = [model.get_weights() for model in models]
        for a, b in zip(*weights, strict=True):
            np.testing.assert_array_equal(a, b)


def states(folder):
    """The names of the saved states."""
    return sorted(path.name for path in (folder / "state").iterdir())
