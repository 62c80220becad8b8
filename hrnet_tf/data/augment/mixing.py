"""MixUp and CutMix: batches mixed with themselves in another order.

Reference: Zhang et al., arXiv 1710.09412; Yun et al., arXiv 1905.04899.
"""

import tensorflow as tf

from hrnet_tf.data.augment.classification import stream
from hrnet_tf.typing import Tensor


def mix(
    images: Tensor, labels: Tensor, seed: Tensor, mixup: float, cutmix: float
) -> Tensor:
    """Mixes a batch by one weight, drawn from Beta(parameter, parameter).

    Args:
        images: uint8 tensor `[B, H, W, 3]`.
        labels: float32 tensor `[B, C]`, shares of the classes.
        seed: int tensor `[2]`; the same seed gives the same draws.
        mixup, cutmix: float, the parameters; 0 is off. With both on, either is taken
            with the same chance.
    Returns:
        images (float32 with MixUp, else uint8) and labels, of the same shapes.
    """
    order = tf.random.experimental.stateless_shuffle(
        tf.range(tf.shape(images)[0]), stream(seed, 1)
    )
    others = tf.gather(images, order), tf.gather(labels, order)
    if not cutmix:
        return _mixup(images, labels, *others, seed, mixup)
    if not mixup:
        return _cutmix(images, labels, *others, seed, cutmix)
    images, others = (
        tf.cast(images, tf.float32),
        (tf.cast(others[0], tf.float32), others[1]),
    )
    return tf.cond(
        tf.random.stateless_uniform([], stream(seed, 2)) < 0.5,
        lambda: _mixup(images, labels, *others, seed, mixup),
        lambda: _cutmix(images, labels, *others, seed, cutmix),
    )


def _mixup(images, labels, other_images, other_labels, seed, parameter):
    weight = _beta(seed, parameter)
    images, other_images = (
        tf.cast(images, tf.float32),
        tf.cast(other_images, tf.float32),
    )
    return (
        weight * images + (1 - weight) * other_images,
        weight * labels + (1 - weight) * other_labels,
    )


def _cutmix(images, labels, other_images, other_labels, seed, parameter):
    """Pastes a rectangle of the other images; labels are weighted by its area."""
    size = tf.shape(images)[1:3]
    extent = tf.sqrt(1 - _beta(seed, parameter)) * tf.cast(size, tf.float32)
    half = tf.cast(extent, tf.int32) // 2
    center = tf.random.stateless_uniform([2], stream(seed, 3))
    center = tf.cast(center * tf.cast(size, tf.float32), tf.int32)
    low = tf.maximum(center - half, 0)
    high = tf.minimum(center + half, size)
    rows, columns = tf.range(size[0]), tf.range(size[1])
    inside = ((rows >= low[0]) & (rows < high[0]))[:, None] & (
        (columns >= low[1]) & (columns < high[1])
    )
    share = tf.reduce_mean(tf.cast(inside, tf.float32))
    return (
        tf.where(inside[..., None], other_images, images),
        (1 - share) * labels + share * other_labels,
    )


def _beta(seed, parameter):
    """A draw from Beta(parameter, parameter)."""
    gammas = tf.random.stateless_gamma([2], seed, alpha=parameter)
    return gammas[0] / (gammas[0] + gammas[1])
