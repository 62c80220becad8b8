"""COCO-style keypoint annotations and detections.

Any data set in the format of person_keypoints_train2017.json can be read, with any
number of keypoints: a `KeypointSet` describes them.

Reference: deep-high-resolution-net.pytorch, lib/dataset/coco.py (which people are
kept, how boxes are clipped); https://cocodataset.org/#format-data.
"""

import dataclasses
import warnings
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from hrnet_tf.data.formats.checked_json import check_list, plain, read_lists
from hrnet_tf.data.formats.coco_entries import categories_with_keypoints
from hrnet_tf.data.formats.coco_reader import CocoReader
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.io import read_json
from hrnet_tf.typing import PathLike, Progress
from hrnet_tf.words import counted

if TYPE_CHECKING:
    from hrnet_tf.data.keypoint_sets import KeypointSet
    from hrnet_tf.data.schema import PoseExample


@dataclasses.dataclass(frozen=True, eq=False)
class People:
    """The labelled people of a file.

    Attributes:
        examples: list of `PoseExample`.
        left_out: `LeftOut`, what of the file is not among them.
        notes: tuple of str. Sentences that the user is to see.
    """

    examples: list
    left_out: LeftOut
    notes: tuple


def load_pose(
    annotation_file: PathLike,
    image_dir: PathLike,
    keypoint_set: "KeypointSet",
    split: str = "train",
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> "list[PoseExample]":
    """Loads the labelled people of a COCO-style keypoint file.

    As in the official code a person is kept if it is no crowd and has a labelled
    keypoint; images without such a person are left out. Boxes are clipped to the image
    in the official way (which makes them a pixel smaller). Each image file is checked
    to exist, to be complete and to have the annotated size, without decoding it.

    Files of annotation tools are read too: numbers may be texts, sizes 0 or absent,
    paths those of another machine (the file is then searched by its name under
    `image_dir`), an absent or zero "area" is the box's, an absent "bbox" is drawn
    around the keypoints. A warning says what was done.

    Args:
        annotation_file: path of a json with "images", "annotations", "categories".
            If categories have "keypoints", those with the keypoints of `keypoint_set`
            are used, put in its order by their names.
        image_dir: path of the folder which "file_name" is relative to.
        keypoint_set: `KeypointSet` with the `K` keypoints of the annotations.
        split: "train" or "val". The official code keeps the same people in both (with
            ground-truth boxes), so the result is the same.
        skip_bad: bool. Whether single bad examples are skipped and counted in one
            warning instead of raising.
        progress: callable `(num_done, num_images)` or None.
    Returns:
        A list of `PoseExample`, in the order of the file's images, with keypoints
        `[N, K, 3]`.
    Raises:
        ValueError: naming file and value, for a file that is no such json, has other
            keypoints or no labelled person; and, without `skip_bad`, for an absent,
            ambiguous, truncated or foreign image, an image size, keypoint count or
            image id which contradicts the rest, a box outside its image or without
            area, and numbers which are not finite.
    """
    if split not in ("train", "val"):
        raise ValueError(f"split is 'train' or 'val'. Received: {split!r}.")
    people = read_people(annotation_file, image_dir, keypoint_set, skip_bad, progress)
    for note in people.notes:
        warnings.warn(note, stacklevel=2)
    people.left_out.warn(annotation_file)
    return people.examples


def read_people(
    annotation_file: PathLike,
    image_dir: PathLike,
    keypoint_set: "KeypointSet",
    skip_bad: bool = False,
    progress: Progress | None = None,
    contents: dict[str, Any] | None = None,
) -> People:
    """Reads the labelled people of a file as `load_pose`, and says what it did.

    Args:
        annotation_file, image_dir, keypoint_set, skip_bad, progress: see `load_pose`.
        contents: dict of lists, as `read_contents` returns, of the file read before;
            or None.
    Returns:
        `People`.
    Raises:
        ValueError: see `load_pose`.
    """
    contents = contents or read_contents(annotation_file)
    reader = CocoReader(annotation_file, contents, image_dir, skip_bad)
    people = reader.labelled_people(contents, keypoint_set)
    examples = reader.examples(people, keypoint_set.num_keypoints, progress)
    if not examples:
        raise ValueError(
            f"{annotation_file} holds no labelled person:"
            f" {counted(len(contents['annotations']), 'annotations')} of"
            f" {counted(len(reader.images), 'images')}, of which left out:"
            f" {reader.left_out.describe() or 'none'};"
            f" bad: {reader.bad.describe() or 'none'}."
        )
    reader.bad.warn()
    return People(examples, reader.left_out, tuple(reader.notes))


def load_detections(
    detection_json: PathLike,
    annotation_file: PathLike,
    image_dir: PathLike,
    min_score: float = 0.0,
    category_id: int | Collection[int] = 1,
    skip_bad: bool = False,
    keypoint_set: "KeypointSet | None" = None,
    progress: Progress | None = None,
) -> "list[PoseExample]":
    """Loads the boxes of a detector, to estimate poses in.

    As in the official test the boxes are not clipped and not thinned out.

    Args:
        detection_json: path of a json in COCO's result format: a list of dicts with
            "image_id", "category_id", "bbox" (xywh, px) and "score".
        annotation_file: path of the COCO-style json with the "images" (its
            "annotations" are not used).
        image_dir: path of the folder which "file_name" is relative to.
        min_score: float. Boxes with a lower score are left out.
        category_id: int, or a set of them. Boxes of other categories are left out.
        skip_bad: bool. As in `load_pose`.
        keypoint_set: `KeypointSet` or None. Says how many keypoints there are; by
            default the categories of `annotation_file` do.
        progress: callable `(num_done, num_images)` or None.
    Returns:
        A list of `PoseExample`, in the order of the file's images, for the images with
        a box: boxes and box_scores from the detector (in the order of its file),
        keypoints `[N, K, 3]` zero, ids the 0-based positions in `detection_json`.
    Raises:
        ValueError: as `load_pose`, and for a score which is no number.
    """
    contents = read_lists(annotation_file, ("images",), ("categories",))
    detections = read_json(detection_json)
    check_list(detection_json, "list of detections", detections)
    num_keypoints = _num_keypoints(annotation_file, contents, keypoint_set)
    reader = CocoReader(
        detection_json, contents, image_dir, skip_bad, annotation_file, clip=False
    )
    category_ids = {category_id} if isinstance(category_id, int) else set(category_id)
    people = reader.detected_people(detections, min_score, category_ids)
    examples = reader.examples(people, num_keypoints, progress)
    if not examples:
        raise ValueError(
            f"{detection_json} holds no box of category {_listed(category_ids)} with a"
            f" score of at least {min_score} among its {len(detections)} detections,"
            f" of which left out: {reader.left_out.describe() or 'none'};"
            f" bad: {reader.bad.describe() or 'none'}."
        )
    reader.bad.warn()
    reader.left_out.warn(detection_json)
    return examples


def read_contents(path: PathLike) -> dict[str, Any]:
    """Returns images, annotations and categories of a file, see `read_lists`."""
    return read_lists(path, ("images", "annotations"), ("categories",))


def read_annotations(path: PathLike, keys: Sequence[str]) -> dict[str, Any]:
    """Returns the content of a COCO-style json file.

    Args:
        path: path of the file.
        keys: str sequence, the lists of dicts that it should hold.
    Raises:
        ValueError: if it is no such json.
    """
    lists = read_lists(path, tuple(keys), ("categories",))
    return {key: [plain(entry) for entry in entries] for key, entries in lists.items()}


def _listed(category_ids):
    return " or ".join(map(str, sorted(category_ids)))


def _num_keypoints(path, contents, keypoint_set):
    if keypoint_set is not None:
        return keypoint_set.num_keypoints
    categories = categories_with_keypoints(path, contents["categories"])
    if not categories:
        raise ValueError(
            f"{path} does not say how many keypoints there are: no category has"
            " 'keypoints'. Pass keypoint_set."
        )
    return len(categories[0].keypoints)
