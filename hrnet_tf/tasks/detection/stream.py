"""Batches of images and their objects: random views, padded to one size.

A source is a list of `DetectionExample` (images are read from their files) or the
`DetectionRecords` of `open_detection_records`.
"""

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from hrnet_tf.data import stream
from hrnet_tf.data.augment.detection import FILL, random_view, sample_masks
from hrnet_tf.data.detection_records import DetectionRecords, parse_detection
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.io import decode_image
from hrnet_tf.typing import Tensor

if TYPE_CHECKING:
    from hrnet_tf.data.augment.detection import DetectionAugmentation
    from hrnet_tf.data.detection_example import DetectionExample
    from hrnet_tf.data.stream import Stream

# Points along each side of a box at which masks are given to the losses.
MASK_SIDE = 112
# Columns of the table of examples, which tf.data reads from bytes.
_COLUMNS = {
    "boxes": tf.float32,
    "classes": tf.int32,
    "ignored": tf.uint8,
    "mask_lengths": tf.int32,
}


def chosen_examples(
    examples: "Sequence[DetectionExample]",
    keep_empty: bool = False,
    max_boxes: int | None = None,
) -> "tuple[list[DetectionExample], LeftOut]":
    """Chooses what is trained on, and counts what is not.

    Args:
        examples: list of `DetectionExample`.
        keep_empty: bool. Whether images without an object to learn stay, all
            background; officially they do not.
        max_boxes: int or None. The most objects of an image; of more the smallest are
            left out, which is counted here.
    Returns:
        list of `DetectionExample`, and `LeftOut`.
    Raises:
        ValueError: if none is left.
    """
    kept, left_out = [], LeftOut()
    for example in examples:
        if not keep_empty and not (~example.ignored).any():
            left_out.add("images without an object", example.image_path)
            continue
        kept.append(example)
        over = example.num_objects - (max_boxes or example.num_objects)
        if over > 0:
            reason = f"objects beyond the {max_boxes} of an image (see max_boxes)"
            left_out.add(reason, example.image_path, over)
    if not kept:
        raise ValueError(
            f"None of {len(examples)} images has an object to learn. Check the classes"
            " and the annotations, or keep images without objects."
        )
    return kept, left_out


def objects_stream(source: "Sequence[DetectionExample] | DetectionRecords") -> "Stream":
    """Returns the `Stream` of the images of a source.

    Args:
        source: list of `DetectionExample`, or `DetectionRecords`.
    Returns:
        `Stream` of dicts for `training_batches`: the image's path or its bytes
        ("image"), its height and width, and its objects.
    """
    if isinstance(source, DetectionRecords):
        return stream.from_shards(
            (tf.constant([str(path) for path in source.paths]),),
            read=tf.data.TFRecordDataset,
            expand=functools.partial(_expand, source.keep_empty),
            count=source.num_chosen,
            noun="images",
            name=lambda record: record["image_path"],
            expand_first=False,
        )
    names = [example.image_path for example in source]
    columns = {
        "path": names,
        "height": np.array([e.height for e in source], np.int64),
        "width": np.array([e.width for e in source], np.int64),
        "mask_runs": [e.mask_runs for e in source],
    }
    for name, dtype in _COLUMNS.items():
        columns[name] = [_bytes(e, name, dtype.as_numpy_dtype) for e in source]
    return stream.from_table(columns, "images", names)


def training_batches(
    images: "Stream",
    batch_size: int,
    augmentation: "DetectionAugmentation",
    image_size: tuple[int, int] | None = None,
    divisor: int = 32,
    max_boxes: int = 100,
    masks: bool = False,
    **place: Any,
) -> tf.data.Dataset:
    """Makes the batches of training.

    Args:
        images: `Stream` of `objects_stream`.
        batch_size: int. Every batch is whole: an epoch's remainder is dropped.
        augmentation: `DetectionAugmentation`.
        image_size: (height, width) that all images are padded to, for static shapes;
            larger views are made smaller. None pads a batch to its largest sides, and
            these to a multiple of `divisor`.
        divisor: int.
        max_boxes: int, `M`. Of more objects the smallest are left out.
        masks: bool. Whether labels have masks.
        **place: seed, first_epoch, epochs and first_step, see `Stream.batches`.
    Returns:
        A `tf.data.Dataset` of (images uint8 `[B, H, W, 3]`, labels), filled with
        ImageNet's mean below and on the right. The labels are a dict: boxes float32
        `[B, M, 4]` (left, top, right, bottom in px of the image), classes int32
        `[B, M]` (-1: padding), crowd bool `[B, M]` (regions to ignore), image_sizes
        float32 `[B, 2]` (height and width without padding); with `masks` also masks
        uint8 `[B, M, 112, 112]`, 0 or 1 at points over each box.
    Raises:
        ValueError: if there are fewer images than a batch.
    """

    def make(example, draw, read):
        encoded = example["image"] if "image" in example else read(example["path"])
        image = decode_image(encoded)
        objects = _decoded(example)
        runs = objects.pop("runs")
        fit = image_size
        view, found = random_view(image, objects, draw, augmentation, fit)
        labels = _labels(found, max_boxes)
        labels["image_sizes"] = tf.cast(tf.shape(view)[:2], tf.float32)
        if masks:
            labels["masks"] = _masks(runs, objects, found, labels, tf.shape(image)[:2])
        del labels["number"]
        if image_size is not None:
            view = _padded(view, image_size)
        return view, labels

    def finish(_, views, labels):
        sizes = tf.cast(labels["image_sizes"], tf.int32)
        if image_size is None:
            sides = tf.shape(views)[1:3]
            views = _padded(views, -(-sides // divisor) * divisor)
        return filled(views, sizes), labels

    return images.batches(
        make,
        batch_size,
        finish=finish,
        join=None if image_size is not None else _padded_batch,
        **place,
    )


def filled(images: Tensor, sizes: Tensor) -> Tensor:
    """Fills images with ImageNet's mean colour beyond their sizes.

    Args:
        images: uint8 tensor `[B, H, W, 3]`.
        sizes: int32 tensor `[B, 2]`, (height, width).
    """
    rows = tf.range(tf.shape(images)[1]) < sizes[:, :1]
    columns = tf.range(tf.shape(images)[2]) < sizes[:, 1:]
    inside = rows[:, :, None] & columns[:, None]
    return tf.where(inside[..., None], images, tf.constant(FILL, tf.uint8))


def _padded_batch(data: tf.data.Dataset, batch_size: int) -> tf.data.Dataset:
    return data.padded_batch(batch_size, drop_remainder=True)


def _padded(images, size):
    """Images `[..., h, w, 3]` padded to (height, width)."""
    given = images.shape.rank - 3
    missing = tf.convert_to_tensor(size) - tf.shape(images)[given : given + 2]
    ends = tf.concat([tf.zeros(given, tf.int32), missing, [0]], 0)
    padded = tf.pad(images, tf.stack([tf.zeros_like(ends), ends], 1))
    static = [*images.shape[:given], None, None, 3]
    if not tf.is_tensor(size):
        static[given : given + 2] = size
    return tf.ensure_shape(padded, static)


def _bytes(example, name, dtype):
    return np.asarray(getattr(example, name), dtype).tobytes()


def _decoded(example):
    """The objects of a row of the table or of a record, as tensors."""
    objects = {
        name: example[name]
        if example[name].dtype != tf.string
        else tf.io.decode_raw(example[name], dtype)
        for name, dtype in _COLUMNS.items()
    }
    runs = tf.io.decode_compressed(example["mask_runs"], "ZLIB")
    return {
        "boxes": tf.reshape(objects["boxes"], (-1, 4)),
        "classes": objects["classes"],
        "ignored": objects["ignored"] > 0,
        "lengths": objects["mask_lengths"],
        "number": tf.range(tf.size(objects["classes"])),
        "runs": tf.io.decode_raw(runs, tf.int32),
    }


def _labels(found, max_boxes):
    """The objects of a view, the largest first, padded to a number of rows.

    Regions to ignore are last.
    """
    sides = found["boxes"][:, 2:] - found["boxes"][:, :2]
    areas = tf.reduce_prod(sides, -1)
    order = tf.argsort(-areas, stable=True)
    last = tf.cast(tf.gather(found["ignored"], order), tf.int32)
    order = tf.gather(order, tf.argsort(last, stable=True))[:max_boxes]
    missing = max_boxes - tf.size(order)

    def rows(name, value):
        chosen = tf.gather(found[name], order)
        ends = [[0, missing]] + [[0, 0]] * (chosen.shape.rank - 1)
        padded = tf.pad(chosen, ends, constant_values=value)
        return tf.ensure_shape(padded, (max_boxes, *chosen.shape[1:]))

    return {
        "boxes": rows("boxes", 0.0),
        "classes": rows("classes", -1),
        "crowd": rows("ignored", False),
        "number": rows("number", -1),
    }


def _masks(runs, objects, found, labels, size):
    """Masks `[M, side, side]` over the boxes of labels, zeros where there is none."""
    # Read for those that are kept alone: runs of the others are skipped.
    numbers = tf.maximum(labels["number"], 0)
    count = tf.size(objects["lengths"])
    real = (labels["number"] >= 0) & (count > 0)
    ragged = tf.RaggedTensor.from_row_lengths(runs, objects["lengths"])
    some = tf.pad(ragged.row_lengths(), [[0, tf.cast(count == 0, tf.int32)]])
    lengths = tf.where(real, tf.gather(some, numbers), 0)
    kept = tf.boolean_mask(numbers, real)
    masks = sample_masks(
        tf.gather(ragged, kept).flat_values,
        lengths,
        size,
        labels["boxes"],
        found["origin"],
        MASK_SIDE,
    )
    return tf.ensure_shape(masks, (len(labels["boxes"]), MASK_SIDE, MASK_SIDE))


def _expand(keep_empty: bool, records: tf.data.Dataset) -> Callable:
    parsed = records.map(parse_detection)
    if keep_empty:
        return parsed
    return parsed.filter(lambda record: tf.reduce_any(record["ignored"] == 0))
