"""Batches of images and label maps: random views of random images."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from hrnet_tf.data import stream
from hrnet_tf.data.augment.segmentation import random_view
from hrnet_tf.data.formats.label_checks import decode_label
from hrnet_tf.data.label_sets import IGNORE_LABEL
from hrnet_tf.io import decode_image
from hrnet_tf.typing import Tensor

if TYPE_CHECKING:
    from hrnet_tf.data.augment.segmentation import SegmentationAugmentation
    from hrnet_tf.data.label_set import LabelSet
    from hrnet_tf.data.schema import SegmentationExample
    from hrnet_tf.data.stream import Stream


def labelled_stream(examples: "Sequence[SegmentationExample]") -> "Stream":
    """Returns the `Stream` of a list of `SegmentationExample`: dicts of two paths."""
    images = [example.image_path for example in examples]
    labels = [example.label_path for example in examples]
    columns = {"image_path": images, "label_path": labels}
    return stream.from_table(columns, "images", images, [*images, *labels])


def training_batches(
    labelled: "Stream",
    label_set: "LabelSet",
    crop_size: tuple[int, int],
    batch_size: int,
    augmentation: "SegmentationAugmentation",
    **place: Any,
) -> tf.data.Dataset:
    """Makes the batches of training.

    Args:
        labelled: `Stream` of `labelled_stream`.
        label_set: `LabelSet`.
        crop_size: (height, width).
        batch_size: int. Every batch is whole: an epoch's remainder is dropped.
        augmentation: `SegmentationAugmentation`.
        **place: seed, first_epoch, epochs and first_step, see `Stream.batches`.
    Returns:
        A `tf.data.Dataset` of (images uint8 `[B, H, W, 3]`, labels uint8 `[B, H, W]`).
    Raises:
        ValueError: if there are fewer examples than a batch.
    """
    table = np.full(256, IGNORE_LABEL, np.uint8)
    table[: label_set.num_classes] = label_set.flip_indices

    def view(example, draw, load):
        image, label = read(
            example["image_path"], example["label_path"], label_set, load
        )
        return random_view(image, label, draw, crop_size, augmentation, table)

    return labelled.batches(view, batch_size, **place)


def read(
    image_path: Tensor,
    label_path: Tensor,
    label_set: "LabelSet",
    load: Callable[..., Any] = tf.io.read_file,
) -> tuple[Tensor, Tensor]:
    """Reads an image and its label map, in a graph.

    Args:
        image_path, label_path: scalar string tensors.
        label_set: `LabelSet`.
        load: function from a path to a file's bytes.
    Returns:
        uint8 tensors `[H, W, 3]` and `[H, W]`, the latter in classes with
        `IGNORE_LABEL`.
    """
    labels = decode_label(load(label_path))
    lookup = tf.constant(label_set.lookup())
    classes = tf.gather(lookup, tf.cast(labels, tf.int32))
    return decode_image(load(image_path)), classes
