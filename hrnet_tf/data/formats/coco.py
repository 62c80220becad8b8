"""COCO-style keypoint annotations and detections.

Any data set in the format of person_keypoints_train2017.json can be read, with any
number of keypoints: a `KeypointSet` describes them.

Reference: deep-high-resolution-net.pytorch, lib/dataset/coco.py (which people are
kept, how boxes are clipped); https://cocodataset.org/#format-data.
"""

from hrnet_tf.data.formats.coco_reader import CocoReader, categories_with_keypoints
from hrnet_tf.io import read_json


def load_pose(
    annotation_file,
    image_dir,
    keypoint_set,
    split="train",
    skip_bad=False,
    progress=None,
):
    """Loads the labelled people of a COCO-style keypoint file.

    As in the official code a person is kept if it is no crowd, has an area above 0
    and a labelled keypoint; images without such a person are left out. Boxes are
    clipped to the image in the official way (which makes them a pixel smaller). Each
    image file is checked to exist, to be complete and to have the annotated size,
    without decoding it.

    Args:
        annotation_file: path of a json with "images", "annotations", "categories".
            If categories have "keypoints", only their annotations are used. An
            annotation without "area" gets that of its box.
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
        ValueError: naming file and value, for a file that is no such json or holds
            no labelled person; and, without `skip_bad`, for an absent, truncated or
            foreign image, an image size, keypoint count or image id which contradicts
            the rest, a box outside its image or without area, and numbers which are
            not finite.
    """
    if split not in ("train", "val"):
        raise ValueError(f"split is 'train' or 'val'. Received: {split!r}.")
    contents = read_annotations(annotation_file, ("images", "annotations"))
    reader = CocoReader(annotation_file, contents, image_dir, skip_bad)
    people, dropped = reader.labelled_people(contents, keypoint_set)
    examples = reader.examples(people, keypoint_set.num_keypoints, progress)
    if not examples:
        raise ValueError(
            f"{annotation_file} holds no labelled person:"
            f" {len(contents['annotations'])} annotations of {len(reader.images)}"
            f" images, of which left out: {dropped or 'none'};"
            f" bad: {reader.bad.describe() or 'none'}."
        )
    reader.bad.warn()
    return examples


def load_detections(
    detection_json,
    annotation_file,
    image_dir,
    min_score=0.0,
    category_id=1,
    skip_bad=False,
    keypoint_set=None,
    progress=None,
):
    """Loads the boxes of a detector, to estimate poses in.

    As in the official test the boxes are not clipped and not thinned out.

    Args:
        detection_json: path of a json in COCO's result format: a list of dicts with
            "image_id", "category_id", "bbox" (xywh, px) and "score".
        annotation_file: path of the COCO-style json with the "images" (its
            "annotations" are not used).
        image_dir: path of the folder which "file_name" is relative to.
        min_score: float. Boxes with a lower score are left out.
        category_id: int. Boxes of other categories are left out.
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
    contents = read_annotations(annotation_file, ("images",))
    detections = read_json(detection_json)
    _check_entries(detection_json, "list of detections", detections)
    num_keypoints = _num_keypoints(annotation_file, contents, keypoint_set)
    reader = CocoReader(
        detection_json, contents, image_dir, skip_bad, annotation_file, clip=False
    )
    people = reader.detected_people(detections, min_score, category_id)
    examples = reader.examples(people, num_keypoints, progress)
    if not examples:
        raise ValueError(
            f"{detection_json} holds no box of category {category_id} with a score of"
            f" at least {min_score} among its {len(detections)} detections;"
            f" bad: {reader.bad.describe() or 'none'}."
        )
    reader.bad.warn()
    return examples


def read_annotations(path, keys):
    """Returns the content of a COCO-style json file.

    Args:
        path: path of the file.
        keys: str sequence, the lists of dicts that it should hold.
    Raises:
        ValueError: if it is no such json.
    """
    contents = read_json(path)
    if not isinstance(contents, dict):
        raise ValueError(
            f"{path} should hold a dict with {list(keys)} as COCO's annotations do."
            f" Received: a {type(contents).__name__}."
        )
    for key in keys:
        _check_entries(path, f"list of {key} under the key {key!r}", contents.get(key))
    return contents


def _check_entries(path, what, entries):
    found = None
    if not isinstance(entries, list):
        found = "nothing" if entries is None else f"a {type(entries).__name__}"
    elif not entries:
        found = "an empty list"
    elif not all(isinstance(entry, dict) for entry in entries):
        wrong = next(entry for entry in entries if not isinstance(entry, dict))
        found = f"the entry {wrong!r:.80}"
    if found:
        raise ValueError(
            f"{path} should hold a {what}, of dicts in COCO's format."
            f" Received: {found}."
        )


def _num_keypoints(path, contents, keypoint_set):
    if keypoint_set is not None:
        return keypoint_set.num_keypoints
    categories = categories_with_keypoints(contents)
    if not categories:
        raise ValueError(
            f"{path} does not say how many keypoints there are: no category has"
            " 'keypoints'. Pass keypoint_set."
        )
    return len(categories[0]["keypoints"])
