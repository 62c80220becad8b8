"""Records of detection: written once from examples, read by the input pipeline.

The folder is that of `data.shards`; metadata.json holds an "object_set" and counts of
objects in place of keypoints and people.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hrnet_tf.data import record_files
from hrnet_tf.data.detection_example import DetectionExample
from hrnet_tf.data.object_sets import ObjectSet
from hrnet_tf.data.schema import file_name, serialized
from hrnet_tf.typing import PathLike, Progress, Tensor


@dataclass(frozen=True)
class DetectionRecords:
    """The records in a folder.

    Args:
        paths: tuple of str, the shards in order.
        num_images: int, also the number of records.
        num_objects: int.
        num_empty: int. Images without an object to learn.
        has_masks: bool. Whether all objects have masks.
        object_set: `ObjectSet` of the objects.
        num_skipped: int. Bad examples left out by the call that wrote the records; 0
            when they were opened.
        content: str or None. Digest of the examples that the records were written from.
        keep_empty: bool. Whether images without an object are trained on.
    """

    paths: tuple[str, ...]
    num_images: int
    num_objects: int
    num_empty: int
    has_masks: bool
    object_set: ObjectSet
    num_skipped: int = 0
    content: str | None = None
    keep_empty: bool = False

    @property
    def num_chosen(self) -> int:
        """int: the number of images that are trained on."""
        return self.num_images - (0 if self.keep_empty else self.num_empty)


def write_detection_records(
    examples: Sequence[DetectionExample],
    output_dir: PathLike,
    object_set: ObjectSet,
    num_shards: int | None = None,
    skip_bad: bool = False,
    progress: Progress | None = None,
    write_shards: Callable[..., Any] | None = None,
) -> DetectionRecords:
    """Writes examples as sharded TFRecords, one record an image.

    Args:
        examples: sequence of `DetectionExample`.
        output_dir, num_shards, skip_bad, progress, write_shards: see
            `shards.write_pose_records`.
        object_set: `ObjectSet` of the examples.
    Returns:
        `DetectionRecords`, of what was written.
    Raises:
        ValueError: see `shards.write_pose_records`; and if an example has a class that
            is none of the set's.
    """
    examples = list(examples)
    for example in examples:
        largest = max(example.classes, default=0)
        if largest >= object_set.num_classes:
            raise ValueError(
                f"{example.image_path} has an object of class {largest}, but the object"
                f" set {object_set.name!r} has {object_set.num_classes} classes."
            )
    metadata, num_skipped = record_files.write_records(
        examples,
        output_dir,
        functools.partial(_metadata, object_set),
        num_shards,
        skip_bad,
        progress,
        write_shards or _write_shards,
    )
    return _records(Path(output_dir), metadata, num_skipped)


def open_detection_records(records_dir: PathLike) -> DetectionRecords:
    """Returns the `DetectionRecords` in a folder, after a quick check of their files.

    Args:
        records_dir: path of a folder from `write_detection_records`.
    Raises:
        ValueError: naming the file, if one is absent, cut short or no such file.
    """
    return record_files.open_records(records_dir, _records)


def shard_name(index: int, num_shards: int) -> str:
    """Returns the file name of a shard of records of detection."""
    return record_files.shard_name(index, num_shards, "detection")


def write_shard(
    examples: Sequence[DetectionExample],
    path: PathLike,
    report: Callable[..., Any],
    tick: Callable[..., Any] = lambda: None,
    map: Callable[..., Any] = map,
) -> dict[str, Any]:
    """Writes the records of some images into one file.

    Args:
        examples: list of `DetectionExample`.
        path, report, tick, map: see `record_files.write_shard`.
    """
    return record_files.write_shard(examples, path, report, _record, tick, map)


def parse_detection(serialized: Tensor) -> dict[str, Any]:
    """Reads a detection record; works eagerly and in `Dataset.map`.

    Args:
        serialized: scalar string tensor or bytes, from `write_detection_records`.
    Returns:
        A dict of tensors: image (scalar string, the encoded bytes), image_path (scalar
        string, the file name), image_id, height and width (scalar int64), boxes float32
        `[N, 4]`, classes, ignored, difficult and mask_lengths int32 `[N]`, areas
        float32 `[N]`, ids int64 `[N]`, mask_runs (scalar string).
    """
    import tensorflow as tf

    def one(dtype):
        return tf.io.FixedLenFeature([], dtype)

    def objects(shape, dtype):
        return tf.io.FixedLenSequenceFeature(shape, dtype, allow_missing=True)

    names = {
        "image": ("image/encoded", one(tf.string)),
        "image_path": ("image/path", one(tf.string)),
        "image_id": ("image/id", one(tf.int64)),
        "height": ("image/height", one(tf.int64)),
        "width": ("image/width", one(tf.int64)),
        "mask_runs": ("objects/mask_runs", one(tf.string)),
        "boxes": ("objects/boxes", objects([4], tf.float32)),
        "areas": ("objects/areas", objects([], tf.float32)),
        "ids": ("objects/ids", objects([], tf.int64)),
        **{
            name: (f"objects/{name}", objects([], tf.int64))
            for name in ("classes", "ignored", "difficult", "mask_lengths")
        },
    }
    found = tf.io.parse_single_example(serialized, dict(names.values()))
    record = {name: found[key] for name, (key, _) in names.items()}
    for name in ("classes", "ignored", "difficult", "mask_lengths"):
        record[name] = tf.cast(record[name], tf.int32)
    return record


def _write_shards(examples, folder, num_shards, bad, progress):
    """Writes the shards one after the other; returns what `write_shard` does."""
    return record_files.write_all_shards(
        examples, folder, num_shards, bad, progress, _record, "detection"
    )


def _record(example):
    """The record (bytes) of an example, whose image is verified, and its counts."""
    content = serialized(
        {
            "image/encoded": record_files.verified_bytes(example),
            "image/path": file_name(example.image_path),
            "image/id": example.image_id,
            "image/height": example.height,
            "image/width": example.width,
            "objects/mask_runs": example.mask_runs,
            "objects/boxes": example.boxes,
            "objects/areas": example.areas,
            "objects/ids": example.ids,
            "objects/classes": example.classes,
            "objects/ignored": example.ignored,
            "objects/difficult": example.difficult,
            "objects/mask_lengths": example.mask_lengths,
        }
    )
    return content, {
        "objects": example.num_objects,
        "empty": int(example.ignored.all()),
        "without_masks": int(not example.has_masks),
    }


def _metadata(object_set, shards, content):
    """What metadata.json holds."""
    return {
        "object_set": object_set.to_dict(),
        "num_images": sum(shard["records"] for shard in shards),
        "num_objects": record_files.count_all(shards, "objects"),
        "num_empty": record_files.count_all(shards, "empty"),
        "has_masks": not record_files.count_all(shards, "without_masks"),
        **record_files.files_metadata(shards, content),
    }


def _records(folder, metadata, num_skipped=0):
    counts = ("num_images", "num_objects", "num_empty", "has_masks")
    return DetectionRecords(
        paths=tuple(str(folder / shard["file"]) for shard in metadata["shards"]),
        **{name: metadata[name] for name in counts},
        object_set=ObjectSet.from_dict(metadata["object_set"]),
        num_skipped=num_skipped,
        content=metadata.get("content"),
    )
