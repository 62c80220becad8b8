"""Files of boxes, which say where people are in images."""

import collections
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hrnet_tf.io import read_json
from hrnet_tf.typing import PathLike

_PERSON = 1


def read_boxes(
    path: PathLike, images: Sequence[Path], min_score: float = 0.0
) -> list[tuple[Any, Any]]:
    """Reads the boxes of images.

    Four kinds of json are understood: COCO annotations or detections with "images" and
    "annotations", matched by file name; COCO's list of results, matched by the image
    id as a file name (139 is 000000000139.jpg); a dict of file names to lists of
    boxes; and, for one image, a list of boxes. Of COCO's files crowds and other
    categories than people are left out.

    Args:
        path: path of the json.
        images: list of Path.
        min_score: float. Boxes with a lower score are left out.
    Returns:
        list of `(boxes, scores)` for each image: lists of `[x, y, width, height]` and
        of float, px and 1 where there is no score.
    Raises:
        ValueError: naming file and value, if the file is of no such kind, or does not
            mention an image.
    """
    contents = read_json(path)
    if isinstance(contents, dict) and "annotations" in contents:
        find = _of_annotations(path, contents)
    elif isinstance(contents, dict):
        find = _of_names(contents)
    elif isinstance(contents, list) and _are_dicts(contents, "image_id"):
        find = _of_results(path, contents)
    elif isinstance(contents, list) and len(images) == 1:
        find = _of_names({str(images[0].absolute()): contents})
    else:
        found = "list of boxes, which is for one image"
        if not isinstance(contents, list):
            found = type(contents).__name__
        raise ValueError(
            f"{path} holds a {found}; {len(images)} images were given. Expected"
            ' {"image.jpg": [[x, y, width, height], ...], ...}, or annotations or'
            " detections of COCO."
        )
    return [_checked(path, image, find(image), min_score) for image in images]


def known_boxes(
    paths: Sequence[Path], boxes: PathLike | None = None, min_box_score: float = 0.0
) -> dict[Any, dict[str, Any]]:
    """Returns what is known of the people in images, by path.

    Args:
        paths: list of Path, images and videos.
        boxes: path of a json, see `read_boxes`; None: each image is one person.
        min_box_score: float. Boxes with a lower score are left out.
    """
    found = [(None, None)] * len(paths)
    if boxes is not None:
        found = read_boxes(boxes, paths, min_box_score)
    return {
        path: {"boxes": rows, "box_scores": scores}
        for path, (rows, scores) in zip(paths, found, strict=True)
    }


def _of_annotations(path, contents):
    """Returns the function from an image to its people in COCO annotations."""
    images, annotations = contents.get("images"), contents["annotations"]
    if not _are_dicts(images, "id", "file_name") or not (
        annotations == [] or _are_dicts(annotations, "image_id", "bbox")
    ):
        raise ValueError(
            f'{path} has "annotations", but not as COCO has: lists of dicts "images"'
            ' (with "id" and "file_name") and "annotations" ("image_id" and "bbox").'
        )
    people, others = {}, collections.Counter()
    persons = _person_categories(contents)
    for entry in annotations:
        if persons and entry.get("category_id") not in persons:
            others[str(entry.get("category_id"))] += 1
        elif not entry.get("iscrowd"):
            found = (entry["bbox"], entry.get("score", 1.0))
            people.setdefault(entry["image_id"], []).append(found)
    _tell(path, others, "the category 'person'")
    names = {image["file_name"]: image["id"] for image in images}

    def find(image):
        name = _named(image, names)
        return None if name is None else people.get(names[name], [])

    return find


def _of_names(contents):
    """Returns the function from an image to its people in a dict of names."""

    def find(image):
        name = _named(image, contents)
        if name is None:
            return None
        boxes = contents[name]
        # A single box is not worth a list.
        if _are_numbers(boxes) and boxes or not isinstance(boxes, list):
            boxes = [boxes]
        return [(box, 1.0) for box in boxes]

    return find


def _of_results(path, contents):
    """Returns the function from an image to its people in COCO's list of results."""
    people, others = {}, collections.Counter()
    # A detector of one kind may number it from 0, or as COCO numbers cats.
    categories = {str(entry.get("category_id", _PERSON)) for entry in contents}
    wanted = categories if len(categories) == 1 else {str(_PERSON)}
    for entry in contents:
        found = (entry.get("bbox"), entry.get("score", 1.0))
        ids = people.setdefault(str(entry["image_id"]), [])
        category = str(entry.get("category_id", _PERSON))
        if category in wanted:
            ids.append(found)
        else:
            others[category] += 1
    _tell(path, others, f"category_id {_PERSON}, which is COCO's for people,")

    def find(image):
        stem = image.stem
        if stem.isdecimal():
            # Such a list cannot mention an image where nobody was found.
            return people.get(str(int(stem)), [])
        return people.get(stem)

    return find


def _tell(path, others, used):
    """Warns of boxes that are not used."""
    if others:
        names = ", ".join(f"{count} of {name}" for name, count in others.items())
        warnings.warn(
            f"{path}: only boxes of {used} are used; left out by their category:"
            f" {names}.",
            stacklevel=4,
        )


def _are_dicts(entries, *keys):
    """Whether this is a list of dicts that all have some keys, and not empty."""
    return (
        isinstance(entries, list)
        and bool(entries)
        and all(isinstance(entry, dict) for entry in entries)
        and all(key in entry for entry in entries for key in keys)
    )


def _person_categories(contents):
    """Ids of the categories that are people; empty if the file does not say."""
    categories = contents.get("categories") or []
    return [c.get("id") for c in categories if c.get("name") == "person"]


def _named(image, names):
    """The name which an image's path ends with, the longest one; None if there is none.

    A path of the annotations may thus start at any folder.
    """
    parts = Path(image).absolute().parts
    for start in range(len(parts)):
        name = "/".join(parts[start:]) if start else str(Path(image).absolute())
        if name in names:
            return name
    return None


def _checked(path, image, people, min_score):
    if people is None:
        raise ValueError(
            f"{path} does not mention the image {image}. Leave it out, or give it an"
            " entry (without boxes, if nobody is there)."
        )
    boxes, scores = [], []
    for box, score in people:
        if not _are_numbers(box) or len(box) != 4 or not _are_numbers([score]):
            raise ValueError(
                f"{path}: a box of {image} is {box!r:.100}, its score {score!r:.40};"
                " expected [x, y, width, height] in pixels, and a number."
            )
        if score >= min_score:
            boxes.append([float(value) for value in box])
            scores.append(float(score))
    return boxes, scores


def _are_numbers(values):
    return isinstance(values, list) and all(
        isinstance(value, (int, float)) and not isinstance(value, bool)
        for value in values
    )
