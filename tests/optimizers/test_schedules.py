"""Learning rates: warm-up, scaling with the batch, and what is as it was."""

import dataclasses
import math

import keras
import numpy as np
import pytest

from hrnet_tf.optimizers import schedules
from hrnet_tf.optimizers.schedules import ScaledSchedule, adjust_rate
from hrnet_tf.training.recipe import Recipe, load_recipe


def rates(schedule, steps):
    return np.array([float(schedule(step)) for step in range(steps)])


def recipe_of(optimizer, batch_size=256, reference_batch_size=32, epochs=4):
    return Recipe(
        name="small",
        settings={"batch_size": batch_size},
        model=None,
        train_data=None,
        loss=None,
        optimizer=optimizer,
        evaluate=None,
        epochs=epochs,
        batch_size=batch_size,
        reference_batch_size=reference_batch_size,
    )


class TestWarmUp:
    def test_cosine(self):
        # As recipes have it: the cosine begins behind the warm-up.
        found = rates(schedules.cosine_decay(0.2, 10, 10, warmup_steps=5), 100)
        # Keras' own warm-up starts at an N-th and has the whole rate at step N.
        np.testing.assert_allclose(found[:5], 0.04 + 0.16 * np.arange(5) / 5, rtol=1e-6)
        share = np.arange(95) / 95
        expected = 0.1 * (1 + np.cos(np.pi * share))
        np.testing.assert_allclose(found[5:], expected, rtol=1e-5, atol=1e-8)

    def test_steps(self):
        schedule = schedules.step_decay(0.1, (2, 3), 5, warmup_steps=4)
        expected = [0.025, 0.05, 0.075, *[0.1] * 7, *[0.01] * 5, *[0.001] * 3]
        np.testing.assert_allclose(rates(schedule, 18), expected, rtol=1e-6)

    def test_polynomial(self):
        plain = schedules.polynomial_decay(0.01, 5, 4)
        warm = schedules.polynomial_decay(0.01, 5, 4, warmup_steps=8)
        steps = np.arange(20)
        expected = 0.01 * (1 - steps / 20) ** 0.9
        np.testing.assert_allclose(rates(plain, 20), expected, rtol=1e-5)
        ramp = np.minimum((steps + 1) / 8, 1)
        np.testing.assert_allclose(rates(warm, 20), expected * ramp, rtol=1e-5)

    def test_without_it_the_schedules_are_those_of_keras(self):
        assert type(schedules.step_decay(0.1, (2,), 5)).__name__ == (
            "PiecewiseConstantDecay"
        )
        assert type(schedules.polynomial_decay(0.1, 2, 5)).__name__ == "PolynomialDecay"


class TestScaledSchedule:
    @pytest.mark.parametrize(
        "inner", [0.5, keras.optimizers.schedules.ExponentialDecay(0.5, 3, 0.1)]
    )
    def test_round_trip(self, inner):
        schedule = ScaledSchedule(inner, factor=2.0, warmup_steps=3)
        config = keras.saving.serialize_keras_object(schedule)
        again = keras.saving.deserialize_keras_object(config)
        np.testing.assert_array_equal(rates(again, 6), rates(schedule, 6))
        plain = rates(inner, 6) if callable(inner) else np.full(6, 0.5)
        expected = 2 * plain * np.minimum(np.arange(1, 7) / 3, 1)
        np.testing.assert_allclose(rates(schedule, 6), expected, rtol=1e-6)

    def test_an_optimizer_steps_with_it(self):
        optimizer = keras.optimizers.SGD(ScaledSchedule(0.5, 4.0, warmup_steps=2))
        variable = keras.Variable(np.zeros(1, np.float32))
        for expected in (-1.0, -3.0, -5.0):
            optimizer.apply([np.ones(1, np.float32)], [variable])
            assert float(variable[0]) == expected

    def test_bad_arguments(self):
        with pytest.raises(ValueError, match=r"factor=0, warmup_steps=0\."):
            ScaledSchedule(0.1, factor=0)
        with pytest.raises(ValueError, match=r"factor=1\.0, warmup_steps=-1\."):
            ScaledSchedule(0.1, warmup_steps=-1)


class TestAdjustRate:
    def test_scales_with_the_batch_and_says_so(self):
        lines = []
        recipe = recipe_of(lambda steps: keras.optimizers.Adam(1e-3))
        adjusted = adjust_rate(recipe, scale=True, say=lines.append)
        assert lines == []
        assert float(adjusted.optimizer(7).learning_rate) == pytest.approx(8e-3)
        assert lines == ["learning rate 0.001 x 256/32 = 0.008"]
        assert adjusted.settings == {"batch_size": 256, "learning_rate_factor": 8.0}

    def test_scales_a_schedule(self):
        lines = []
        recipe = recipe_of(
            lambda steps: keras.optimizers.SGD(
                schedules.cosine_decay(0.02, 4, steps, warmup_steps=100)
            ),
            batch_size=8,
        )
        adjusted = adjust_rate(recipe, scale=True, warmup_epochs=0.5, say=lines.append)
        optimizer = adjusted.optimizer(600)
        assert lines == [
            "learning rate 0.02 x 8/32 = 0.005, warmed up over 0.5 epochs (300 steps)"
        ]
        plain = schedules.cosine_decay(0.02, 4, 600, warmup_steps=100)
        for step in (0, 50, 299, 300, 2000):
            optimizer.iterations.assign(step)
            expected = 0.25 * float(plain(step)) * min(1, (step + 1) / 300)
            assert float(optimizer.learning_rate) == pytest.approx(expected, rel=1e-5)

    def test_the_recipes_own_batch_changes_nothing(self):
        lines = []
        recipe = recipe_of(None, batch_size=32)
        assert adjust_rate(recipe, scale=True, say=lines.append) is recipe
        assert lines == ["learning rate as stated, for batches of 32"]
        assert adjust_rate(recipe, say=lines.append) is recipe
        assert len(lines) == 1

    def test_another_rate_is_another_run(self):
        recipe = recipe_of(None)
        warm = adjust_rate(recipe, warmup_epochs=2)
        assert warm.settings == {"batch_size": 256, "warmup_epochs": 2}
        assert dataclasses.replace(warm, settings=None, optimizer=None) == (
            dataclasses.replace(recipe, settings=None, optimizer=None)
        )

    def test_an_unknown_reference(self):
        recipe = recipe_of(None, reference_batch_size=None)
        with pytest.raises(ValueError, match="'small' does not say which batch"):
            adjust_rate(recipe, scale=True)

    @pytest.mark.parametrize("epochs", [-1, 4.5])
    def test_a_warm_up_out_of_the_run(self, epochs):
        with pytest.raises(ValueError, match=f"0 to 4 epochs.*warmup_epochs={epochs}"):
            adjust_rate(recipe_of(None), warmup_epochs=epochs)


@pytest.mark.parametrize(
    ("file", "arguments", "reference"),
    [
        ("coco_pose_w32_256x192.py", {}, 128),
        ("cityscapes_seg_w48.py", {}, 12),
        ("wflw_face_w18.py", {}, 16),
        # Without a rate given it scales by itself.
        ("imagenet_hrnet.py", {}, 256),
        ("imagenet_hrnet.py", {"learning_rate": 0.1}, 128),
    ],
)
def test_recipes_know_the_batch_of_their_rate(file, arguments, reference, request):
    path = request.config.rootpath / "recipes" / file
    recipe = load_recipe(path, batch_size=256, **arguments)
    assert recipe.reference_batch_size == reference
    adjusted = adjust_rate(recipe, scale=True, say=lambda line: None)
    before = float(recipe.optimizer(10).learning_rate)
    after = float(adjusted.optimizer(10).learning_rate)
    assert math.isclose(after, before * 256 / reference, rel_tol=1e-6)
