"""Records as pipelines write them: the same files, written by many workers.

Each worker reads the list of one shard's examples, verifies their images and writes
the shard, holding one image at a time; no image goes through the runner.
"""

import dataclasses
import os
import pickle
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import apache_beam as beam

from hrnet_tf.beam.running import LOCAL, gather, run_pipeline
from hrnet_tf.data import detection_records, record_files, shards
from hrnet_tf.data.bad_examples import BadExample
from hrnet_tf.io import read_json, replacing
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.data.detection_example import DetectionExample
    from hrnet_tf.data.detection_records import DetectionRecords
    from hrnet_tf.data.keypoint_sets import KeypointSet
    from hrnet_tf.data.object_sets import ObjectSet
    from hrnet_tf.data.schema import PoseExample
    from hrnet_tf.data.shards import PoseRecords


_SUMMARY = "shards.json"
# What writes the shards of a task's records.
_WRITING = {"pose": shards, "detection": detection_records}


def write_pose_records(
    examples: "Sequence[PoseExample]",
    output_dir: PathLike,
    keypoint_set: "KeypointSet",
    num_shards: int | None = None,
    skip_bad: bool = False,
    runner: str = LOCAL,
    options: Sequence[str] = (),
) -> "PoseRecords":
    """Writes what `data.shards.write_pose_records` does, byte for byte.

    The workers of a runner on other machines must have hrnet_tf installed, and see the
    images and the output's folder under the same paths.

    Args:
        examples, output_dir, keypoint_set, num_shards, skip_bad: see there. Without
            `skip_bad` other shards are still read to their end after a bad image.
        runner, options: see `run_pipeline`.
    Returns:
        `PoseRecords`, of what was written.
    Raises:
        ValueError: as there, and as `run_pipeline`.
    """
    return shards.write_pose_records(
        examples,
        output_dir,
        keypoint_set,
        num_shards,
        skip_bad,
        write_shards=_in_pipeline("pose", skip_bad, runner, options),
    )


def write_detection_records(
    examples: "Sequence[DetectionExample]",
    output_dir: PathLike,
    object_set: "ObjectSet",
    num_shards: int | None = None,
    skip_bad: bool = False,
    runner: str = LOCAL,
    options: Sequence[str] = (),
) -> "DetectionRecords":
    """Writes what `data.detection_records.write_detection_records` does, byte for byte.

    Args:
        examples, output_dir, object_set, num_shards, skip_bad: see there.
        runner, options: see `write_pose_records`.
    Returns:
        `DetectionRecords`, of what was written.
    Raises:
        ValueError: as there, and as `run_pipeline`.
    """
    return detection_records.write_detection_records(
        examples,
        output_dir,
        object_set,
        num_shards,
        skip_bad,
        write_shards=_in_pipeline("detection", skip_bad, runner, options),
    )


# By the tasks' names.
WRITERS = {"pose": write_pose_records, "detection": write_detection_records}


def _in_pipeline(task, skip_bad, runner, options):
    """What writes shards with workers, see `shards.write_pose_records`."""

    def write_shards(examples, folder, num_shards, bad, progress):
        parts = record_files.shard_parts(len(examples), num_shards)
        name = _WRITING[task].shard_name
        names = [name(i, num_shards) for i in range(num_shards)]
        # In files, since a cluster takes only small pipelines.
        summary = folder.absolute() / _SUMMARY
        lists = [folder / f"{name}.examples" for name in names]
        for part, path in zip(parts, lists, strict=True):
            path.write_bytes(pickle.dumps(list(map(_anywhere, examples[part]))))

        def build(pipeline):
            write = WriteShard(str(folder.absolute()), skip_bad, task)
            written = (
                pipeline
                | "shards" >> beam.Create(names)
                | "spread" >> beam.Reshuffle()
                | "write" >> beam.ParDo(write)
            )
            gather(written, "shards", summary)

        run_pipeline(build, runner, options)
        found = {row["name"]: row for row in read_json(summary)}
        for name in names:
            for kind, message in found[name]["bad"]:
                bad.add(BadExample(kind, message))
        _remove_others(folder, names)
        return [found[name]["shard"] for name in names]

    return write_shards


class WriteShard(beam.DoFn):
    """Writes a shard from the list of its examples that lies beside it.

    A shard that two workers write, as runners do after a failure, is the same file.

    Args:
        folder: str.
        skip_bad: bool. Whether to go on after a bad image.
        task: str, the name of the task that the records are for.
    """

    def __init__(self, folder: str, skip_bad: bool, task: str) -> None:
        super().__init__()
        self.folder = folder
        self.skip_bad = skip_bad
        self.task = task

    def process(self, name: str) -> Iterator[dict[str, Any]]:
        """Writes the shard of a name (str).

        Yields:
            A dict: name; shard, what `write_shard` returns, or None if it was given
            up; bad, a list of the kind and message of each bad image.
        """
        path = os.path.join(self.folder, name)
        with open(f"{path}.examples", "rb") as file:
            examples = pickle.load(file)
        found = write_shard(examples, path, self.skip_bad, self.task)
        yield {"name": name, **found}


def write_shard(
    examples: Sequence[Any], path: PathLike, skip_bad: bool, task: str
) -> dict[str, Any]:
    """Writes a shard, complete or not at all; see `WriteShard`."""
    bad = []

    def report(error):
        bad.append([error.kind, str(error)])
        if not skip_bad:
            raise error

    try:
        with replacing(path) as beside:
            shard = _WRITING[task].write_shard(examples, beside, report)
    except BadExample:
        return {"shard": None, "bad": bad}
    return {"shard": {**shard, "file": os.path.basename(path)}, "bad": bad}


def _anywhere(example):
    """An example whose path does not depend on the folder of a process."""
    path = os.path.abspath(example.image_path)
    return dataclasses.replace(example, image_path=path)


def _remove_others(folder, names):
    """Removes all but the shards, also what a killed worker left."""
    for path in folder.iterdir():
        if path.name not in names:
            path.unlink()
