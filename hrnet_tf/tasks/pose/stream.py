"""Batches of people: crops planned on many at once, decoded one by one.

A source of people is a list of `PoseExample` (images are read from their files) or the
`PoseRecords` of `open_pose_records`.
"""

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from hrnet_tf.data import stream
from hrnet_tf.data.augment import affine
from hrnet_tf.data.schema import parse_pose
from hrnet_tf.data.shards import PoseRecords

if TYPE_CHECKING:
    from hrnet_tf.data.augment.affine import PoseAugmentation
    from hrnet_tf.data.heatmaps import HeatmapCodec
    from hrnet_tf.data.keypoint_sets import KeypointSet
    from hrnet_tf.data.schema import PoseExample
    from hrnet_tf.data.stream import Stream


# People whose crops are planned at once.
PLANNED = 64


def people_stream(
    source: "Sequence[PoseExample] | PoseRecords", num_keypoints: int
) -> "Stream":
    """Returns the `Stream` of the people of a source.

    Args:
        source: list of `PoseExample`, or `PoseRecords`.
        num_keypoints: int, `K`.
    Returns:
        `Stream` of dicts: box `[4]` and keypoints `[K, 3]` (float32, px), height and
        width of the image, and its path or its bytes ("image").
    """
    if isinstance(source, PoseRecords):
        parse = functools.partial(_parse_people, num_keypoints=num_keypoints)
        return stream.from_shards(
            (tf.constant([str(path) for path in source.paths]),),
            read=tf.data.TFRecordDataset,
            expand=lambda records: records.flat_map(parse),
            count=source.num_people,
            noun="people",
            name=lambda person: person["image_path"],
        )
    counts = [example.num_people for example in source]
    names = np.repeat([e.image_path for e in source], counts)
    columns = {
        "path": names,
        "height": np.repeat([e.height for e in source], counts),
        "width": np.repeat([e.width for e in source], counts),
        "box": np.concatenate([e.boxes for e in source]),
        "keypoints": np.concatenate([e.keypoints for e in source]),
    }
    return stream.from_table(columns, "people", names, {e.image_path for e in source})


def training_batches(
    people: "Stream",
    codec: "HeatmapCodec",
    keypoint_set: "KeypointSet",
    batch_size: int,
    augmentation: "PoseAugmentation",
    **place: Any,
) -> tf.data.Dataset:
    """Makes the batches of training.

    Args:
        people: `Stream` of `people_stream`.
        codec: `HeatmapCodec`; says how crops are cut and makes the targets.
        keypoint_set: `KeypointSet` of the people.
        batch_size: int. Every batch is whole: an epoch's remainder is dropped.
        augmentation: `PoseAugmentation`.
        **place: seed, first_epoch, epochs and first_step, see `Stream.batches`.
    Returns:
        A `tf.data.Dataset` of (images uint8 `[B, H, W, 3]`, heatmaps float32
        `[B, H/4, W/4, K]`, weights float32 `[B, K]`).
    Raises:
        ValueError: if there are fewer people than a batch.
    """

    def crop(person, _, read):
        image = affine.decode_window(
            _encoded(person, read), person["window"], person["matrix"], codec.image_size
        )
        image = affine.jitter(image, person["seed"], augmentation)
        return image, person["points"], person["visible"]

    return people.batches(
        crop,
        batch_size,
        plan=functools.partial(
            _plan_crops,
            codec=codec,
            augmentation=augmentation,
            keypoint_set=keypoint_set,
        ),
        block=PLANNED,
        finish=lambda _, image, *labels: (image, *codec.encode(*labels)),
        **place,
    )


def test_batches(
    people: "Stream", codec: "HeatmapCodec", batch_size: int
) -> tf.data.Dataset:
    """Makes the batches of a test: every person once, in order, not augmented.

    Args:
        people: `Stream` of `people_stream`.
        codec: `HeatmapCodec`; says how crops are cut.
        batch_size: int. The last batch is padded by repeating its last person.
    Returns:
        A `tf.data.Dataset` of dicts: images uint8 `[B, H, W, 3]`, centers and sizes
        float32 `[B, 2]` (the regions, pixels), index int64 `[B]` (the person's
        position in the source; -1 for padding).
    """
    size = tuple(codec.image_size)

    def crop(index, person):
        center, extent = affine.box_regions(person["box"], size[1] / size[0])
        matrix = codec.crop_matrix(center, extent, 0.0)
        image = affine.decode_crop(_encoded(person), matrix, size)
        return {"images": image, "centers": center, "sizes": extent, "index": index}

    def pad(batch):
        missing = batch_size - tf.shape(batch["index"])[0]
        padded = {
            key: tf.concat([value, tf.repeat(value[-1:], missing, axis=0)], 0)
            for key, value in batch.items()
        }
        real = tf.range(batch_size) < batch_size - missing
        padded["index"] = tf.where(real, padded["index"], -1)
        return {
            key: tf.ensure_shape(value, (batch_size, *value.shape[1:]))
            for key, value in padded.items()
        }

    return (
        people.in_order()
        .enumerate()
        .map(crop, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(batch_size)
        .map(pad, num_parallel_calls=1)
        .prefetch(tf.data.AUTOTUNE)
    )


def _encoded(person, read=tf.io.read_file):
    """The person's image file's bytes."""
    return person["image"] if "image" in person else read(person["path"])


def _plan_crops(people, seed, codec, augmentation, keypoint_set):
    """Draws the augmented crops of `N` people.

    Returns:
        A dict of tensors with a row each: the image's path or bytes, window and
        matrix for `affine.decode_window`, points `[N, K, 2]` in crop pixels, visible
        `[N, K]` and seed `[N, 2]`.
    """
    crop_size = codec.image_size
    keypoints = people["keypoints"]
    upper = [name in keypoint_set.upper_body for name in keypoint_set.names]
    center, size = affine.box_regions(people["box"], crop_size[1] / crop_size[0])
    center, size, rotation, flip = affine.random_region(
        keypoints, center, size, seed, augmentation, upper
    )
    matrix = codec.crop_matrix(center, size, rotation)
    # The official code mirrors the image and the centre, then crops with the same
    # angle; both steps are one matrix here.
    width = tf.cast(people["width"], tf.float32)
    mirrored_center = tf.stack([width - 1 - center[:, 0], center[:, 1]], -1)
    mirrored = codec.crop_matrix(mirrored_center, size, rotation)
    mirrored = affine.mirror(mirrored, width)
    matrix = tf.where(flip[:, None, None], mirrored, matrix)
    points = affine.apply_matrix(matrix, keypoints[..., :2])
    visible = keypoints[..., 2]
    swapped = tf.gather(points, keypoint_set.flip_indices, axis=1)
    points = tf.where(flip[:, None, None], swapped, points)
    swapped = tf.gather(visible, keypoint_set.flip_indices, axis=1)
    visible = tf.where(flip[:, None], swapped, visible)
    image_size = tf.stack([people["height"], people["width"]], -1)
    window, inverse = affine.locate_window(matrix, image_size, crop_size)
    rows = seed[1] * PLANNED + tf.range(tf.size(flip, tf.int64))
    rows = tf.stack([tf.fill(tf.shape(rows), seed[0]), rows], -1)
    source = "image" if "image" in people else "path"
    return {
        source: people[source],
        "window": window,
        "matrix": inverse,
        "points": points,
        "visible": visible,
        "seed": rows,
    }


def _parse_people(serialized, num_keypoints):
    """The people of a record as a data set."""
    fields = parse_pose(serialized, num_keypoints)
    people = tf.data.Dataset.from_tensor_slices(
        {"box": fields["boxes"], "keypoints": fields["keypoints"]}
    )
    image = {key: fields[key] for key in ("image", "image_path", "height", "width")}
    return people.map(lambda person: {**person, **image})
