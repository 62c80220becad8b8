"""Data of the user's own as records: read again.

A folder holds `train/`, the TFRecords of the pictures that are trained on; the pictures
of the other parts as files, in `val/` and `test/`; `train.npz`, `val.npz` and
`test.npz`, the labels; and `records.json`, which tells what they are of:

    {"kind": "pose", "name": "mice", "names": ["nose", ...], "skeleton": [],
     "flip_pairs": null, "fields": {}, "source": "mice.json", "parts": ["train", "val"]}
"""

from pathlib import Path
from typing import Any

import numpy as np

from hrnet_tf.data.detection_example import DetectionExample
from hrnet_tf.data.formats.tools.base import LabelledData
from hrnet_tf.data.schema import PoseExample
from hrnet_tf.io import read_json
from hrnet_tf.typing import PathLike, Progress

MANIFEST = "records.json"
# The arrays of an example with a row for each person or object.
ROWS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "pose": (
        PoseExample,
        ("boxes", "keypoints", "areas", "ids", "head_sizes", "box_scores"),
    ),
    "detection": (
        DetectionExample,
        ("boxes", "classes", "crowd", "difficult", "areas", "ids"),
    ),
}


def is_records(path: PathLike) -> bool:
    """Returns whether a path is a folder that `hrnet records --data` wrote."""
    return (Path(path) / MANIFEST).is_file()


def read_manifest(folder: PathLike) -> dict[str, Any]:
    """Returns what records.json of a folder holds.

    Raises:
        ValueError: if it is damaged.
    """
    path = Path(folder) / MANIFEST
    content = read_json(path)
    wanted = {"kind", "name", "names", "skeleton", "flip_pairs", "fields", "parts"}
    if not isinstance(content, dict) or not wanted <= set(content):
        raise ValueError(
            f"{path} lacks a field of {', '.join(sorted(wanted))}. Write the records"
            " again with `hrnet records --data`."
        )
    return content


def read_part(
    folder: PathLike, split: str, kind: str, progress: Progress | None = None
) -> LabelledData:
    """Reads the labels of a part of records.

    Args:
        folder: path of the folder.
        split: str, "train", "val" or "test".
        kind: str, see `LabelledData.task`.
        progress: callable (done, total) or None.
    Returns:
        `LabelledData`, of whose pictures those of "train" are in `records` alone.
    Raises:
        ValueError: if the records are of another kind, or damaged.
    """
    folder = Path(folder)
    content = read_manifest(folder)
    if content["kind"] != kind:
        raise ValueError(
            f"{folder} holds records of {content['kind']}, and {kind} is wanted. Name"
            " a task that trains on them, or write others with `hrnet records --data`."
        )
    records = None
    if split == "train":
        records = folder / "train"
        _check_files(records, kind)
    examples = _read_labels(folder, split, kind)
    if progress is not None:
        progress(len(examples), len(examples))
    pairs = content["flip_pairs"]
    return LabelledData(
        task=kind,
        format="records",
        source=folder / split,
        examples=examples,
        names=tuple(content["names"]),
        skeleton=tuple(map(tuple, content["skeleton"])),
        flip_pairs=None if pairs is None else tuple(map(tuple, pairs)),
        records=records,
    )


def _check_files(records, kind):
    """Raises ValueError unless the files of records are whole."""
    # Which load TensorFlow, in a few seconds.
    from hrnet_tf.data.detection_records import open_detection_records
    from hrnet_tf.data.shards import open_pose_records

    (open_pose_records if kind == "pose" else open_detection_records)(records)


def _read_labels(folder, split, kind):
    """The examples of a part."""
    make, rows = ROWS[kind]
    path = folder / f"{split}.npz"
    try:
        with np.load(path) as file:
            arrays = dict(file)
        ends = np.cumsum(arrays["counts"])
        starts = ends - arrays["counts"]
        found = []
        for number, name in enumerate(arrays["paths"].tolist()):
            own = slice(starts[number], ends[number])
            height, width = arrays["sizes"][number].tolist()
            found.append(
                make(
                    image_path=str(folder / name),
                    image_id=int(arrays["image_ids"][number]),
                    height=height,
                    width=width,
                    **{row: arrays[row][own] for row in rows},
                )
            )
    except (OSError, KeyError, ValueError, EOFError) as error:
        raise ValueError(
            f"{path} cannot be read: {error}. Copy it again, or write the records again"
            " with `hrnet records --data`."
        ) from error
    return found


def check_pictures(labelled: LabelledData, what: str) -> None:
    """Raises ValueError if the pictures of a part are in records alone.

    Args:
        labelled: `LabelledData`.
        what: str. What needs their files, for the message.
    """
    if labelled.records is not None:
        raise ValueError(
            f"The pictures of {labelled.source} are in records, and {what} needs their"
            " files: pass the data that the records were written from, or another part"
            " of them."
        )
