"""The entries of COCO-style files -> examples, with the official filters and boxes.

Reference: deep-high-resolution-net.pytorch, lib/dataset/coco.py.
"""

import collections

import numpy as np

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.formats.checks import (
    check_folder,
    check_image,
    finite_number,
    finite_numbers,
)
from hrnet_tf.data.schema import PoseExample

_Person = collections.namedtuple("_Person", "id box area keypoints score")


class CocoReader:
    """Turns the entries of one file into examples, and collects the bad ones.

    `source` is the file whose entries are read, `image_source` the one that lists the
    images; `clip` says whether boxes are clipped as the official code does.
    """

    def __init__(
        self, source, contents, image_dir, skip_bad, image_source=None, clip=True
    ):
        self.source = source
        self.clip = clip
        self.image_dir = check_folder(image_dir)
        self.images = _images_by_id(image_source or source, contents)
        self.bad = BadExamples(source, skip_bad)

    def labelled_people(self, contents, keypoint_set):
        """Returns the people of each image id, and the counts of those left out."""
        people = collections.defaultdict(list)
        dropped = collections.Counter()
        categories = _keypoint_categories(self.source, contents, keypoint_set)
        for annotation in contents["annotations"]:
            try:
                image_id = self._image_id(annotation)
                reason = _reason_to_leave_out(annotation, categories)
                person = None if reason else self._person(annotation, keypoint_set)
            except BadExample as error:
                self.bad.add(error)
                continue
            if person is None:
                dropped[reason or "without labelled keypoints"] += 1
            else:
                people[image_id].append(person)
        return people, ", ".join(f"{n} x {reason}" for reason, n in dropped.items())

    def detected_people(self, detections, min_score, category_id):
        """Returns the boxes of each image id."""
        people = collections.defaultdict(list)
        for position, detection in enumerate(detections):
            if detection.get("category_id", category_id) != category_id:
                continue
            detection = {**detection, "id": position}
            where = self._where(detection)
            try:
                image_id = self._image_id(detection)
                score = finite_number(where, detection, "score")
                box = finite_numbers(where, detection, "bbox", (4,))
            except BadExample as error:
                self.bad.add(error)
                continue
            if score >= min_score:
                person = _Person(position, box, box[2] * box[3], None, score)
                people[image_id].append(person)
        return people

    def examples(self, people, num_keypoints, progress):
        """Returns the examples of the images with people; checks files and boxes."""
        examples = []
        images = [image for id_, image in self.images.items() if id_ in people]
        for done, image in enumerate(images, 1):
            path = self.image_dir / image["file_name"]
            try:
                size = check_image(path, image.get("height"), image.get("width"))
            except BadExample as error:
                self.bad.add(error)
            else:
                kept = self._with_box(people[image["id"]], path, size)
                if kept:
                    examples.append(_example(image, path, size, kept, num_keypoints))
            if progress is not None:
                progress(done, len(images))
        return examples

    def _where(self, annotation):
        return (
            f"{self.source}: annotation {annotation.get('id')} of the image id"
            f" {annotation.get('image_id')}"
        )

    def _image_id(self, annotation):
        image_id = annotation.get("image_id")
        if image_id not in self.images:
            raise BadExample(
                "dangling image id",
                f"{self._where(annotation)}: there is no such image among the"
                f" {len(self.images)} images.",
            )
        return image_id

    def _person(self, annotation, keypoint_set):
        """Returns the person of an annotation; None if no keypoint is labelled."""
        where = self._where(annotation)
        if not isinstance(annotation.get("id"), int):
            raise BadExample(
                "annotation without id", f"{where}: its id should be a whole number."
            )
        num_keypoints = keypoint_set.num_keypoints
        if len(annotation["keypoints"]) != 3 * num_keypoints:
            raise BadExample(
                "keypoint count contradicts the descriptor",
                f"{where} has {len(annotation['keypoints'])} keypoint numbers, but the"
                f" {num_keypoints} keypoints of the set {keypoint_set.name!r} need"
                f" {3 * num_keypoints} (x, y, visibility).",
            )
        keypoints = finite_numbers(where, annotation, "keypoints", (3 * num_keypoints,))
        if not (keypoints > 0).any():
            return None
        wrong = [v for v in keypoints[2::3] if v not in (0, 1, 2)]
        if wrong:
            raise BadExample(
                "wrong visibility",
                f"{where} has a keypoint of visibility {wrong[0]}; expected 0 (not"
                " labelled), 1 (occluded) or 2 (visible).",
            )
        box = finite_numbers(where, annotation, "bbox", (4,))
        area = box[2] * box[3]
        if annotation.get("area") is not None:
            area = finite_number(where, annotation, "area")
        keypoints = keypoints.reshape(num_keypoints, 3)
        return _Person(annotation["id"], box, area, keypoints, 1.0)

    def _with_box(self, people, path, size):
        """Returns the people whose box lies in the image, boxes clipped if asked."""
        kept = []
        for person in people:
            clipped, problem = _clip(person.box, size)
            if problem:
                box = [float(value) for value in person.box]
                self.bad.add(
                    BadExample(
                        problem,
                        f"{self.source}: {problem}: {box} (x, y, width, height) of"
                        f" annotation {person.id}; the image {path} has"
                        f" {size[1]}x{size[0]} pixels (width x height).",
                    )
                )
            else:
                kept.append(person._replace(box=clipped) if self.clip else person)
        return kept


def _clip(box, size):
    """Returns a box clipped in the official way, and what is wrong with it or None."""
    x, y, w, h = box
    left, top = max(0.0, x), max(0.0, y)
    right = min(size[1] - 1, left + max(0.0, w - 1))
    bottom = min(size[0] - 1, top + max(0.0, h - 1))
    problem = None
    if w <= 0 or h <= 0:
        problem = "box without area"
    elif right < left or bottom < top or x + w <= 0 or y + h <= 0:
        problem = "box outside its image"
    elif right == left and bottom == top:
        problem = "box without area"
    return np.array([left, top, right - left, bottom - top]), problem


def _images_by_id(path, contents):
    """Returns the entries of "images" by id, in the order of the file."""
    images = {}
    for image in contents["images"]:
        missing = [key for key in ("id", "file_name") if key not in image]
        if missing:
            raise ValueError(f"{path}: the image {image} lacks {missing}.")
        if not isinstance(image["id"], int):
            raise ValueError(
                f"{path}: the id of image {image['file_name']} is {image['id']!r};"
                " expected a whole number."
            )
        if image["id"] in images:
            raise ValueError(
                f"{path}: the image id {image['id']} occurs twice, for"
                f" {images[image['id']]['file_name']} and {image['file_name']}."
            )
        images[image["id"]] = image
    return images


def categories_with_keypoints(contents):
    """Returns the categories (dicts) that declare a list of keypoints."""
    return [c for c in contents.get("categories") or () if c.get("keypoints")]


def _keypoint_categories(path, contents, keypoint_set):
    """Returns the ids of the categories with keypoints; None if none declares any."""
    categories = categories_with_keypoints(contents)
    for category in categories:
        if len(category["keypoints"]) != keypoint_set.num_keypoints:
            raise ValueError(
                f"{path}: the category {category.get('name')!r} has"
                f" {len(category['keypoints'])} keypoints, but the keypoint set"
                f" {keypoint_set.name!r} has {keypoint_set.num_keypoints}. Pass the"
                " descriptor of this data set."
            )
    return {category["id"] for category in categories} or None


def _reason_to_leave_out(annotation, categories):
    """Why the official code silently leaves an annotation out; None if it is kept."""
    if categories and annotation.get("category_id") not in categories:
        return "other category"
    if annotation.get("iscrowd", 0):
        return "crowd"
    if not annotation.get("keypoints"):
        return "without keypoints"
    area = annotation.get("area")
    if isinstance(area, (int, float)) and area <= 0:
        return "zero area"
    return None


def _example(image, path, size, people, num_keypoints):
    unlabelled = np.zeros((num_keypoints, 3))
    return PoseExample(
        image_path=str(path),
        image_id=image["id"],
        height=size[0],
        width=size[1],
        boxes=np.stack([p.box for p in people]),
        keypoints=np.stack(
            [unlabelled if p.keypoints is None else p.keypoints for p in people]
        ),
        areas=np.array([p.area for p in people]),
        ids=np.array([p.id for p in people]),
        box_scores=np.array([p.score for p in people]),
    )
