"""The search of a learning rate."""

import csv
import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from scipy.ndimage import gaussian_filter1d
from small_recipe import BATCH, STEPS, numbers, small_model, small_recipe

from hrnet_tf.training.find_rate import find_rate


@pytest.fixture(scope="module")
def search(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    (folder / "best.keras").write_text("a run's")
    found = find_rate(small_recipe(), folder, lowest=1e-4, highest=10, num_steps=60)
    return found, folder


def stepwise(lowest, highest, num_steps):
    """The same search of a line in NumPy: rates and losses of all steps."""
    inputs, targets = (x.astype(np.float64) for x in numbers())
    rates = lowest * (highest / lowest) ** (np.arange(num_steps) / (num_steps - 1))
    weights, bias, losses = np.zeros((2, 1)), 0.0, []
    for step, rate in enumerate(rates):
        rows = slice(BATCH * (step % STEPS), BATCH * (step % STEPS + 1))
        errors = inputs[rows] @ weights + bias - targets[rows]
        losses.append(np.mean(errors**2))
        weights = weights - rate * 2 * inputs[rows].T @ errors / BATCH
        bias = bias - rate * 2 * errors.mean()
    return rates, np.array(losses)


def test_it_is_the_sweep_by_hand(search):
    found, _ = search
    rates, losses = stepwise(1e-4, 10, 60)
    count = len(found.losses)
    np.testing.assert_allclose(found.rates, rates[:count])
    np.testing.assert_allclose(found.losses, losses[:count], rtol=1e-2)
    # It ended at the first step whose smoothed loss is above 4 times the minimum.
    ends = []
    for n in range(1, 61):
        smoothed = gaussian_filter1d(losses[:n], 2.5, mode="nearest")
        if n >= 10 and smoothed[-1] > 4 * smoothed.min():
            ends.append(n)
    assert count == ends[0] < 60
    smoothed = gaussian_filter1d(found.losses, 2.5, mode="nearest")
    np.testing.assert_allclose(found.smoothed, smoothed)
    lowest = np.argmin(smoothed)
    assert found.tenth == found.rates[lowest] / 10
    slopes = np.gradient(smoothed, np.log10(found.rates))
    assert found.steepest == found.rates[np.argmin(slopes[: lowest + 1])]
    assert 1e-4 < found.steepest < found.rates[lowest]


def test_it_writes_a_table_and_a_picture_and_nothing_else(search):
    found, folder = search
    names = {path.name for path in folder.iterdir()}
    assert names == {"best.keras", "learning_rate.csv", "learning_rate.png"}
    assert (folder / "best.keras").read_text() == "a run's"
    with open(folder / "learning_rate.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for name, values in (
        ("step", np.arange(1, len(found.rates) + 1)),
        ("learning_rate", found.rates),
        ("loss", found.losses),
        ("smoothed", found.smoothed),
    ):
        column = [float(row[name]) for row in rows]
        np.testing.assert_allclose(column, values, rtol=1e-6)
    with Image.open(folder / "learning_rate.png") as file:
        width, height = file.size
    assert width == 864 and height == 540


def test_the_model_and_optimizer_are_the_recipes(tmp_path):
    made = []

    def optimizer(steps):
        made.append((steps, keras.optimizers.Adam(0.3, epsilon=0.5)))
        return made[-1][1]

    recipe = small_recipe(optimizer=optimizer)
    find_rate(recipe, tmp_path, lowest=1e-5, highest=1e-2, num_steps=12)
    ((steps, used),) = made
    assert steps == STEPS and used.epsilon == 0.5
    assert int(used.iterations) == 12
    used.iterations.assign(11)
    assert float(used.learning_rate) == pytest.approx(1e-2, rel=1e-4)


def test_a_loss_that_is_no_number_ends_it(tmp_path):
    recipe = small_recipe()

    def train_data(seed, first_epoch):
        inputs, targets = numbers()
        targets[BATCH * 9 :] = np.nan
        batches = tf.data.Dataset.from_tensor_slices((inputs, targets)).batch(BATCH)
        return batches, STEPS

    changed = dataclasses.replace(recipe, train_data=train_data)
    with pytest.raises(ValueError, match="no number after 9 steps"):
        find_rate(changed, tmp_path / "run", num_steps=15)
    assert not (tmp_path / "run").exists()


def test_a_loss_that_never_falls_suggests_nothing(tmp_path):
    inputs, _ = numbers()
    recipe = small_recipe(data=(inputs, np.zeros((len(inputs), 1), np.float32)))
    found = find_rate(recipe, tmp_path, num_steps=10)
    assert found.steepest is None and found.tenth is None
    assert (tmp_path / "learning_rate.png").is_file()


@pytest.mark.parametrize("bad", [{"lowest": 0}, {"highest": 1e-8}, {"num_steps": 5}])
def test_bad_arguments(tmp_path, bad):
    with pytest.raises(ValueError, match="0 < lowest < highest and 10 steps or more"):
        find_rate(small_recipe(), tmp_path, **bad)


def test_it_begins_from_the_seeds_weights(tmp_path):
    weights = []

    def model():
        made = small_model()
        made.layers[0].kernel.assign(keras.initializers.RandomNormal()((2, 1)))
        weights.append(made.get_weights()[0])
        return made

    recipe = small_recipe(model=model)
    for seed in (0, 0, 1):
        find_rate(recipe, tmp_path, seed=seed, num_steps=10)
    np.testing.assert_array_equal(weights[0], weights[1])
    assert (weights[0] != weights[2]).all()
