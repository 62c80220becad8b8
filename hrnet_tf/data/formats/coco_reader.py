"""The entries of COCO-style files -> examples, with the official filters and boxes.

Reference: deep-high-resolution-net.pytorch, lib/dataset/coco.py.
"""

import collections
import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.formats.boxes import box_around, is_line_of
from hrnet_tf.data.formats.checked_json import LARGEST, decode, field
from hrnet_tf.data.formats.checks import (
    FARTHEST,
    check_image,
    finite_number,
    finite_numbers,
)
from hrnet_tf.data.formats.coco_entries import (
    AnnotationEntry,
    as_number,
    categories_with_keypoints,
    check_image_number,
    checked_area,
    checked_keypoints,
    numbers_of_texts,
    order_in,
    orders_of,
    read_image,
)
from hrnet_tf.data.formats.image_finder import ImageFinder
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.data.schema import PoseExample
from hrnet_tf.typing import PathLike, Progress
from hrnet_tf.words import counted

if TYPE_CHECKING:
    from hrnet_tf.data.keypoint_sets import KeypointSet


_Person = collections.namedtuple("_Person", "id box area keypoints score")


class CocoReader:
    """Turns the entries of one file into examples, and collects the bad ones.

    `source` is the file whose entries are read, `image_source` the one that lists the
    images; `clip` says whether boxes are clipped as the official code does; `bad` is
    the `BadExamples` of several files together, or None. `left_out` counts what the
    official code leaves out, `notes` holds what the user is to see.
    """

    def __init__(
        self,
        source: PathLike,
        contents: dict[str, Any],
        image_dir: PathLike,
        skip_bad: bool,
        image_source: PathLike | None = None,
        clip: bool = True,
        bad: BadExamples | None = None,
    ) -> None:
        self.source = source
        self.clip = clip
        self.finder = ImageFinder(image_dir)
        self.bad = bad or BadExamples(source, skip_bad)
        self._numbers: dict[str, int] = {}
        self.images = self._images_by_id(image_source or source, contents)
        self.left_out = LeftOut()
        self.notes: list[str] = []
        self._noted: collections.Counter[str] = collections.Counter()

    def labelled_people(
        self, contents: dict[str, Any], keypoint_set: "KeypointSet"
    ) -> dict[int, list[Any]]:
        """Returns the people of each image id."""
        people = collections.defaultdict(list)
        categories = categories_with_keypoints(
            self.source, contents.get("categories") or ()
        )
        orders, notes = orders_of(self.source, categories, keypoint_set)
        self.notes += notes
        for position, entry in enumerate(contents["annotations"]):
            try:
                annotation = self._annotation(entry, position)
                image_id = self._image_id(annotation)
                order = order_in(orders, annotation)
                reason = _reason_to_leave_out(annotation, order)
                person = None
                if not reason:
                    person = self._person(annotation, keypoint_set, order)
            except BadExample as error:
                self.bad.add(error)
                continue
            if person is None:
                reason = reason or "people without a labelled keypoint"
                self.left_out.add(reason, f"annotation {annotation.id}")
            else:
                people[image_id].append(person)
        self._note_counts()
        return people

    def detected_people(
        self,
        detections: Sequence[dict[str, Any]],
        min_score: float,
        category_ids: Collection[int],
    ) -> dict[int, list[Any]]:
        """Returns the boxes of each image id."""
        people = collections.defaultdict(list)
        for position, detection in enumerate(detections):
            category = as_number(detection.get("category_id"))
            if category is not None and category not in category_ids:
                self.left_out.add("boxes of other categories", f"box {position}")
                continue
            detection = {**detection, "id": position}
            where = self._where(detection)
            try:
                image_id = detection.get("image_id")
                image_id = self._known_image_id(where, image_id)
                score = finite_number(where, detection, "score")
                box = tuple(finite_numbers(where, detection, "bbox", (4,)).tolist())
            except BadExample as error:
                self.bad.add(error)
                continue
            if score >= min_score:
                person = _Person(position, box, box[2] * box[3], None, score)
                people[image_id].append(person)
            else:
                self.left_out.add(f"boxes scored below {min_score}", f"box {position}")
        return people

    def examples(
        self,
        people: dict[int, list[Any]],
        num_keypoints: int,
        progress: Progress | None,
    ) -> list[PoseExample]:
        """Returns the examples of the images with people; checks files and boxes."""
        examples: list[PoseExample] = []
        names: dict[Any, str] = {}
        images = [(id_, i) for id_, i in self.images.items() if id_ in people]
        for done, (image_id, image) in enumerate(images, 1):
            try:
                path = self.finder.find(image.file_name)
                other = names.setdefault(path, image_id)
                if other != image_id:
                    raise _same_file(self.source, path, other, image_id)
                size = check_image(path, image.height, image.width)
            except BadExample as error:
                self.bad.add(error)
            else:
                kept = self._with_box(people[image_id], path, size)
                if kept:
                    examples.append(_example(image_id, path, size, kept, num_keypoints))
            if progress is not None:
                progress(done, len(images))
        if self.finder.num_searched:
            self.notes.append(
                f"{self.source}: {counted(self.finder.num_searched, 'images')} not at"
                " the path that the file names, found by the name under"
                f" {self.finder.folder}."
            )
        return examples

    def _images_by_id(self, path, contents):
        """Returns `ImageEntry` by id, in the order of the file."""
        images = {}
        for position, entry in enumerate(contents["images"]):
            try:
                image = read_image(path, entry, position)
            except BadExample as error:
                self.bad.add(error)
                continue
            image_id = self._number_of(image.id, contents)
            check_image_number(image_id, path, image.file_name)
            if image_id in images:
                raise ValueError(
                    f"{path}: the image id {image_id} occurs twice, for"
                    f" {images[image_id].file_name} and {image.file_name}."
                )
            images[image_id] = image
        return images

    def _number_of(self, image_id, contents):
        if not isinstance(image_id, str):
            return image_id
        if not self._numbers:
            # Rare: most files have numbers, and are not read twice for it.
            self._numbers = numbers_of_texts(contents["images"])
        return self._numbers[image_id]

    def number_of(self, image_id: Any) -> Any:
        """Returns the key in `images` of an id (int, float or str); None of none."""
        image_id = as_number(image_id)
        if isinstance(image_id, str):
            return self._numbers.get(image_id)
        is_known = isinstance(image_id, (int, float)) and image_id in self.images
        # Numbers that stand for texts are nobody's else.
        is_known = is_known and image_id not in self._numbers.values()
        return int(image_id) if is_known else None

    def _where(self, annotation):
        return (
            f"{self.source}: annotation {field(annotation, 'id')} of the image id"
            f" {field(annotation, 'image_id')}"
        )

    def _annotation(self, entry, position):
        """Returns an `AnnotationEntry`, which has a number."""
        try:
            annotation = decode(entry, AnnotationEntry, "")
        except BadExample as error:
            raise BadExample(error.kind, f"{self._where(entry)}{error}") from error
        if not isinstance(annotation.id, int) or abs(annotation.id) > LARGEST:
            annotation.id = position + 1
        return annotation

    def _image_id(self, annotation):
        where = (
            f"{self.source}: annotation {annotation.id} of the image id"
            f" {annotation.image_id}"
        )
        return self._known_image_id(where, annotation.image_id)

    def _known_image_id(self, where, image_id):
        number = self.number_of(image_id)
        if number not in self.images:
            raise BadExample(
                "dangling image id",
                f"{where}: there is no such image among"
                f" {counted(len(self.images), 'images')}.",
            )
        return number

    def _person(self, annotation, keypoint_set, order):
        """Returns the person of an annotation; None if no keypoint is labelled."""
        where = (
            f"{self.source}: annotation {annotation.id} of the image id"
            f" {annotation.image_id}"
        )
        keypoints = checked_keypoints(where, annotation.keypoints, keypoint_set)
        if not (keypoints > 0).any():
            return None
        keypoints = order.apply(keypoints)
        box = self._box(where, annotation.bbox, keypoints)
        if box is None:
            return None
        area = checked_area(where, annotation.area)
        if not area:
            self._noted["area: it is that of the box"] += 1
            area = checked_area(where, box[2] * box[3])
        return _Person(annotation.id, box, area, keypoints, 1.0)

    def _box(self, where, box, keypoints):
        """Returns x, y, width, height (float); None where nothing has a place."""
        if box:
            if len(box) != 4 or not math.isfinite(sum(box)):
                finite_numbers(where, {"bbox": box}, "bbox", (4,))
            if max(map(abs, box)) > FARTHEST:
                raise BadExample(
                    "wrong bbox", f"{where}: bbox is {box}; expected pixels."
                )
            if box[2] and box[3]:
                return tuple(box)
        labelled = keypoints[keypoints[:, 2] > 0, :2]
        if not box and len(labelled):
            self._noted["box: it is drawn around the keypoints"] += 1
            return tuple(box_around(labelled).tolist())
        if box and is_line_of(box, labelled):
            return tuple(box_around(labelled).tolist())
        return tuple(box) if box else None

    def _note_counts(self):
        for what, count in self._noted.items():
            self.notes.append(
                f"{self.source}: {counted(count, 'people have')} no {what}."
            )

    def _with_box(self, people, path, size):
        """Returns the people whose box lies in the image, boxes clipped if asked."""
        kept = []
        for person in people:
            clipped, problem = _clip(person.box, size)
            if problem:
                box = list(person.box)
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
    return (left, top, right - left, bottom - top), problem


def _reason_to_leave_out(annotation, order):
    """Why an annotation is no person to learn from; None if it is kept."""
    if order is None:
        return "annotations of categories with other keypoints, or none"
    if annotation.iscrowd:
        return "crowds"
    if not annotation.keypoints:
        return "annotations without keypoints"
    return None


def _same_file(source, path, image_id, other):
    return BadExample(
        "file of two images",
        f"{source}: the images {image_id} and {other} are both {path}. If they are"
        " frames of two videos, keep the folders in their file names; if they are one"
        " picture, give it one entry.",
    )


def _example(image_id, path, size, people, num_keypoints):
    keypoints = np.zeros((len(people), num_keypoints, 3), np.float32)
    for place, person in enumerate(people):
        if person.keypoints is not None:
            keypoints[place] = person.keypoints
    return PoseExample(
        image_path=str(path),
        image_id=image_id,
        height=size[0],
        width=size[1],
        boxes=np.array([p.box for p in people]),
        keypoints=keypoints,
        areas=np.array([p.area for p in people]),
        ids=np.array([p.id for p in people]),
        box_scores=np.array([p.score for p in people]),
    )
