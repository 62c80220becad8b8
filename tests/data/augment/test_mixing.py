"""MixUp and CutMix: weights, labels and draws."""

import numpy as np
import pytest
import tensorflow as tf

from hrnet_tf.data.augment.mixing import mix

COUNT = 6


@pytest.fixture(scope="module")
def batch():
    """Images of one value each, and their one-hot labels."""
    values = np.arange(COUNT, dtype="uint8") * 40
    images = np.broadcast_to(values[:, None, None, None], (COUNT, 16, 20, 3))
    return tf.constant(images), tf.eye(COUNT)


def draws(batch, number, mixup, cutmix):
    seed = tf.constant([3, number], tf.int64)
    images, labels = mix(*batch, seed, mixup, cutmix)
    return images.numpy(), labels.numpy()


def test_mixup_mixes_pixels_as_labels(batch):
    weights = []
    for number in range(20):
        images, labels = draws(batch, number, 0.4, 0.0)
        assert images.dtype == np.float32
        np.testing.assert_allclose(labels.sum(1), 1, atol=1e-6)
        expected = labels @ (np.arange(COUNT) * 40.0)
        np.testing.assert_allclose(images.std((1, 2, 3)), 0, atol=1e-4)
        np.testing.assert_allclose(images[:, 0, 0, 0], expected, atol=1e-3)
        # One weight for the batch.
        own = np.diagonal(labels)[np.diagonal(labels) < 1 - 1e-6]
        assert np.ptp(own) < 1e-6
        weights.append(own[0])
    # Beta(0.4, 0.4) is mostly near 0 and 1.
    assert np.std(weights) > 0.25


def test_cutmix_weighs_labels_by_area(batch):
    shares = []
    for number in range(20):
        images, labels = draws(batch, number, 0.0, 1.0)
        assert images.dtype == np.uint8
        for place in range(COUNT):
            pixels = images[place, :, :, 0]
            values, counts = np.unique(pixels, return_counts=True)
            expected = np.zeros(COUNT)
            expected[values // 40] = counts / pixels.size
            np.testing.assert_allclose(labels[place], expected, atol=1e-6)
            rows, columns = np.nonzero(pixels != place * 40)
            if len(rows):
                area = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
                assert len(rows) == area
                shares.append(1 - labels[place, place])
    assert 0.2 < np.mean(shares) < 0.6


def test_either_with_both_on(batch):
    kinds = []
    for number in range(30):
        images, _ = draws(batch, number, 1.0, 1.0)
        assert images.dtype == np.float32
        kinds.append(images.std((1, 2, 3)).max() > 1e-3)
    assert 5 < sum(kinds) < 25


def test_the_same_seed_gives_the_same(batch):
    run = tf.function(
        lambda n: mix(*batch, tf.stack([tf.constant(3, n.dtype), n]), 1, 1)
    )
    for number in range(4):
        eager = draws(batch, number, 1.0, 1.0)
        graph = run(tf.constant(number, tf.int64))
        for one, other in zip(eager, graph, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-4)
