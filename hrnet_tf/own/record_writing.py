"""Data of the user's own as records: written, see `records` for what a folder holds."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hrnet_tf.data.bad_examples import BadExample, BadExamples, told_to_skip
from hrnet_tf.data.detection_records import parse_detection, write_detection_records
from hrnet_tf.data.findings import stop_on_errors
from hrnet_tf.data.keypoint_sets import KeypointSet
from hrnet_tf.data.object_sets import ObjectSet
from hrnet_tf.data.record_files import verified_bytes
from hrnet_tf.data.schema import parse_pose
from hrnet_tf.data.shards import write_pose_records
from hrnet_tf.io import replacing, write_json
from hrnet_tf.own.choices import Machine, settings_of
from hrnet_tf.own.reading import UserData
from hrnet_tf.own.records import MANIFEST, ROWS
from hrnet_tf.typing import PathLike


def write_own_records(
    task: Any,
    data: UserData,
    out: PathLike,
    given: dict[str, Any],
    progress: Callable[..., Any],
    num_shards: int | None = None,
    skip_bad: bool = False,
) -> dict[str, Any]:
    """Checks data as a training does, and writes them as records.

    Args:
        task: `Task` whose training reads "pose" or "detection".
        data: `UserData` with "train" and "val".
        out: path of the folder to write; it takes its place when it is complete.
        given: dict of keypoints or objects that the user gave.
        progress: `(description, unit)` to a context of a callable (done, total).
        num_shards: int or None, see `write_pose_records`.
        skip_bad: bool. Leaves out damaged pictures, with a warning.
    Returns:
        dict of facts to tell.
    Raises:
        ValueError: for what would stop the training.
    """
    own = task.parts.own_data
    settings = settings_of(own.choose(data, Machine.here(), given))
    if own.fit is not None:
        data = own.fit(data, settings)
    stop_on_errors(own.check(data, settings))
    with replacing(out) as beside, told_to_skip():
        beside.mkdir()
        counts = {}
        with progress("writing records", "images") as tick:
            kept = _write_train(data, beside, settings, num_shards, skip_bad, tick)
        counts["train"] = len(kept)
        _write_labels(beside / "train.npz", data.kind, kept, "train")
        for split, labelled in data.splits.items():
            if split != "train":
                with progress(f"copying pictures of {split}", "images") as tick:
                    examples = _copied(labelled, beside / split, skip_bad, tick)
                _write_labels(beside / f"{split}.npz", data.kind, examples, split)
                counts[split] = len(examples)
        fields = _fields(data, settings, given)
        _write_manifest(beside / MANIFEST, data, fields)
    names = data.train.names
    return {
        **{f"{split}, images": count for split, count in counts.items()},
        "keypoints" if data.kind == "pose" else "classes": len(names),
    }


def _write_train(data, folder, settings, num_shards, skip_bad, progress):
    """Writes the records of the training part; returns the examples in them."""
    examples = data.train.examples
    # Several files number their images on their own.
    examples = [
        dataclasses.replace(example, image_id=number)
        for number, example in enumerate(examples, 1)
    ]
    options = (num_shards, skip_bad, progress)
    if data.kind == "pose":
        known = KeypointSet.from_dict(settings["keypoints"])
        written = write_pose_records(examples, folder / "train", known, *options)
    else:
        objects = ObjectSet.from_dict(settings["objects"])
        written = write_detection_records(examples, folder / "train", objects, *options)
    if written.num_skipped:
        ids = _ids_of(written.paths, data.kind, len(data.train.names))
        examples = [example for example in examples if example.image_id in ids]
    return examples


def _ids_of(paths, kind, num_names):
    """The numbers of the images that records hold."""
    import tensorflow as tf

    def number(record):
        if kind == "pose":
            return parse_pose(record, num_names)["image_id"]
        return parse_detection(record)["image_id"]

    return {int(n) for n in tf.data.TFRecordDataset(list(paths)).map(number)}


def _copied(labelled, folder, skip_bad, progress):
    """Copies the pictures of a part; returns the examples with their new places."""
    folder.mkdir()
    bad, examples = BadExamples(labelled.source, skip_bad), []
    width = len(str(len(labelled.examples)))
    for number, example in enumerate(labelled.examples, 1):
        source = Path(example.image_path)
        # Pictures of one name may lie in several folders.
        place = folder / f"{number:0{width}d}_{source.name}"
        try:
            verified_bytes(example)
        except BadExample as error:
            bad.add(error)
        else:
            shutil.copyfile(source, place)
            examples.append(dataclasses.replace(example, image_path=str(place)))
        progress(number, len(labelled.examples))
    bad.warn()
    if not examples:
        raise ValueError(
            f"None of the {len(labelled.examples)} pictures of {labelled.source} can be"
            f" used; bad: {bad.describe()}."
        )
    return examples


def _write_labels(path, kind, examples, split):
    _, rows = ROWS[kind]
    arrays = {
        "paths": np.array([f"{split}/{Path(e.image_path).name}" for e in examples]),
        "image_ids": np.array([e.image_id for e in examples], np.int64),
        "sizes": np.array([(e.height, e.width) for e in examples], np.int64),
        "counts": np.array([len(e.boxes) for e in examples], np.int64),
        **{name: np.concatenate([getattr(e, name) for e in examples]) for name in rows},
    }
    np.savez_compressed(path, **arrays)


def _fields(data, settings, given):
    """The fields of a descriptor that a training is to take."""
    chosen = settings.get("keypoints")
    if chosen is None:
        return data.fields
    if given.get("keypoints") is not None:
        return {**data.fields, **chosen}
    if data.train.repeats and chosen["sigmas"] is not None:
        # The other labels, which they are of, are not in the records.
        return {**data.fields, "sigmas": chosen["sigmas"]}
    return data.fields


def _write_manifest(path, data, fields):
    train = data.train
    pairs = train.flip_pairs
    write_json(
        path,
        {
            "kind": data.kind,
            "name": data.name,
            "names": list(train.names),
            "skeleton": [list(pair) for pair in train.skeleton],
            "flip_pairs": None if pairs is None else [list(pair) for pair in pairs],
            "fields": fields,
            "source": str(data.source),
            "parts": list(data.splits),
        },
    )
