"""Runs whose loss is no number any more, or diverges, are stopped and explained."""

import dataclasses

import numpy as np
import pytest
from small_recipe import BATCH, STEPS, numbers, small_recipe

from hrnet_tf.training.guard import OVER_FIRST, OVER_SMALLEST, StopOnNonFinite
from hrnet_tf.training.run import train


def run_losses(guard, epochs):
    """Shows the guard the losses of epochs' steps as Keras does, as means so far."""
    for epoch, losses in enumerate(epochs):
        guard.on_epoch_begin(epoch)
        means = np.cumsum(losses) / np.arange(1, len(losses) + 1)
        for batch, mean in enumerate(means):
            guard.on_train_batch_end(batch, {"loss": float(np.float32(mean))})


def stopped_at(epochs):
    """The (epoch, step), 1-based, at which the losses are found to diverge, or None.

    By the rule itself: means over 50 steps against the smallest and the first.
    """
    losses = np.concatenate(epochs)
    means = np.convolve(losses, np.ones(50) / 50, "valid")
    for i, mean in enumerate(means):
        if mean > OVER_SMALLEST * means[: i + 1].min() and mean > OVER_FIRST * means[0]:
            return divmod(i + 49, len(epochs[0]))
    return None


def a_guard(tmp_path, steps=80, **changes):
    return StopOnNonFinite(small_recipe(**changes), steps, tmp_path, seed=7)


def test_a_bad_target_stops_the_run_with_the_batch(tmp_path):
    inputs, targets = numbers()
    targets[BATCH * 5 + 1] = np.nan
    asked = []

    def batch_files(*batch):
        asked.append(batch)
        return [f"batch{batch[2]}/{i // 2}.jpg" for i in range(20)]

    recipe = small_recipe(data=(inputs, targets), batch_files=batch_files)
    with pytest.raises(ValueError) as error:
        train(recipe, tmp_path, seed=7)
    text = str(error.value)
    assert text.startswith("The loss became nan (epoch 1, step 6 of 10).")
    files = ", ".join(f"batch5/{i}.jpg" for i in range(8))
    assert f"The batch: {files} and 2 more." in text
    assert "The one before it: batch4/0.jpg," in text
    assert "Nothing good was saved before." in text
    assert "lower the learning rate" in text and "`warmup_epochs`" in text
    assert asked == [(7, 0, 5), (7, 0, 4)]


def test_what_was_saved_is_named_and_is_good(tmp_path):
    calls = []

    def spoil(model, infer):
        """Breaks the weights behind the second evaluation."""
        report = recipe.evaluate(model, infer)
        calls.append(1)
        if len(calls) == 2:
            model.layers[0].kernel.assign(np.full((2, 1), np.inf))
        return report

    recipe = small_recipe(epochs=4, evaluate_every=1)
    with pytest.raises(ValueError) as error:
        train(dataclasses.replace(recipe, evaluate=spoil), tmp_path)
    text = str(error.value)
    assert "The loss became" in text and "(epoch 3, step 1 of 10)" in text
    assert "The names of the batch's images are not known." in text
    # The state of epoch 2 holds what is not finite.
    folders = sorted(path.name for path in (tmp_path / "state").iterdir())
    assert folders == ["epoch-0001", "epoch-0002"]
    state, best = tmp_path / "state" / "epoch-0001", tmp_path / "best.keras"
    assert f"The last good state is {state}, the best model {best}." in text


def test_losses_that_learn_and_vary_go_on(tmp_path):
    rng = np.random.default_rng(0)
    falling = 7 * np.exp(-np.arange(320) / 40) + 0.01
    noisy = falling * rng.lognormal(0, 1, 320)
    # A hundred times the smallest, but no more than at first.
    back = np.concatenate([noisy[:240], np.full(80, 6.0)])
    for losses in (falling, noisy, back):
        epochs = losses.reshape(4, 80)
        assert stopped_at(epochs) is None
        run_losses(a_guard(tmp_path), epochs)


@pytest.mark.parametrize("growth", [1.15, 1.3])
def test_divergence_is_found_at_its_step(tmp_path, growth):
    rng = np.random.default_rng(1)
    steps = np.arange(240)
    losses = (2 * 0.97**steps + 0.02) * rng.lognormal(0, 0.2, 240)
    losses[150:] *= growth ** np.arange(90)
    epochs = losses.reshape(3, 80)
    epoch, step = stopped_at(epochs)
    with pytest.raises(ValueError, match="The loss diverges: its mean over the") as e:
        run_losses(a_guard(tmp_path), epochs)
    assert f"(epoch {epoch + 1}, step {step + 1} of 80)" in str(e.value)
    assert "lower the learning rate" in str(e.value)


def test_the_first_steps_may_jump(tmp_path):
    # Less than a window says nothing.
    run_losses(a_guard(tmp_path), [np.array([0.001] * 10 + [1e6] * 39)])


def test_infinity_is_named(tmp_path):
    with pytest.raises(ValueError, match="The loss became inf .epoch 1, step 3 of 80"):
        run_losses(a_guard(tmp_path), [np.array([1.0, 2.0, np.inf])])


def test_steps_of_an_earlier_process_count(tmp_path):
    guard = StopOnNonFinite(small_recipe(), STEPS, tmp_path, seed=0, first_step=6)
    guard.on_epoch_begin(1)
    guard.on_train_batch_end(0, {"loss": 1.0})
    with pytest.raises(ValueError, match="epoch 2, step 8 of 10"):
        guard.on_train_batch_end(1, {"loss": float("nan")})
    guard.on_epoch_begin(2)
    with pytest.raises(ValueError, match="epoch 3, step 1 of 10"):
        guard.on_train_batch_end(0, {"loss": float("nan")})
