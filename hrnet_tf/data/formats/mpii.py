"""MPII Human Pose annotations in the json of the official pose repository.

Reference: deep-high-resolution-net.pytorch, lib/dataset/mpii.py;
http://human-pose.mpi-inf.mpg.de.
"""

from pathlib import Path

import numpy as np

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.formats.checks import (
    check_folder,
    finite_number,
    finite_numbers,
    image_size,
)
from hrnet_tf.data.keypoint_sets import MPII
from hrnet_tf.data.schema import PoseExample
from hrnet_tf.io import read_json
from hrnet_tf.typing import PathLike, Progress

# A person of scale 1 is 200 px high; the centre lies a bit high on the body, and moves
# down by 15 px of such a person so that the feet are not cut off.
_PERSON_SIZE = 200.0
_CENTER_SHIFT = 15.0
# PCKh's head size is this share of the head box's diagonal.
_HEAD_SIZE_SHARE = 0.6


def load_pose(
    annotation_json: PathLike,
    image_dir: PathLike,
    ground_truth_mat: PathLike | None = None,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> list[PoseExample]:
    """Loads the people of an MPII json (train.json, valid.json, trainval.json).

    The file is a list with an entry for each person: "image", "center" and "scale"
    (height / 200), "joints" `[16, 2]` and "joints_vis" `[16]`, in MATLAB's 1-based
    pixels; here all becomes 0-based. A person's box is the square of side 200 * scale
    around the centre moved down by 15 * scale, before any padding.

    Args:
        annotation_json: path of the json.
        image_dir: path of the folder which "image" is relative to.
        ground_truth_mat: path of the official gt_valid.mat, or None. Its head boxes
            (one for each entry of the json, in the same order) give the head sizes;
            without it an entry's "headbox" does (x1, y1, x2, y2), if there is one.
        skip_bad: bool. Whether single bad examples are skipped and counted in one
            warning instead of raising.
        progress: callable `(num_done, num_images)` or None.
    Returns:
        A list of `PoseExample`, one for each image in the order of first mention, with
        keypoints `[N, 16, 3]` (visibility 2 if labelled, else 0: the file does not
        tell occluded ones), areas of the boxes, and head sizes 0 where unknown.
        image_id counts the images and ids the entries of the file, from 0; the latter
        are the rows of gt_valid.mat.
    Raises:
        ValueError: naming file and value, for a file that is no such json or is empty
            and head boxes of another number; and, without `skip_bad`, for an absent,
            truncated or foreign image, a wrong number of joints, a box without area or
            outside its image, and numbers which are not finite.
    """
    entries = read_json(annotation_json)
    _check_entries(annotation_json, entries)
    image_dir = check_folder(image_dir)
    head_boxes = None
    if ground_truth_mat is not None:
        head_boxes = _read_head_boxes(ground_truth_mat, len(entries), annotation_json)
    bad = BadExamples(annotation_json, skip_bad)
    examples = _examples(entries, head_boxes, image_dir, bad, progress)
    if not examples:
        raise ValueError(
            f"{annotation_json} holds no usable person among its {len(entries)}"
            f" entries: {bad.describe()}."
        )
    bad.warn()
    return examples


def image_names(annotation_json: PathLike) -> list[str]:
    """Returns the names of the images of a file, in the order of the entries.

    Raises:
        ValueError: if it is no such json.
    """
    entries = read_json(annotation_json)
    _check_entries(annotation_json, entries)
    return [entry["image"] for entry in entries]


def _check_entries(path, entries):
    if not isinstance(entries, list) or not entries:
        found = "an empty list" if entries == [] else f"a {type(entries).__name__}"
        raise ValueError(
            f"{path} should hold the official MPII list of people ('image', 'center',"
            f" 'scale', 'joints', 'joints_vis'). Received: {found}. Files in COCO's"
            " format are read by hrnet_tf.data.formats.coco."
        )
    for row, entry in enumerate(entries):
        if not isinstance(entry, dict) or not isinstance(entry.get("image"), str):
            raise ValueError(
                f"{path}: entry {row} (from 0) should be a dict with the file name"
                f" under 'image'. Received: {entry!r:.200}."
            )


def _examples(entries, head_boxes, image_dir, bad, progress):
    """Groups the entries by image, checks them and makes the examples."""
    images = {}
    for row, entry in enumerate(entries):
        images.setdefault(entry["image"], []).append(row)
    examples = []
    for image_id, (name, rows) in enumerate(images.items()):
        try:
            size = image_size(image_dir / name)
        except BadExample as error:
            bad.add(error)
            rows = ()
        people = []
        for row in rows:
            where = f"{bad.source}: entry {row} (from 0), of the image {name}"
            try:
                person = _person(where, entries[row], size)
                head = _head_size(where, entries[row], head_boxes, row)
                people.append((*person, head, row))
            except BadExample as error:
                bad.add(error)
        if people:
            examples.append(_example(image_dir / name, image_id, size, people))
        if progress is not None:
            progress(image_id + 1, len(images))
    return examples


def _person(where, entry, size):
    """Returns the box `[4]` and the keypoints `[16, 3]` of an entry, 0-based."""
    num_keypoints = MPII.num_keypoints
    center = finite_numbers(where, entry, "center", (2,))
    scale = finite_number(where, entry, "scale")
    joints = finite_numbers(where, entry, "joints", (num_keypoints, 2))
    labelled = finite_numbers(where, entry, "joints_vis", (num_keypoints,)) > 0
    side = _PERSON_SIZE * scale
    x, y = center + (0, _CENTER_SHIFT * scale) - 1 - side / 2
    if side <= 0:
        raise BadExample(
            "box without area", f"{where}: scale is {scale}; expected more than 0."
        )
    if x >= size[1] or y >= size[0] or x + side <= 0 or y + side <= 0:
        raise BadExample(
            "box outside its image",
            f"{where}: the center {center.tolist()} and scale {scale} give a box"
            f" outside the image of {size[1]}x{size[0]} pixels (width x height).",
        )
    keypoints = np.zeros((num_keypoints, 3))
    keypoints[labelled, :2] = joints[labelled] - 1
    keypoints[labelled, 2] = 2
    return np.array([x, y, side, side]), keypoints


def _head_size(where, entry, head_boxes, row):
    """Returns the head size (float, px) of an entry; 0 if it is unknown."""
    if head_boxes is not None:
        corners = head_boxes[row]
        if not np.isfinite(corners).all():
            raise BadExample(
                "wrong headbox", f"{where}: its head box is {corners.tolist()}."
            )
    elif entry.get("headbox") is not None:
        flat = np.ndim(entry["headbox"]) == 1
        corners = finite_numbers(where, entry, "headbox", (4,) if flat else (2, 2))
        corners = corners.reshape(2, 2)
    else:
        return 0.0
    return _HEAD_SIZE_SHARE * float(np.linalg.norm(corners[1] - corners[0]))


def _read_head_boxes(path, num_entries, annotation_json):
    """Returns the head boxes of gt_valid.mat, `[N, 2 corners, 2]`, px."""
    from scipy.io import loadmat

    if not Path(path).is_file():
        raise ValueError(f"There is no file {path} with MPII's head boxes.")
    try:
        variables = loadmat(path, variable_names=["headboxes_src"])
    except Exception as error:
        # scipy raises errors of many types for files that are not MATLAB's.
        raise ValueError(f"{path} is no readable .mat file: {error}.") from error
    boxes = variables.get("headboxes_src")
    if boxes is None or boxes.shape != (2, 2, num_entries):
        found = "no headboxes_src" if boxes is None else f"the shape {boxes.shape}"
        raise ValueError(
            f"{path} should hold headboxes_src of the shape (2, 2, {num_entries}), one"
            f" head box for each entry of {annotation_json}. Received: {found}. Use"
            " gt_valid.mat with valid.json."
        )
    return np.moveaxis(boxes.astype(np.float64), 2, 0)


def _example(path, image_id, size, people):
    boxes, keypoints, head_sizes, rows = zip(*people, strict=True)
    boxes = np.stack(boxes)
    return PoseExample(
        image_path=str(path),
        image_id=image_id,
        height=size[0],
        width=size[1],
        boxes=boxes,
        keypoints=np.stack(keypoints),
        areas=boxes[:, 2] * boxes[:, 3],
        ids=np.array(rows),
        head_sizes=np.array(head_sizes),
    )
