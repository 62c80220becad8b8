"""Batches of classified images: random crops, mixed and softened if asked.

A source is a list of `ClassificationExample` (images are read from their files) or
`TfdsImages`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from hrnet_tf.data import stream
from hrnet_tf.data.augment import classification as crops
from hrnet_tf.data.augment.mixing import mix
from hrnet_tf.data.formats.tfds import TfdsImages
from hrnet_tf.io import decode_image

if TYPE_CHECKING:
    from hrnet_tf.data.augment.classification import ClassificationAugmentation
    from hrnet_tf.data.schema import ClassificationExample
    from hrnet_tf.data.stream import Stream


def classified_stream(
    source: "Sequence[ClassificationExample] | TfdsImages",
) -> "Stream":
    """Returns the `Stream` of a source.

    Args:
        source: list of `ClassificationExample`, or `TfdsImages`.
    Returns:
        `Stream` of dicts: label (int64 scalar) and the image's path or bytes ("image").
    """
    if not isinstance(source, TfdsImages):
        names = [example.image_path for example in source]
        labels = tf.constant([example.label for example in source], tf.int64)
        return stream.from_table({"path": names, "label": labels}, "images", names)

    def parse(record):
        image, label = source.parse(record)
        return {"image": image, "label": tf.cast(label, tf.int64)}

    paths, skipped, taken = zip(*source.shards, strict=True)
    return stream.from_shards(
        (
            tf.constant(paths),
            tf.constant(skipped, tf.int64),
            tf.constant(taken, tf.int64),
        ),
        read=lambda path, skipped, taken: (
            tf.data.TFRecordDataset(path).skip(skipped).take(taken)
        ),
        expand=lambda records: records.map(parse),
        count=source.num_images,
        noun="images",
        # TFDS shuffles when it writes.
        expand_first=False,
    )


def training_batches(
    classified: "Stream",
    num_classes: int,
    image_size: tuple[int, int],
    batch_size: int,
    augmentation: "ClassificationAugmentation",
    seed: int = 0,
    **place: Any,
) -> tf.data.Dataset:
    """Makes the batches of training.

    Args:
        classified: `Stream` of `classified_stream`.
        num_classes: int.
        image_size: (height, width) of the crops.
        batch_size: int. Every batch is whole: an epoch's remainder is dropped.
        augmentation: `ClassificationAugmentation`.
        seed: int.
        **place: first_epoch, epochs and first_step, see `Stream.batches`.
    Returns:
        A `tf.data.Dataset` of (images `[B, H, W, 3]`, uint8, or float32 with MixUp;
        labels: int64 `[B]`, or float32 `[B, num_classes]` where the augmentation has
        soft labels).
    Raises:
        ValueError: if the source is smaller than a batch.
    """

    def crop(image, draw, read):
        pixels = crops.random_crop(
            _encoded(image, read), image_size, draw, augmentation
        )
        return pixels, image["label"]

    def soften(batch, images, labels):
        draw = crops.stream(tf.stack([tf.constant(seed, tf.int64), batch]), 8)
        return _soften(images, labels, num_classes, draw, augmentation)

    finish = soften if augmentation.soft_labels else None
    return classified.batches(crop, batch_size, seed, finish=finish, **place)


def test_batches(
    classified: "Stream",
    image_size: tuple[int, int],
    crop_fraction: float,
    batch_size: int,
) -> tf.data.Dataset:
    """Makes the batches of a test: every image once, in order, not augmented.

    Args:
        classified: `Stream` of `classified_stream`.
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
        classified.in_order()
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
