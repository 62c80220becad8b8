"""A recipe on drawn people for both backends, which starts from the weights of a file.

With STOP_AT in the environment SIGTERM comes when that batch is drawn.
"""

import dataclasses
import os
import runpy
import signal
from functools import partial
from pathlib import Path

import keras
import tensorflow as tf

RECIPE = Path(__file__).parents[1] / "recipes" / "synthetic_pose_w18_small.py"


def start(folder, make):
    """A model with the weights of the first one that was made in that folder."""
    model, file = make(), folder / "initial.weights.h5"
    if file.exists():
        model.load_weights(file)
    else:
        model.save_weights(file)
    return model


def optimizer(steps):
    return keras.optimizers.SGD(
        1e-3,
        momentum=0.9,
        global_clipnorm=1.0,
        gradient_accumulation_steps=2,
        use_ema=True,
        ema_momentum=0.9,
        ema_overwrite_frequency=5,
    )


def stopped(batches, step):
    """Batches of which one brings SIGTERM."""

    def draw(i):
        if i == step:
            os.kill(os.getpid(), signal.SIGTERM)
        return i

    def pass_on(i, batch):
        with tf.control_dependencies([tf.numpy_function(draw, [i], tf.int64)]):
            return tf.nest.map_structure(tf.identity, batch)

    return batches.enumerate().map(pass_on)


def recipe(data_dir, batch_size=4, epochs=2):
    made = runpy.run_path(str(RECIPE))["recipe"](
        "hrnet_test", batch_size=batch_size, epochs=epochs, data_dir=data_dir
    )
    stop_at = os.environ.get("STOP_AT")

    def train_data(seed, first_epoch, first_step=0):
        batches, steps = made.train_data(seed, first_epoch, first_step=first_step)
        return stopped(batches, int(stop_at)) if stop_at else batches, steps

    return dataclasses.replace(
        made,
        model=partial(start, Path(data_dir), made.model),
        optimizer=optimizer,
        train_data=train_data,
        evaluate_every=2,
    )
