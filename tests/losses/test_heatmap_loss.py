"""The heatmap losses against their definitions."""

import numpy as np

from hrnet_tf.losses.heatmap import HeatmapMSE, SpatialCrossEntropy

RNG = np.random.default_rng(0)
TARGET = RNG.uniform(0, 1, (3, 8, 6, 5)).astype("float32")
OUTPUT = RNG.normal(0, 1, (3, 8, 6, 5)).astype("float32")
WEIGHTS = RNG.integers(0, 2, (3, 5)).astype("float32")


def test_mse_with_weights_is_the_official_loss():
    official = 0.0
    for k in range(5):
        w = WEIGHTS[:, k, None, None]
        difference = OUTPUT[..., k] * w - TARGET[..., k] * w
        official += 0.5 * np.mean(difference**2)
    loss = HeatmapMSE()(TARGET, OUTPUT, sample_weight=WEIGHTS)
    np.testing.assert_allclose(loss, official / 5, rtol=1e-5)


def test_cross_entropy_is_that_of_the_softmax_over_cells():
    flat = OUTPUT.reshape(3, 48, 5)
    log = flat - np.log(np.exp(flat).sum(1, keepdims=True))
    target = TARGET.reshape(3, 48, 5)
    target = target / target.sum(1, keepdims=True)
    expected = -(target * log).sum(1)
    loss = SpatialCrossEntropy(reduction=None)(TARGET, OUTPUT)
    np.testing.assert_allclose(loss, expected, rtol=1e-4)


def test_cross_entropy_of_an_empty_map_is_zero():
    loss = SpatialCrossEntropy(reduction=None)(np.zeros_like(TARGET), OUTPUT)
    np.testing.assert_array_equal(loss, np.zeros((3, 5)))
