"""The input pipeline of segmentation: orders, cuts, batches and prefetches.

The order and every random draw of epoch e depend on (seed, e) alone, so a resumed run
sees what an undisturbed one would have.
"""

import numpy as np
import tensorflow as tf

from hrnet_tf.data import order
from hrnet_tf.data.augment.segmentation import random_view
from hrnet_tf.data.label_sets import IGNORE_LABEL
from hrnet_tf.data.sources.label_checks import decode_label


def steps_per_epoch(examples, batch_size):
    """Returns the number of whole batches; raises ValueError if there is none."""
    if len(examples) < batch_size:
        raise ValueError(
            f"The data set holds {len(examples)} images, fewer than a batch."
            f" Received: batch_size={batch_size}. Pass a batch size up to"
            f" {len(examples)}."
        )
    return len(examples) // batch_size


def training_batches(
    examples,
    label_set,
    crop_size,
    batch_size,
    augmentation,
    seed=0,
    first_epoch=0,
    epochs=None,
    half_size_epochs=0,
):
    """Makes the batches of training.

    Args:
        examples: list of `SegmentationExample`.
        label_set: `LabelSet`.
        crop_size: (height, width).
        batch_size: int. Every batch is whole: an epoch's remainder is dropped.
        augmentation: `SegmentationAugmentation`.
        seed: int.
        first_epoch: int. Where a resumed run goes on.
        epochs: int or None. Where the data end; None means never.
        half_size_epochs: int. The crops of so many first epochs are shown at half
            their size, which trains four times as fast.
    Returns:
        A `tf.data.Dataset` of (images uint8 `[B, H, W, 3]`, labels uint8 `[B, H, W]`),
        `steps_per_epoch` of them an epoch.
    Raises:
        ValueError: if there are fewer examples than a batch, or crops of odd sides are
            to be halved.
    """
    if half_size_epochs and any(side % 2 for side in crop_size):
        raise ValueError(
            "Only crops of even sides can be halved. Received:"
            f" crop_size={crop_size}, half_size_epochs={half_size_epochs}."
        )
    count = len(examples)
    taken = steps_per_epoch(examples, batch_size) * batch_size
    images = tf.constant([example.image_path for example in examples])
    labels = tf.constant([example.label_path for example in examples])
    table = np.full(256, IGNORE_LABEL, np.uint8)
    table[: label_set.num_classes] = label_set.flip_indices

    def order_of(epoch):
        positions = order.permutation(count, seed, epoch).take(taken).enumerate()
        return positions.map(lambda i, at: (tf.stack([seed * 10_007 + epoch, i]), at))

    def view(draw, position):
        image, label = read(images[position], labels[position], label_set)
        return random_view(image, label, draw, crop_size, augmentation, table)

    def batches(first, last, *changes):
        views = (
            tf.data.Dataset.range(first, last)
            .flat_map(order_of)
            .map(view, num_parallel_calls=tf.data.AUTOTUNE)
        )
        for change in changes:
            views = views.map(change, num_parallel_calls=tf.data.AUTOTUNE)
        return views.batch(batch_size, drop_remainder=True)

    last = np.iinfo(np.int64).max if epochs is None else epochs
    made = batches(max(first_epoch, half_size_epochs), last)
    if first_epoch < half_size_epochs:
        small = batches(first_epoch, min(half_size_epochs, last), halved)
        made = small.concatenate(made)
    return made.prefetch(tf.data.AUTOTUNE)


def halved(image, labels):
    """Shows a view at half its size.

    Args:
        image: uint8 tensor `[H, W, 3]` of even sides.
        labels: uint8 tensor `[H, W]`.
    Returns:
        uint8 tensors `[H / 2, W / 2, 3]`, means of two by two pixels, and
        `[H / 2, W / 2]`, the label of one of them.
    """
    pixels = tf.cast(image, tf.float32)[None]
    pixels = tf.nn.avg_pool2d(pixels, 2, 2, "VALID")[0]
    return tf.cast(pixels + 0.5, tf.uint8), labels[::2, ::2]


def read(image_path, label_path, label_set):
    """Reads an image and its label map, in a graph.

    Args:
        image_path, label_path: scalar string tensors.
        label_set: `LabelSet`.
    Returns:
        uint8 tensors `[H, W, 3]` and `[H, W]`, the latter in classes with
        `IGNORE_LABEL`.
    """
    encoded = tf.io.read_file(image_path)
    image = tf.cond(
        tf.io.is_jpeg(encoded),
        lambda: tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE"),
        lambda: tf.io.decode_image(encoded, channels=3, expand_animations=False),
    )
    labels = decode_label(tf.io.read_file(label_path))
    lookup = tf.constant(label_set.lookup())
    return tf.ensure_shape(image, [None, None, 3]), tf.gather(
        lookup, tf.cast(labels, tf.int32)
    )
