"""Images whose sides are not divisible by 32, which the coarsest stream needs."""

import numpy as np
import tensorflow as tf
from segmenters import make_segmenter

from hrnet_tf.tasks.segmentation.fusion import FusedSegmenter
from hrnet_tf.tasks.segmentation.protocols import load_protocol


def test_whole_images_are_filled_up_and_cut_again():
    model = make_segmenter()
    rng = np.random.default_rng(0)
    image = tf.constant(rng.integers(0, 256, (1, 40, 70, 3)), tf.uint8)
    padded = tf.pad(image, [[0, 0], [0, 24], [0, 26], [0, 0]])
    expected = tf.image.resize(model(padded, training=False), (64, 96))[:, :40, :70]
    found = FusedSegmenter(model, load_protocol("whole")).logits(image)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    plain = FusedSegmenter(model, load_protocol("lip", resize_to=(40, 70)))
    expected = tf.image.resize(model(image, training=False), (40, 70))
    flipped = tf.image.resize(model(image[:, :, ::-1], training=False), (40, 70))
    # Left and right change places.
    flipped = tf.gather(flipped[:, :, ::-1], [0, 2, 1, 3], axis=-1)
    expected = (expected + flipped) / 2
    np.testing.assert_allclose(plain.logits(image), expected, rtol=1e-4, atol=1e-5)
