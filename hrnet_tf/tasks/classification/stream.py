"""The input pipeline of classification: orders, crops, mixes, batches, prefetches.

A source is a list of `ClassificationExample` (images are read from their files) or
`TfdsImages`. The order and every random draw of epoch e depend on (seed, e) alone, so
a resumed run sees what an undisturbed one would have.
"""

import numpy as np
import tensorflow as tf

from hrnet_tf.data import files, order, service
from hrnet_tf.data.augment import classification as crops
from hrnet_tf.data.augment.mixing import mix
from hrnet_tf.data.formats.tfds import TfdsImages
from hrnet_tf.io import decode_image

# Images held for shuffling when reading TFDS's files, which are shuffled already when
# they are written; the files are shuffled too.
SHUFFLE_BUFFER = 4096


def num_images(source):
    """Returns how many images a source holds."""
    return source.num_images if isinstance(source, TfdsImages) else len(source)


def steps_per_epoch(source, batch_size):
    """Returns the number of whole batches; raises ValueError if there is none."""
    count = num_images(source)
    if count < batch_size:
        raise ValueError(
            f"The data set holds {count} images, fewer than a batch."
            f" Received: batch_size={batch_size}. Pass a batch size up to {count}."
        )
    return count // batch_size


def training_batches(
    source,
    num_classes,
    image_size,
    batch_size,
    augmentation,
    seed=0,
    first_epoch=0,
    epochs=None,
    first_step=0,
):
    """Makes the batches of training.

    Args:
        source: list of `ClassificationExample`, or `TfdsImages`.
        num_classes: int.
        image_size: (height, width) of the crops.
        batch_size: int. Every batch is whole: an epoch's remainder is dropped.
        augmentation: `ClassificationAugmentation`.
        seed: int.
        first_epoch, first_step: int. Where a resumed run goes on.
        epochs: int or None. Where the data end; None means never.
    Returns:
        A `tf.data.Dataset` of (images `[B, H, W, 3]`, uint8, or float32 with MixUp;
        labels: int64 `[B]`, or float32 `[B, num_classes]` where the augmentation has
        soft labels), `steps_per_epoch` of them an epoch.
    Raises:
        ValueError: if the source is smaller than a batch.
    """
    images_of_epoch = _shuffled_images(source, seed)
    steps = steps_per_epoch(source, batch_size)
    in_files = not isinstance(source, TfdsImages)
    read = files.reader([e.image_path for e in source] if in_files else None)

    def epoch_images(epoch):
        def with_seed(position, image):
            return {**image, "seed": tf.stack([seed * 10_007 + epoch, position])}

        images = images_of_epoch(epoch).take(steps * batch_size).enumerate()
        seen = order.num_seen(epoch, batch_size, first_epoch, first_step)
        return images.skip(seen).map(with_seed)

    def crop(image):
        pixels = crops.random_crop(
            _encoded(image, read), image_size, image["seed"], augmentation
        )
        return pixels, image["label"]

    def soften(batch, images_and_labels):
        draw = crops.stream(tf.stack([tf.constant(seed, tf.int64), batch]), 8)
        return _soften(*images_and_labels, num_classes, draw, augmentation)

    last = np.iinfo(np.int64).max if epochs is None else epochs
    images = tf.data.Dataset.range(first_epoch, last).flat_map(epoch_images)
    batches = service.map_examples(images, crop)
    batches = batches.batch(batch_size, drop_remainder=True)
    if augmentation.soft_labels:
        batches = batches.enumerate(first_epoch * steps + first_step).map(
            soften, num_parallel_calls=1
        )
    return batches.prefetch(tf.data.AUTOTUNE)


def batch_files(source, batch_size, seed, epoch, step):
    """Returns the image files (list of str) of a batch of training.

    Args:
        source: list of `ClassificationExample`, or `TfdsImages`, which have no files:
            their list is empty.
        batch_size: int.
        seed: int.
        epoch, step: int, 0-based.
    """
    if isinstance(source, TfdsImages):
        return []
    chosen = order.positions_of_batch(len(source), batch_size, seed, epoch, step)
    return [source[i].image_path for i in chosen]


def test_batches(source, image_size, crop_fraction, batch_size):
    """Makes the batches of a test: every image once, in order, not augmented.

    Args:
        source: list of `ClassificationExample`, or `TfdsImages`.
        image_size: (height, width) of the crops.
        crop_fraction: float in (0, 1], see `center_crop`.
        batch_size: int. The last batch may be smaller.
    Returns:
        A `tf.data.Dataset` of (images uint8 `[B, H, W, 3]`, labels int64 `[B]`).
    """

    def crop(image):
        pixels = decode_image(_encoded(image))
        return crops.center_crop(pixels, image_size, crop_fraction), image["label"]

    return (
        _images_in_order(source)
        .map(crop, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(batch_size)
        .prefetch(tf.data.AUTOTUNE)
    )


def _soften(images, labels, num_classes, seed, augmentation):
    """Labels as shares of the classes, smoothed, and the batch mixed if asked."""
    smoothing = augmentation.label_smoothing
    labels = (1 - smoothing) * tf.one_hot(labels, num_classes)
    labels += smoothing / num_classes
    if not (augmentation.mixup or augmentation.cutmix):
        return images, labels
    return mix(images, labels, seed, augmentation.mixup, augmentation.cutmix)


def _encoded(image, read=tf.io.read_file):
    """The image file's bytes."""
    return image["image"] if "image" in image else read(image["path"])


def _table(examples):
    """The examples as tensors with a row each."""
    return {
        "path": tf.constant([example.image_path for example in examples]),
        "label": tf.constant([example.label for example in examples], tf.int64),
    }


def _parsed(source):
    def parse(record):
        image, label = source.parse(record)
        return {"image": image, "label": tf.cast(label, tf.int64)}

    return parse


def _shards(source):
    """The files of `TfdsImages` as tensors: path, records to skip and to take."""
    paths, skipped, taken = zip(*source.shards, strict=True)
    return (
        tf.constant(paths),
        tf.constant(skipped, tf.int64),
        tf.constant(taken, tf.int64),
    )


def _read(path, skipped, taken):
    return tf.data.TFRecordDataset(path).skip(skipped).take(taken)


def _images_in_order(source):
    if isinstance(source, TfdsImages):
        shards = tf.data.Dataset.from_tensor_slices(_shards(source))
        return shards.flat_map(_read).map(_parsed(source))
    return tf.data.Dataset.from_tensor_slices(_table(source))


def _shuffled_images(source, seed):
    """Returns the function from an epoch to its images, shuffled by (seed, epoch)."""
    if isinstance(source, TfdsImages):
        columns = _shards(source)

        def from_records(epoch):
            shards = order.permutation(len(source.shards), seed, epoch)
            shards = shards.map(lambda i: tuple(column[i] for column in columns))
            records = shards.interleave(_read, cycle_length=4)
            shuffled = order.shuffle(records, SHUFFLE_BUFFER, seed, epoch)
            return shuffled.map(_parsed(source))

        return from_records
    table = _table(source)

    def from_files(epoch):
        return order.permutation(len(source), seed, epoch).map(
            lambda i: {key: column[i] for key, column in table.items()}
        )

    return from_files
