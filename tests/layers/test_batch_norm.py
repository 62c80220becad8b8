"""Batch normalisation: PyTorch's conventions, and what it refuses."""

import numpy as np
import pytest

from hrnet_tf.layers.batch_norm import BatchNorm


def layer(**kwargs):
    built = BatchNorm(momentum=0.9, **kwargs)
    built.build((None, 6, 5, 3))
    rng = np.random.default_rng(0)
    built.gamma.assign(rng.uniform(0.5, 1.5, 3))
    built.beta.assign(rng.normal(0, 1, 3))
    return built


X = np.random.default_rng(1).normal(2, 3, (4, 6, 5, 3)).astype("float32")


def test_training_uses_the_batch_and_stores_the_unbiased_variance():
    norm = layer()
    y = np.array(norm(X, training=True))
    mean, variance = X.mean((0, 1, 2)), X.var((0, 1, 2))
    expected = (X - mean) / np.sqrt(variance + 1e-5)
    expected = expected * np.array(norm.gamma) + np.array(norm.beta)
    np.testing.assert_allclose(y, expected, atol=1e-4)
    np.testing.assert_allclose(norm.moving_mean, 0.1 * mean, rtol=1e-4)
    unbiased = X.reshape(-1, 3).var(0, ddof=1)
    np.testing.assert_allclose(norm.moving_variance, 0.9 + 0.1 * unbiased, rtol=1e-4)


@pytest.mark.parametrize("frozen", [False, True])
def test_inference_and_frozen_layers_use_the_moving_statistics(frozen):
    norm = layer()
    norm.moving_mean.assign([1.0, 2.0, 3.0])
    norm.trainable = not frozen
    y = np.array(norm(X, training=frozen))
    expected = (X - np.array([1.0, 2.0, 3.0])) / np.sqrt(1 + 1e-5)
    expected = expected * np.array(norm.gamma) + np.array(norm.beta)
    np.testing.assert_allclose(y, expected, atol=1e-4)
    np.testing.assert_array_equal(norm.moving_mean, [1.0, 2.0, 3.0])


def test_frozen_statistics_stay_while_scale_and_offset_learn():
    norm = layer(frozen_statistics=True)
    norm.moving_mean.assign([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(norm(X, training=True), norm(X, training=False))
    np.testing.assert_array_equal(norm.moving_mean, [1.0, 2.0, 3.0])
    assert len(norm.trainable_variables) == 2


@pytest.mark.parametrize(
    "argument",
    [
        {"axis": 1},
        {"center": False},
        {"scale": False},
        {"renorm": True},
        {"renorm_clipping": {"rmax": 1.0}},
        {"renorm_momentum": 0.5},
    ],
    ids=str,
)
def test_refuses_what_it_would_ignore(argument):
    ((name, value),) = argument.items()
    with pytest.raises(ValueError, match=f"{name}=.* alone. Received:") as error:
        BatchNorm(**argument)
    assert f"Received: {name}={value!r}." in str(error.value)


def test_loads_configurations_that_hold_keras_arguments():
    config = {
        **BatchNorm(momentum=0.8).get_config(),
        "axis": -1,
        "center": True,
        "scale": True,
        "renorm": False,
        "renorm_clipping": None,
        "renorm_momentum": 0.99,
    }
    # Of the time before it was an argument.
    del config["frozen_statistics"]
    again = BatchNorm.from_config(config)
    assert (again.momentum, again.frozen_statistics) == (0.8, False)


def test_refuses_masks_in_training():
    mask = np.ones((4, 6, 5), bool)
    norm = layer(name="some")
    assert norm(X, mask=mask, training=False).shape == X.shape
    with pytest.raises(ValueError, match="BatchNorm 'some' .* a mask in training"):
        norm(X, mask=mask, training=True)


def test_normalises_vectors_too():
    norm = BatchNorm()
    x = X.reshape(-1, 3)
    norm.build(x.shape)
    y = np.array(norm(x, training=True))
    np.testing.assert_allclose(y, (x - x.mean(0)) / x.std(0), atol=1e-4)
