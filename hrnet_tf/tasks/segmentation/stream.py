"""The input pipeline of segmentation: orders, cuts, batches and prefetches.

The order and every random draw of epoch e depend on (seed, e) alone, so a resumed run
sees what an undisturbed one would have.
"""

import numpy as np
import tensorflow as tf

from hrnet_tf.data import files, order, service
from hrnet_tf.data.augment.segmentation import random_view
from hrnet_tf.data.formats.label_checks import decode_label
from hrnet_tf.data.label_sets import IGNORE_LABEL
from hrnet_tf.io import decode_image


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
    first_step=0,
):
    """Makes the batches of training.

    Args:
        examples: list of `SegmentationExample`.
        label_set: `LabelSet`.
        crop_size: (height, width).
        batch_size: int. Every batch is whole: an epoch's remainder is dropped.
        augmentation: `SegmentationAugmentation`.
        seed: int.
        first_epoch, first_step: int. Where a resumed run goes on.
        epochs: int or None. Where the data end; None means never.
    Returns:
        A `tf.data.Dataset` of (images uint8 `[B, H, W, 3]`, labels uint8 `[B, H, W]`),
        `steps_per_epoch` of them an epoch.
    Raises:
        ValueError: if there are fewer examples than a batch.
    """
    count = len(examples)
    taken = steps_per_epoch(examples, batch_size) * batch_size
    images = tf.constant([example.image_path for example in examples])
    labels = tf.constant([example.label_path for example in examples])
    load = files.reader(p for e in examples for p in (e.image_path, e.label_path))
    table = np.full(256, IGNORE_LABEL, np.uint8)
    table[: label_set.num_classes] = label_set.flip_indices

    def order_of(epoch):
        positions = order.permutation(count, seed, epoch).take(taken).enumerate()
        seen = order.num_seen(epoch, batch_size, first_epoch, first_step)
        return positions.skip(seen).map(
            lambda i, at: (tf.stack([seed * 10_007 + epoch, i]), at)
        )

    def view(draw, position):
        image, label = read(images[position], labels[position], label_set, load)
        return random_view(image, label, draw, crop_size, augmentation, table)

    last = np.iinfo(np.int64).max if epochs is None else epochs
    chosen = tf.data.Dataset.range(first_epoch, last).flat_map(order_of)
    return (
        service.map_examples(chosen, view)
        .batch(batch_size, drop_remainder=True)
        .prefetch(tf.data.AUTOTUNE)
    )


def batch_files(examples, batch_size, seed, epoch, step):
    """Returns the image files (list of str) of a batch of training.

    Args:
        examples: list of `SegmentationExample`.
        batch_size: int.
        seed: int.
        epoch, step: int, 0-based.
    """
    chosen = order.positions_of_batch(len(examples), batch_size, seed, epoch, step)
    return [examples[i].image_path for i in chosen]


def read(image_path, label_path, label_set, load=tf.io.read_file):
    """Reads an image and its label map, in a graph.

    Args:
        image_path, label_path: scalar string tensors.
        label_set: `LabelSet`.
        load: function from a path to a file's bytes.
    Returns:
        uint8 tensors `[H, W, 3]` and `[H, W]`, the latter in classes with
        `IGNORE_LABEL`.
    """
    image = decode_image(load(image_path))
    labels = decode_label(load(label_path))
    lookup = tf.constant(label_set.lookup())
    return image, tf.gather(lookup, tf.cast(labels, tf.int32))
