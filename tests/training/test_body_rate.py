"""A body that learns at another rate than its head."""

import dataclasses
import re

import keras
import numpy as np
import pytest

import hrnet_tf
from hrnet_tf.optimizers.adam import Adam
from hrnet_tf.optimizers.sgd import TorchSGD
from hrnet_tf.training.body_rate import BODY_PATHS, with_body_rate
from hrnet_tf.training.identity import Identity
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.weights.kinds import kind_of
from hrnet_tf.weights.names import is_head_path


def recipe(optimizer):
    return Recipe(
        name="tiny",
        settings={"epochs": 1},
        model=None,
        train_data=None,
        loss=None,
        optimizer=lambda steps: optimizer,
        evaluate=None,
        epochs=1,
        batch_size=2,
    )


@pytest.fixture(scope="module")
def model():
    return hrnet_tf.HRNetLandmarks.from_preset("hrnet_test", image_size=(64, 64))


def is_body(path):
    return re.search(BODY_PATHS, path) is not None


def test_everything_but_the_head(model):
    baseline = hrnet_tf.SimpleBaselinePose(num_blocks=(1, 1, 1, 1), image_size=(64, 64))
    for network in (model, baseline):
        paths = [variable.path for variable in network.weights]
        kind = kind_of(network)
        assert [p for p in paths if not is_body(p)] == [
            p for p in paths if is_head_path(p, kind)
        ]
    for path in (
        *("head/increase0/conv1/conv/kernel", "classifier/kernel", "mixer/conv/kernel"),
        *("deconv_block0/conv1/conv/kernel", "pyramid/level0/kernel"),
    ):
        assert not is_body(path)


def test_steps_of_a_network(model):
    rng = np.random.default_rng(0)
    variables = model.trainable_variables
    gradients = [rng.normal(size=v.shape).astype(np.float32) for v in variables]
    start = [np.array(v) for v in variables]
    optimizer = with_body_rate(recipe(TorchSGD(0.5)), 0.1).optimizer(7)
    optimizer.build(variables)
    optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients])
    for variable, before, gradient in zip(variables, start, gradients, strict=True):
        rate = 0.05 if is_body(variable.path) else 0.5
        np.testing.assert_allclose(
            np.array(variable) - before, -rate * gradient, rtol=1e-3, atol=1e-6
        )


def test_it_is_a_part_of_the_run():
    plain = recipe(Adam(0.1))
    assert with_body_rate(plain, None) is with_body_rate(plain, 1.0) is plain
    slow = with_body_rate(plain, 0.1)
    identity = Identity.of(plain, None, 0)
    text = Identity.of(slow, None, 0).differences(identity.to_json())
    assert "body_rate (None there, 0.1 now)" in text
    assert "rate_multipliers of the optimizer" in text
    # A run from before there was such an option is the same.
    earlier = identity.to_json()
    del earlier["optimizer"]["rate_multipliers"]
    assert not identity.differences(earlier)


def test_other_rates_stay():
    optimizer = TorchSGD(0.1, 0.9, rate_multipliers={"^head/": 10.0})
    made = with_body_rate(recipe(optimizer), 0.1).optimizer(7)
    assert made.rate_multipliers == {BODY_PATHS: 0.1, "^head/": 10.0}
    assert made.momentum == 0.9
    asked = []

    def quiet_one(steps, quiet=False):
        asked.append(quiet)
        return optimizer

    loud = dataclasses.replace(recipe(None), optimizer=quiet_one)
    with_body_rate(loud, 0.1).optimizer(7, quiet=True)
    assert asked == [True]


def test_refusals():
    with pytest.raises(ValueError, match="must not be negative. Received: -1"):
        with_body_rate(recipe(Adam()), -1)
    slow = with_body_rate(recipe(keras.optimizers.Nadam()), 0.1)
    with pytest.raises(ValueError) as caught:
        slow.optimizer(7)
    assert ".Nadam. Use one of hrnet_tf.optimizers in the recipe (Adam" in str(
        caught.value
    )
