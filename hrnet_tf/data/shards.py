"""Sharded TFRecords: written once from examples, read by the input pipeline.

A folder of records holds `pose-00000-of-00008.tfrecord` ... and `metadata.json`:

    {"keypoint_set": {...}, "num_images": 1234, "num_people": 2345,
     "shards": [{"file": "pose-00000-of-00008.tfrecord", "records": 155,
                 "bytes": 12345678}, ...],
     "content": "0123456789abcdef", "upright": true}

The content is a digest of what the records were written from, see `fingerprint`; sizes
and labels are those of upright images.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrnet_tf.data import record_files
from hrnet_tf.data.keypoint_sets import KeypointSet
from hrnet_tf.data.record_files import (
    count_records as count_records,
)
from hrnet_tf.data.record_files import (
    shard_parts as shard_parts,
)
from hrnet_tf.data.record_files import (
    verified_bytes as verified_bytes,
)
from hrnet_tf.data.schema import serialize_pose
from hrnet_tf.typing import PathLike, Progress

if TYPE_CHECKING:
    from hrnet_tf.data.schema import PoseExample


@dataclass(frozen=True)
class PoseRecords:
    """The records in a folder.

    Args:
        paths: tuple of str, the shards in order.
        num_images: int, also the number of records.
        num_people: int.
        keypoint_set: `KeypointSet` of the people.
        num_skipped: int. Bad examples left out by the call that wrote the records; 0
            when they were opened.
        content: str or None. Digest of the examples that the records were written
            from; None where an earlier version wrote them.
    """

    paths: tuple[str, ...]
    num_images: int
    num_people: int
    keypoint_set: KeypointSet
    num_skipped: int = 0
    content: str | None = None


def write_pose_records(
    examples: "Sequence[PoseExample]",
    output_dir: PathLike,
    keypoint_set: KeypointSet,
    num_shards: int | None = None,
    skip_bad: bool = False,
    progress: Progress | None = None,
    write_shards: Callable[..., Any] | None = None,
) -> PoseRecords:
    """Writes examples as sharded TFRecords, one record an image.

    The image files go into the records as they are, after each was decoded once to
    verify it and its size. All is written into a folder beside `output_dir`, counted
    by reading it back, and then renamed: there are either complete records or none.

    Args:
        examples: sequence of `PoseExample`.
        output_dir: path of the folder to make. It must not exist, or be empty.
        keypoint_set: `KeypointSet` of the examples.
        num_shards: int or None. By default shards of about 100 MB, and 8 if there are
            that many images.
        skip_bad: bool. Whether bad images are skipped and counted in one warning
            instead of raising.
        progress: callable `(num_done, num_images)` or None.
        write_shards: callable `(examples, folder, num_shards, bad, progress)` that
            writes the shards, see `shard_parts`, into the folder, adds bad images to
            `BadExamples` in the order of the examples, and returns what `write_shard`
            does of each; or None to write them here.
    Returns:
        `PoseRecords`, of what was written.
    Raises:
        ValueError: if there are no examples, `output_dir` holds something, or the
            keypoints are not those of the set; and, without `skip_bad`, for an image
            that is absent, damaged or of another size than its example says.
    """
    examples = list(examples)
    _check_keypoints(examples, keypoint_set)
    metadata, num_skipped = record_files.write_records(
        examples,
        output_dir,
        functools.partial(_metadata, keypoint_set),
        num_shards,
        skip_bad,
        progress,
        write_shards or _write_shards,
    )
    return _records(Path(output_dir), metadata, num_skipped)


def open_pose_records(records_dir: PathLike) -> PoseRecords:
    """Returns the `PoseRecords` in a folder, after a quick check of their files.

    Every shard is checked to exist and to have the bytes that it was written with;
    `count_records` reads a shard in full.

    Args:
        records_dir: path of a folder from `write_pose_records`.
    Raises:
        ValueError: naming the file, if one is absent, cut short or no such file.
    """
    return record_files.open_records(records_dir, _records)


def shard_name(index: int, num_shards: int) -> str:
    """Returns the file name of a shard of pose records."""
    return record_files.shard_name(index, num_shards, "pose")


def write_shard(
    examples: "Sequence[PoseExample]",
    path: PathLike,
    report: Callable[..., Any],
    tick: Callable[..., Any] = lambda: None,
    map: Callable[..., Any] = map,
) -> dict[str, Any]:
    """Writes the records of some people into one file; see `record_files.write_shard`.

    Args:
        examples: list of `PoseExample`.
        path, report, tick, map: see there.
    """
    return record_files.write_shard(examples, path, report, _pose_record, tick, map)


def _check_keypoints(examples, keypoint_set):
    for example in examples:
        if example.keypoints.shape[1] != keypoint_set.num_keypoints:
            raise ValueError(
                f"{example.image_path}: its people have {example.keypoints.shape[1]}"
                f" keypoints, but the keypoint set {keypoint_set.name!r} has"
                f" {keypoint_set.num_keypoints}."
            )


def _write_shards(examples, folder, num_shards, bad, progress):
    """Writes the shards one after the other; returns what `write_shard` does."""
    return record_files.write_all_shards(
        examples, folder, num_shards, bad, progress, _pose_record, "pose"
    )


def _metadata(keypoint_set, shards, content):
    """What metadata.json holds."""
    return {
        "keypoint_set": keypoint_set.to_dict(),
        "num_images": sum(shard["records"] for shard in shards),
        "num_people": record_files.count_all(shards, "people"),
        **record_files.files_metadata(shards, content),
    }


def _pose_record(example):
    counts = {"people": example.num_people}
    return serialize_pose(example, verified_bytes(example)), counts


def _records(folder, metadata, num_skipped=0):
    return PoseRecords(
        paths=tuple(str(folder / shard["file"]) for shard in metadata["shards"]),
        num_images=metadata["num_images"],
        num_people=metadata["num_people"],
        keypoint_set=KeypointSet.from_dict(metadata["keypoint_set"]),
        num_skipped=num_skipped,
        content=metadata.get("content"),
    )
