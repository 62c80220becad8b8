"""Records of any task: the writing, checking and counting of their files.

See `shards` for what a folder of records holds.
"""

import collections
import functools
import itertools
import json
import math
import os
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.fingerprint import fingerprint
from hrnet_tf.data.formats.checks import image_size
from hrnet_tf.io import decode_image, read_json, replacing
from hrnet_tf.typing import PathLike, Progress

_METADATA = "metadata.json"
# About 100 MB a shard reads fast from any file system (tf.data's own advice), and a
# few shards even of little data let it read in parallel.
_SHARD_BYTES = 100e6
_MIN_SHARDS = 8


def write_records(
    examples: Sequence[Any],
    output_dir: PathLike,
    describe: Callable[..., dict[str, Any]],
    num_shards: int | None,
    skip_bad: bool,
    progress: Progress | None,
    write_shards: Callable[..., Any],
) -> tuple[dict[str, Any], int]:
    """Writes examples of any task as records, see `shards.write_pose_records`.

    Args:
        examples: list of examples with image_path, height and width.
        output_dir, num_shards, skip_bad, progress, write_shards: see there.
        describe: `(shards, content) -> dict` of metadata.json, with "num_images".
    Returns:
        What metadata.json holds, and the number of bad examples that were skipped.
    Raises:
        ValueError: see there.
    """
    output_dir = Path(output_dir)
    _check_arguments(examples, output_dir, num_shards)
    bad = BadExamples(output_dir, skip_bad)
    num_shards = num_shards or _default_num_shards(examples)
    with replacing(output_dir) as beside:
        beside.mkdir()
        shards = write_shards(examples, beside, num_shards, bad, progress)
        metadata = describe(shards, fingerprint(examples)["content"])
        if not metadata["num_images"]:
            raise ValueError(
                f"{output_dir}: none of the {len(examples)} images can be used:"
                f" {bad.describe()}."
            )
        text = json.dumps(metadata, indent=1)
        (beside / _METADATA).write_text(text, encoding="utf-8")
    bad.warn()
    return metadata, bad.num_skipped


def open_records(records_dir: PathLike, make: Callable[..., Any]) -> Any:
    """Returns the records in a folder, see `shards.open_pose_records`.

    Args:
        records_dir: path of a folder from `write_records`.
        make: `(folder, metadata) -> records`; KeyError or TypeError if a field is
            absent or of another form.
    Raises:
        ValueError: see there.
    """
    records_dir = Path(records_dir)
    path = records_dir / _METADATA
    if not path.is_file():
        raise ValueError(
            f"{records_dir} is no folder of records: it has no {_METADATA}. Write"
            " records with `hrnet records`."
        )
    metadata = read_json(path)
    try:
        records = make(records_dir, metadata)
        sizes = [(shard["file"], shard["bytes"]) for shard in metadata["shards"]]
    except (KeyError, TypeError) as error:
        raise ValueError(
            f"{path} lacks a field or has another format: {error!r}. Write the records"
            " again."
        ) from error
    if not metadata.get("upright"):
        warnings.warn(
            f"The records in {records_dir} were written by an earlier version, which"
            " did not turn photos as their EXIF orientation says. If there are such"
            " photos among them, write the records again.",
            stacklevel=2,
        )
    for file, num_bytes in sizes:
        shard = records_dir / file
        if not shard.is_file():
            raise ValueError(
                f"The record shard {shard} is absent; {path} lists {len(sizes)}"
                " shards. Copy it, or write the records again."
            )
        if shard.stat().st_size != num_bytes:
            raise ValueError(
                f"The record shard {shard} has {shard.stat().st_size} bytes, but was"
                f" written with {num_bytes}: it was cut short or changed. Copy it, or"
                " write the records again."
            )
    return records


def count_records(path: PathLike) -> int:
    """Returns the number of records (int) in a TFRecord file, reading all of it.

    Raises:
        ValueError: if there is no such file, or a length or checksum is wrong.
    """
    import tensorflow as tf

    if not Path(path).is_file():
        raise ValueError(f"There is no record shard {path}. Check the path.")
    count = 0
    try:
        for _ in tf.data.TFRecordDataset(str(path), buffer_size=1 << 20):
            count += 1
    except tf.errors.DataLossError as error:
        raise ValueError(
            f"The record shard {path} is damaged or cut short after {count} complete"
            " records. Copy it, or write the records again."
        ) from error
    return count


def write_all_shards(
    examples: Sequence[Any],
    folder: Path,
    num_shards: int,
    bad: BadExamples,
    progress: Progress | None,
    record: Callable[..., tuple[bytes, dict[str, int]]],
    kind: str,
) -> list[dict[str, Any]]:
    """Writes the shards one after the other; returns what `write_shard` does of each.

    Args:
        examples, folder, num_shards, bad, progress: see `write_records`.
        record: see `write_shard`.
        kind: str, see `shard_name`.
    """
    done = itertools.count(1)

    def tick():
        if progress is not None:
            progress(next(done), len(examples))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [
            write_shard(
                examples[part],
                folder / shard_name(i, num_shards, kind),
                bad.add,
                record,
                tick,
                pool.map,
            )
            for i, part in enumerate(shard_parts(len(examples), num_shards))
        ]


def shard_parts(count: int, num_shards: int) -> list[slice]:
    """Returns the slice of the positions 0..count-1 that each shard holds.

    Args:
        count: int.
        num_shards: int.
    """
    ends = [count * i // num_shards for i in range(num_shards + 1)]
    return [slice(ends[i], ends[i + 1]) for i in range(num_shards)]


def shard_name(index: int, num_shards: int, kind: str) -> str:
    """Returns the file name of a shard of records of a kind."""
    return f"{kind}-{index:05d}-of-{num_shards:05d}.tfrecord"


def write_shard(
    examples: Sequence[Any],
    path: PathLike,
    report: Callable[..., Any],
    record: Callable[..., tuple[bytes, dict[str, int]]],
    tick: Callable[..., Any] = lambda: None,
    map: Callable[..., Any] = map,
) -> dict[str, Any]:
    """Writes the records of some examples into one file, and counts them in it.

    Args:
        examples: list of examples.
        path: path of the file.
        report: callable that gets the `BadExample` of each image which is left out, or
            raises it.
        record: `(example) -> (record, counts)`, of what it labels, the same names of
            all examples; it may raise `BadExample`.
        tick: callable, called after each example.
        map: the function to map with, such as that of a pool of threads.
    Returns:
        A dict: file (str, its name), records and bytes (int), counts (dict of str to
        int): those of its records together, empty if there are none.
    """
    import tensorflow as tf

    make = functools.partial(_record_or_problem, record)
    num_records, counts = 0, collections.Counter[str]()
    with tf.io.TFRecordWriter(str(path)) as writer:
        for result in map(make, examples):
            if isinstance(result, BadExample):
                report(result)
            else:
                content, own = result
                writer.write(content)
                num_records += 1
                counts.update(own)
            tick()
    counted = count_records(path)
    assert counted == num_records, f"{path}: {counted} of {num_records} records"
    return {
        "file": os.path.basename(path),
        "records": num_records,
        "bytes": os.path.getsize(path),
        "counts": dict(counts),
    }


def count_all(shards: list[dict[str, Any]], name: str) -> int:
    """Returns how many of something all shards' records label.

    Args:
        shards: list of what `write_shard` returned.
        name: str, of the records' counts.
    """
    return sum(shard["counts"].get(name, 0) for shard in shards)


def files_metadata(shards: list[dict[str, Any]], content: str) -> dict[str, Any]:
    """Returns what metadata.json holds of any records' files, a dict.

    Args:
        shards: list of what `write_shard` returned.
        content: str, the digest of the examples.
    """
    files = [
        {key: shard[key] for key in ("file", "records", "bytes")} for shard in shards
    ]
    return {"shards": files, "content": content, "upright": True}


def verified_bytes(example: Any) -> bytes:
    """Returns the bytes of an example's image file, which was decoded to verify it.

    Args:
        example: what has image_path, height and width, such as a `PoseExample`.
    Raises:
        BadExample: if the file is absent, damaged or of another size.
    """
    import tensorflow as tf

    path = example.image_path
    image_size(path)  # Its errors tell absent, foreign and truncated files apart.
    encoded = Path(path).read_bytes()
    try:
        # Three channels also from grey, palette and CMYK images.
        image = decode_image(encoded)
    except tf.errors.OpError as error:
        reason = error.message.partition("}} ")[2] or error.message
        raise BadExample(
            "undecodable image",
            f"The image {path} cannot be decoded: {reason.partition(' [Op:')[0]}."
            " Copy or download it again.",
        ) from None
    height, width = image.shape[:2]
    if (height, width) != (example.height, example.width):
        raise BadExample(
            "size contradicts the annotation",
            f"The image {path} has {width}x{height} pixels (width x height), but its"
            f" example says {example.width}x{example.height}.",
        )
    return encoded


def _check_arguments(examples, output_dir, num_shards):
    if not examples:
        raise ValueError(f"There are no examples to write to {output_dir}.")
    if output_dir.exists() and (not output_dir.is_dir() or any(output_dir.iterdir())):
        raise ValueError(
            f"{output_dir} exists and is not empty. Remove it, or write the records to"
            " another folder."
        )
    if num_shards is not None and not 1 <= num_shards <= len(examples):
        raise ValueError(
            f"num_shards={num_shards}: expected 1 to {len(examples)}, the number of"
            " images."
        )


def _default_num_shards(examples):
    paths = [Path(example.image_path) for example in examples]
    # What is absent is reported when it is read.
    num_bytes = sum(path.stat().st_size for path in paths if path.is_file())
    wanted = max(_MIN_SHARDS, math.ceil(num_bytes / _SHARD_BYTES))
    return min(wanted, len(examples))


def _record_or_problem(record, example):
    """Returns the record (bytes) and its counts, or the `BadExample`."""
    try:
        return record(example)
    except BadExample as error:
        return error
