"""COCO-style keypoint files image by image: all people, crowds, those without labels.

COCO's own files and CrowdPose's are read, and any in their format.

Reference: HigherHRNet-Human-Pose-Estimation, lib/dataset/COCOKeypoints.py (what is
masked); https://github.com/Jeff-sjtu/CrowdPose (crowdIndex).
"""

import collections
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.formats.boxes import box_around
from hrnet_tf.data.formats.checked_json import decode, field
from hrnet_tf.data.formats.checks import check_image
from hrnet_tf.data.formats.coco import read_contents
from hrnet_tf.data.formats.coco_entries import (
    categories_with_keypoints,
    order_in,
    orders_of,
)
from hrnet_tf.data.formats.coco_reader import CocoReader
from hrnet_tf.data.formats.tools.coco_outlines import (
    OutlinedEntry,
    RunsEntry,
    checked_runs,
    polygon_runs,
)
from hrnet_tf.data.instance_masks import (
    mask_of_runs,
    pack_runs,
    runs_of_mask,
)
from hrnet_tf.data.people_example import PeopleExample
from hrnet_tf.typing import PathLike, Progress

if TYPE_CHECKING:
    from hrnet_tf.data.keypoint_sets import KeypointSet


def load_people(
    annotation_file: PathLike,
    image_dir: PathLike,
    keypoint_set: "KeypointSet",
    split: str = "train",
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> list[PeopleExample]:
    """Loads the images of a COCO-style keypoint file with all that is on them.

    As officially, images without any annotation are left out of training and tested on;
    crowds and people without a labelled keypoint are masked, by their outlines. Objects
    of categories without the set's keypoints are neither people nor masked.

    Args:
        annotation_file: path of a json with "images", "annotations", "categories".
        image_dir: path of the folder which "file_name" is relative to.
        keypoint_set: `KeypointSet` with the `K` keypoints of the annotations.
        split: "train" or "val".
        skip_bad: bool. Whether single bad examples are skipped and counted in one
            warning instead of raising.
        progress: callable `(num_done, num_images)` or None.
    Returns:
        list of `PeopleExample`, in the order of the file's images.
    Raises:
        ValueError: naming file and value, as `coco.load_pose`; and for an outline that
            cannot be drawn.
    """
    if split not in ("train", "val"):
        raise ValueError(f"split is 'train' or 'val'. Received: {split!r}.")
    path = Path(annotation_file)
    contents = read_contents(path)
    reader = CocoReader(path, contents, image_dir, skip_bad, clip=False)
    people = reader.labelled_people(contents, keypoint_set)
    # They are masked, and so not left out of what is learnt.
    masked, crowding = _others(path, contents, reader, keypoint_set)
    seen = set(people) | set(masked)
    examples: list[PeopleExample] = []
    wanted = [
        (number, image)
        for number, image in reader.images.items()
        if split == "val" or number in seen
    ]
    for done, (number, image) in enumerate(wanted, 1):
        try:
            file = reader.finder.find(image.file_name)
            size = check_image(file, image.height, image.width)
            runs = _union(masked.get(number, ()), size)
            index = _crowd_index(file, crowding.get(number))
        except BadExample as error:
            reader.bad.add(error)
        else:
            found = people.get(number, [])
            examples.append(
                _example(number, file, size, found, runs, keypoint_set, index)
            )
        if progress is not None:
            progress(done, len(wanted))
    if not any(example.num_people for example in examples):
        raise ValueError(
            f"{path} holds no labelled person; left out:"
            f" {reader.left_out.describe() or 'none'}; bad:"
            f" {reader.bad.describe() or 'none'}."
        )
    if split == "train":
        for number, image in reader.images.items():
            if number not in seen:
                reason = "images without an annotation"
                reader.left_out.add(reason, image.file_name)
    _tell(path, reader)
    return examples


def _tell(path, reader):
    reader.bad.warn()
    for note in reader.notes:
        warnings.warn(note, stacklevel=3)
    reader.left_out.warn(path)


def read_masks(
    annotation_file: PathLike,
    sizes: dict[Any, tuple[int, int]],
    keypoint_set: "KeypointSet",
    skip_bad: bool = False,
) -> dict[Any, np.ndarray]:
    """Reads where nothing is learnt: the outlines of crowds and unlabelled people.

    Args:
        annotation_file: path of a json, see `load_people`.
        sizes: dict of image ids to (height, width), px, of the images that are wanted.
        keypoint_set: `KeypointSet` of the people, whose names count.
        skip_bad: bool. Whether outlines that cannot be drawn are skipped and counted.
    Returns:
        dict of image ids to runs, int32 `[R]` (see `instance_masks`), of those images
        that have such people with an outline.
    Raises:
        ValueError: for an outline that cannot be drawn.
    """
    path = Path(annotation_file)
    contents = read_contents(path)
    # Bad people were told when they were read.
    reader = CocoReader(path, contents, path.parent, skip_bad=True, clip=False)
    masked, _ = _others(path, contents, reader, keypoint_set)
    bad, found = BadExamples(path, skip_bad), {}
    for number in masked:
        if number in sizes:
            try:
                runs = _union(masked[number], sizes[number])
            except BadExample as error:
                bad.add(error)
            else:
                if runs is not None:
                    found[number] = runs
    bad.warn()
    return found


def _others(path, contents, reader, keypoint_set):
    """Outlines of what is masked of each image id, and images' crowd indices.

    Images that show nothing but objects of other categories have no outlines.
    """
    masked: dict[Any, list] = collections.defaultdict(list)
    length = 3 * keypoint_set.num_keypoints
    categories = categories_with_keypoints(path, contents["categories"])
    orders, _ = orders_of(path, categories, keypoint_set)
    for position, entry in enumerate(contents["annotations"]):
        where = f"{path}: annotation {position} (from 0)"
        try:
            found = decode(entry, OutlinedEntry, where)
        except BadExample as error:
            reader.bad.add(error)
            continue
        number = reader.number_of(found.image_id)
        if number not in reader.images:
            # Told already, when the people were read.
            continue
        if order_in(orders, found) is None:
            # A sofa is background, and hides nobody who sits on it.
            masked[number] += []
            continue
        given = found.keypoints or [0] * length
        if not found.iscrowd and any(given[2::3]):
            continue
        masked[number].append((where, found.segmentation))
    crowding = {
        reader.number_of(field(entry, "id")): field(entry, "crowdIndex")
        for entry in contents["images"]
    }
    return masked, crowding


def _union(outlines, size):
    """The runs of all that is masked of an image; None where nothing is.

    Who has no outline, as all in CrowdPose's files, is background, as officially.
    """
    inside = np.zeros(size, bool)
    for where, outline in outlines:
        if isinstance(outline, dict):
            try:
                runs = checked_runs(decode(outline, RunsEntry, where), size)
            except BadExample as error:
                raise BadExample(error.kind, f"{where}: {error}") from error
            inside |= mask_of_runs(runs, size)
        elif isinstance(outline, list) and any(outline):
            rings = outline if all(isinstance(r, list) for r in outline) else [outline]
            rings = [ring for ring in rings if len(ring) >= 6]
            if rings:
                inside |= mask_of_runs(polygon_runs(where, rings, size), size)
    return runs_of_mask(inside) if inside.any() else None


def _example(number, file, size, people, runs, keypoint_set, crowd_index):
    keypoints = np.zeros((len(people), keypoint_set.num_keypoints, 3), np.float32)
    boxes = np.zeros((len(people), 4), np.float32)
    for place, person in enumerate(people):
        keypoints[place] = person.keypoints
        boxes[place] = person.box
        if min(person.box[2:]) <= 0:
            boxes[place] = box_around(person.keypoints[person.keypoints[:, 2] > 0, :2])
    packed, lengths = pack_runs([] if runs is None else [runs])
    return PeopleExample(
        image_path=str(file),
        image_id=number,
        height=size[0],
        width=size[1],
        boxes=boxes,
        keypoints=keypoints,
        areas=np.array([person.area for person in people], np.float32),
        ids=np.array([person.id for person in people], np.int64),
        ignored_runs=packed,
        ignored_lengths=None if runs is None else lengths,
        crowd_index=crowd_index,
    )


def _crowd_index(file, index):
    """How crowded CrowdPose calls an image, NaN where nothing tells."""
    if index is None:
        return float("nan")
    if isinstance(index, bool) or not isinstance(index, (int, float)):
        raise BadExample(
            "wrong crowdIndex",
            f"{file}: crowdIndex is {index!r:.80}; expected a number.",
        )
    return float(index)
