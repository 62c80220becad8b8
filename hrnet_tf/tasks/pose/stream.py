"""The input pipeline: the only place that orders, batches and prefetches.

A source of people is a list of `PoseExample` (images are read from their files) or
the `PoseRecords` of `open_pose_records`. The order and every random draw of epoch e
depend on (seed, e) alone, so a resumed run sees what an undisturbed one would have.
"""

import numpy as np
import tensorflow as tf

from hrnet_tf.data import files, order, service
from hrnet_tf.data.augment import affine
from hrnet_tf.data.schema import parse_pose
from hrnet_tf.data.shards import PoseRecords

# People held for shuffling when reading records; files and shards are shuffled too.
SHUFFLE_BUFFER = 4096
# People whose crops are planned at once: small operations cost as much on many.
PLANNED = 64


def num_people(source):
    """Returns how many people a source holds."""
    if isinstance(source, PoseRecords):
        return source.num_people
    return sum(example.num_people for example in source)


def steps_per_epoch(source, batch_size):
    """Returns the number of whole batches; raises ValueError if there is none."""
    count = num_people(source)
    if count < batch_size:
        raise ValueError(
            f"The data set holds {count} people, fewer than a batch."
            f" Received: batch_size={batch_size}. Pass a batch size up to {count}."
        )
    return count // batch_size


def training_batches(
    source,
    codec,
    keypoint_set,
    batch_size,
    augmentation,
    seed=0,
    first_epoch=0,
    epochs=None,
    first_step=0,
):
    """Makes the batches of training.

    Args:
        source: list of `PoseExample`, or `PoseRecords`.
        codec: `HeatmapCodec`; says how crops are cut and makes the targets.
        keypoint_set: `KeypointSet` of the source.
        batch_size: int. Every batch is whole: an epoch's remainder is dropped.
        augmentation: `PoseAugmentation`.
        seed: int.
        first_epoch, first_step: int. Where a resumed run goes on.
        epochs: int or None. Where the data end; None means never.
    Returns:
        A `tf.data.Dataset` of (images uint8 `[B, H, W, 3]`, heatmaps float32
        `[B, H/4, W/4, K]`, weights float32 `[B, K]`), `steps_per_epoch` of them an
        epoch.
    Raises:
        ValueError: if the source is smaller than a batch.
    """
    people_of_epoch = _shuffled_people(source, keypoint_set.num_keypoints, seed)
    taken = steps_per_epoch(source, batch_size) * batch_size
    in_records = isinstance(source, PoseRecords)
    paths = None if in_records else [example.image_path for example in source]
    read = files.reader(paths)

    def epoch_crops(epoch):
        def plan(block, people):
            draw = tf.stack([seed * 10_007 + epoch, block])
            return _plan_crops(people, draw, codec, augmentation, keypoint_set)

        blocks = people_of_epoch(epoch).take(taken).batch(PLANNED).enumerate()
        seen = order.num_seen(epoch, batch_size, first_epoch, first_step)
        crops = blocks.skip(seen // PLANNED).map(plan).unbatch()
        return crops.skip(seen % PLANNED)

    def crop(person):
        image = affine.decode_window(
            _encoded(person, read), person["window"], person["matrix"], codec.image_size
        )
        image = affine.jitter(image, person["seed"], augmentation)
        return image, person["points"], person["visible"]

    def targets(image, points, visible):
        return image, *codec.encode(points, visible)

    last = np.iinfo(np.int64).max if epochs is None else epochs
    planned = tf.data.Dataset.range(first_epoch, last).flat_map(epoch_crops)
    return (
        service.map_examples(planned, crop)
        .batch(batch_size, drop_remainder=True)
        .map(targets, num_parallel_calls=1)
        .prefetch(tf.data.AUTOTUNE)
    )


def batch_files(source, batch_size, seed, epoch, step):
    """Returns the image files (list of str) of the people in a batch of training.

    Args:
        source: list of `PoseExample`, or `PoseRecords`, whose files have only the names
            that they had when the records were written.
        batch_size: int.
        seed: int.
        epoch, step: int, 0-based.
    """
    if not isinstance(source, PoseRecords):
        paths = np.repeat(
            [e.image_path for e in source], [e.num_people for e in source]
        )
        count = len(paths)
        chosen = order.positions_of_batch(count, batch_size, seed, epoch, step)
        return paths[chosen].tolist()
    people_of_epoch = _shuffled_people(
        source, source.keypoint_set.num_keypoints, seed, names_only=True
    )
    # Shuffling is seeded in the graphs that `flat_map` traces.
    names = tf.data.Dataset.range(epoch, epoch + 1).flat_map(people_of_epoch)
    batch = names.skip(step * batch_size).take(batch_size)
    return [name.decode() for name in batch.as_numpy_iterator()]


def test_batches(source, num_keypoints, codec, batch_size):
    """Makes the batches of a test: every person once, in order, not augmented.

    Args:
        source: list of `PoseExample`, or `PoseRecords`.
        num_keypoints: int.
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
        _people_in_order(source, num_keypoints)
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


def _table(examples):
    """The people of examples as tensors with a row each."""
    counts = [example.num_people for example in examples]
    return {
        "path": tf.constant(np.repeat([e.image_path for e in examples], counts)),
        "height": tf.constant(np.repeat([e.height for e in examples], counts)),
        "width": tf.constant(np.repeat([e.width for e in examples], counts)),
        "box": tf.constant(np.concatenate([e.boxes for e in examples])),
        "keypoints": tf.constant(np.concatenate([e.keypoints for e in examples])),
    }


def _parse_people(serialized, num_keypoints):
    """The people of a record as a data set."""
    fields = parse_pose(serialized, num_keypoints)
    people = tf.data.Dataset.from_tensor_slices(
        {"box": fields["boxes"], "keypoints": fields["keypoints"]}
    )
    image = {key: fields[key] for key in ("image", "image_path", "height", "width")}
    return people.map(lambda person: {**person, **image})


def _people_in_order(source, num_keypoints):
    if isinstance(source, PoseRecords):
        records = tf.data.TFRecordDataset([str(path) for path in source.paths])
        return records.flat_map(lambda record: _parse_people(record, num_keypoints))
    return tf.data.Dataset.from_tensor_slices(_table(source))


def _shuffled_people(source, num_keypoints, seed, names_only=False):
    """Returns the function from an epoch to its people, shuffled by (seed, epoch).

    Of people in records, `names_only` leaves the names of their images alone.
    """
    if isinstance(source, PoseRecords):
        paths = tf.constant([str(path) for path in source.paths])

        def from_records(epoch):
            shards = order.permutation(len(source.paths), seed, epoch)
            records = shards.map(lambda i: paths[i]).interleave(
                tf.data.TFRecordDataset, cycle_length=4
            )
            people = records.flat_map(lambda r: _parse_people(r, num_keypoints))
            if names_only:
                people = people.map(lambda person: person["image_path"])
            return order.shuffle(people, SHUFFLE_BUFFER, seed, epoch)

        return from_records
    table = _table(source)
    count = num_people(source)

    def from_files(epoch):
        return order.permutation(count, seed, epoch).map(
            lambda i: {key: value[i] for key, value in table.items()}
        )

    return from_files
