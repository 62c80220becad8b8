"""Batch normalisation: PyTorch's conventions, on both code paths."""

import keras
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


def test_fused_and_plain_paths_agree():
    norm = layer()
    if keras.backend.backend() != "tensorflow":
        pytest.skip("the fused path exists on the TensorFlow backend alone")
    norm.moving_mean.assign([1.0, 2.0, 3.0])
    outputs, mean, variance = norm._plain(X)
    expected = [
        0.9 * old + 0.1 * new
        for old, new in ((norm.moving_mean, mean), (norm.moving_variance, variance))
    ]
    found, _ = norm.fused(X, norm.gamma.value, norm.beta.value)
    np.testing.assert_allclose(found, outputs, rtol=1e-4, atol=1e-4)
    for found, wanted in zip(
        (norm.moving_mean, norm.moving_variance), expected, strict=True
    ):
        np.testing.assert_allclose(found, wanted, rtol=1e-6)


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
