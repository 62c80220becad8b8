"""A recipe that trains in no time: a line through numbers."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from hrnet_tf.training.recipe import Recipe

BATCH, STEPS = 16, 10


@dataclasses.dataclass(frozen=True)
class SmallReport:
    """A report of one number."""

    error: float
    main_name = "error"

    @property
    def numbers(self):
        return {"other": 1.0, "error": self.error}

    @property
    def main_number(self):
        return -self.error


def numbers():
    """Inputs `[N, 2]` and targets `[N, 1]`."""
    inputs = np.random.default_rng(0).normal(size=(BATCH * STEPS, 2))
    inputs = inputs.astype(np.float32)
    return inputs, inputs @ np.array([[1.0], [-2.0]], np.float32)


def small_model():
    return keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="zeros")]
    )


def small_recipe(epochs=3, rate=0.05, data=None, **changes):
    """A `Recipe` of 10 steps an epoch, evaluated every second epoch."""
    inputs, targets = numbers() if data is None else data

    def train_data(seed, first_epoch):
        batches = tf.data.Dataset.from_tensor_slices((inputs, targets)).batch(BATCH)
        return batches.repeat(epochs - first_epoch), STEPS

    def evaluate(model, infer):
        found = keras.ops.convert_to_numpy(model(inputs))
        return SmallReport(float(np.abs(found - targets).mean()))

    recipe = Recipe(
        name="small",
        settings={"name": "small", "epochs": epochs},
        model=small_model,
        train_data=train_data,
        loss=keras.losses.MeanSquaredError,
        optimizer=lambda steps: keras.optimizers.SGD(
            keras.optimizers.schedules.ExponentialDecay(rate, steps, 0.5)
        ),
        evaluate=evaluate,
        epochs=epochs,
        batch_size=BATCH,
        evaluate_every=2,
        pictures=lambda model, infer: np.full((8, 6, 3), 200, np.uint8),
    )
    return dataclasses.replace(recipe, **changes)
