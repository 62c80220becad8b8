"""Files of boxes, which say where people are in images."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hrnet_tf.data.left_out import LeftOut
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
    categories than people are left out, which a warning counts; so it does with boxes
    of a low score. Numbers may be texts.

    Args:
        path: path of the json.
        images: list of Path.
        min_score: float. Boxes with a lower score are left out.
    Returns:
        list of `(boxes, scores)` for each image: lists of `[x, y, width, height]` and
        of float, px and 1 where there is no score.
    Raises:
        ValueError: naming file and value, if the file is of no such kind, or does not
            mention an image, or mentions one for several images, or no box is left
            where all have another category.
    """
    contents = read_json(path)
    left_out = LeftOut()
    if isinstance(contents, dict) and "annotations" in contents:
        find = _of_annotations(path, contents, left_out)
    elif isinstance(contents, dict):
        find = _of_names(path, contents)
    elif isinstance(contents, list) and _are_dicts(contents, "image_id"):
        find = _of_results(path, contents, left_out)
    elif isinstance(contents, list) and len(images) == 1:
        find = _of_names(path, {str(images[0].absolute()): contents})
    else:
        kind = "list of boxes, which is for one image"
        if not isinstance(contents, list):
            kind = type(contents).__name__
        raise ValueError(
            f"{path} holds a {kind}; {len(images)} images were given. Expected"
            ' {"image.jpg": [[x, y, width, height], ...], ...}, or annotations or'
            " detections of COCO."
        )
    found = [
        _checked(path, image, find(image), min_score, left_out) for image in images
    ]
    left_out.warn(path)
    return found


def known_boxes(
    paths: Sequence[Path],
    boxes: PathLike | None = None,
    min_box_score: float | None = None,
) -> dict[Any, dict[str, Any]]:
    """Returns what is known of the people in images, by path.

    Args:
        paths: list of Path, images and videos.
        boxes: path of a json, see `read_boxes`; None: each image is one person.
        min_box_score: float or None. Boxes with a lower score are left out.
    Raises:
        ValueError: as `read_boxes`, or if a score is given without boxes.
    """
    if boxes is None and min_box_score is not None:
        raise ValueError(
            "`min_box_score` is of boxes that are given, or of those of a detector that"
            " is. Received neither `boxes` nor `detector`; a detector within an export"
            " keeps the score that it was exported with."
        )
    found = [(None, None)] * len(paths)
    if boxes is not None:
        found = read_boxes(boxes, paths, min_box_score or 0.0)
    return {
        path: {"boxes": rows, "box_scores": scores}
        for path, (rows, scores) in zip(paths, found, strict=True)
    }


def _of_annotations(path, contents, left_out):
    """Returns the function from an image to its people in COCO annotations."""
    images, annotations = contents.get("images"), contents["annotations"]
    if (
        not _are_dicts(images, "id", "file_name")
        or not all(isinstance(image["file_name"], str) for image in images)
        or not (annotations == [] or _are_dicts(annotations, "image_id", "bbox"))
        or not (not contents.get("categories") or _are_dicts(contents["categories"]))
    ):
        raise ValueError(
            f'{path} has "annotations", but not as COCO has: lists of dicts "images"'
            ' (with "id" and "file_name", a text) and "annotations" ("image_id" and'
            ' "bbox"), and "categories", if there are any.'
        )
    people = {}
    persons = _person_categories(contents)
    for number, entry in enumerate(annotations):
        name = f"annotation {entry.get('id', number)}"
        category = _key(entry.get("category_id"))
        if persons and category not in persons:
            left_out.add(f"boxes of category {category}, not 'person'", name)
        elif _number(entry.get("iscrowd")):
            left_out.add("crowds", name)
        else:
            found = (entry["bbox"], entry.get("score", 1.0))
            people.setdefault(_key(entry["image_id"]), []).append(found)
    _check_some_left(path, people, annotations, left_out)
    names = {}
    for image in images:
        first = names.setdefault(image["file_name"], image["id"])
        if _key(first) != _key(image["id"]):
            raise ValueError(
                f"{path} has two images called {image['file_name']!r}, of the ids"
                f" {first} and {image['id']}: it is unclear whose boxes are whose. Name"
                " them with their folders."
            )
    named = _Named(path, names)

    def find(image):
        name = named.find(image)
        return None if name is None else people.get(_key(names[name]), [])

    return find


def _of_names(path, contents):
    """Returns the function from an image to its people in a dict of names."""
    named = _Named(path, contents)

    def find(image):
        name = named.find(image)
        if name is None:
            return None
        boxes = contents[name]
        # A single box is not worth a list.
        if _as_numbers(boxes) or not isinstance(boxes, list):
            boxes = [boxes]
        return [(box, 1.0) for box in boxes]

    return find


def _of_results(path, contents, left_out):
    """Returns the function from an image to its people in COCO's list of results."""
    people, used = {}, {}
    # A detector of one kind may number it from 0, or as COCO numbers cats.
    categories = {_key(entry.get("category_id", _PERSON)) for entry in contents}
    wanted = categories if len(categories) == 1 else {_key(_PERSON)}
    for number, entry in enumerate(contents):
        found = (entry.get("bbox"), entry.get("score", 1.0))
        ids = people.setdefault(_key(entry["image_id"]), [])
        category = _key(entry.get("category_id", _PERSON))
        if category in wanted:
            ids.append(found)
        else:
            reason = f"boxes of category {category}, not {_PERSON}, COCO's for people"
            left_out.add(reason, f"entry {number}, from 0")
    _check_some_left(path, [*filter(None, people.values())], contents, left_out)

    def find(image):
        stem = image.stem
        key = str(int(stem)) if stem.isdecimal() else stem
        if key in people:
            _check_one_image(path, used, f"the image id {key}", image)
        # Such a list cannot mention an image where nobody was found.
        return people.get(key, [] if stem.isdecimal() else None)

    return find


def _check_some_left(path, people, entries, left_out):
    if entries and not people:
        raise ValueError(
            f"{path}: no box is left of {len(entries)}: {left_out.describe()}. Give"
            " people the category that is expected, or leave categories out."
        )


def _check_one_image(path, used, entry, image):
    """Raises ValueError if an entry was already taken for another image."""
    first = used.setdefault(entry, image)
    if first.absolute() != image.absolute():
        raise ValueError(
            f"{path}: {entry} stands for both {first} and {image}. Give each an entry"
            " with its folder, or predict them one by one."
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
    return [_key(c.get("id")) for c in categories if c.get("name") == "person"]


def _number(value):
    """A number, which may be a text, as a float; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _key(value):
    """What tells ids apart (str), whether they are written as numbers or as texts."""
    text = str(value).strip()
    try:
        return str(int(text))
    except ValueError:
        number = _number(value)
        return str(int(number)) if number is not None and not number % 1 else text


class _Named:
    """The entries of a file by the ends of the images' paths."""

    def __init__(self, path, names):
        self._path, self._names, self._used = path, names, {}

    def find(self, image):
        """The longest name which an image's path ends with, or None.

        A path of the annotations may thus start at any folder.
        """
        parts = Path(image).absolute().parts
        for start in range(len(parts)):
            name = "/".join(parts[start:]) if start else str(Path(image).absolute())
            if name in self._names:
                _check_one_image(self._path, self._used, f"the name {name!r}", image)
                return name
        return None


def _checked(path, image, people, min_score, left_out):
    if people is None:
        raise ValueError(
            f"{path} does not mention the image {image}. Leave it out, or give it an"
            " entry (without boxes, if nobody is there)."
        )
    boxes, scores = [], []
    for box, score in people:
        numbers, (score_number,) = _as_numbers(box), _as_numbers([score]) or [None]
        if numbers is None or len(numbers) != 4 or score_number is None:
            raise ValueError(
                f"{path}: a box of {image} is {box!r:.100}, its score {score!r:.40};"
                " expected [x, y, width, height] in pixels, and a number."
            )
        if score_number >= min_score:
            boxes.append(numbers)
            scores.append(score_number)
        else:
            reason = f"boxes with a score below {min_score:g}"
            left_out.add(reason, f"{score_number:g} of {image}")
    return boxes, scores


def _as_numbers(values):
    """A list of numbers, which may be texts, as floats; None for anything else."""
    if not isinstance(values, list) or not values:
        return None
    numbers = [_number(value) for value in values]
    return None if None in numbers else numbers
