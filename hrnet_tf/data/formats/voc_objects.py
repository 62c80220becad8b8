"""Objects in PASCAL VOC's layout: an xml file a picture.

    DATA/JPEGImages/0001.jpg, DATA/Annotations/0001.xml, DATA/ImageSets/Main/train.txt

Tools such as labelImg write the same xml files beside the pictures; others call the
folders annotations/ and images/.

Reference: PASCAL VOC development kit, VOCreadrecxml.m; its pixels are counted from 1,
and xmax and ymax are the last ones of an object.
"""

import contextlib
import dataclasses
import functools
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from hrnet_tf.data.bad_examples import BadExample, BadExamples
from hrnet_tf.data.detection_example import DetectionExample
from hrnet_tf.data.formats.checks import check_folder
from hrnet_tf.data.formats.image_finder import ImageFinder
from hrnet_tf.data.formats.objects import (
    FoundObject,
    ObjectPicture,
    Objects,
    build_examples,
)
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.data.object_sets import VOC_OBJECTS, ObjectSet
from hrnet_tf.typing import PathLike, Progress

_ANNOTATIONS, _IMAGES = ("Annotations", "annotations"), ("JPEGImages", "images")
_SPLITS = "ImageSets/Main"
# The lists that tell the parts, and what they are called here; a picture of several is
# of the first.
_LISTS = {"train": "train", "val": "val", "test": "test", "trainval": "train"}
_SUFFIXES = (".jpg", ".jpeg", ".png", ".JPG", ".JPEG", ".PNG")


def load_detection(
    folder: PathLike,
    split: str | None = None,
    object_set: ObjectSet | None = None,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> list[DetectionExample]:
    """Loads the objects of a folder in VOC's layout, and tells what it did in warnings.

    "difficult" objects are marked as such. Images get the ids 1, 2, ... in the order of
    all names of the folder, so that they are the same in every split.

    Args:
        folder: path of the folder with Annotations/ and JPEGImages/, or of one with
            pictures and xml files.
        split: str. A list of ImageSets/Main, such as "train"; None takes all files.
        object_set: `ObjectSet` of the classes that are wanted; None: those that occur,
            in alphabetical order (VOC's own where it has them all).
        skip_bad: bool. Whether single bad examples are skipped and counted in one
            warning instead of raising.
        progress: callable `(num_done, num_images)` or None.
    Returns:
        A list of `DetectionExample`, in the order of the list.
    Raises:
        ValueError: naming file and value, see `read_objects`.
    """
    return read_objects(folder, split, object_set, skip_bad, progress).told(folder)


def read_objects(
    folder: PathLike,
    split: str | None = None,
    object_set: ObjectSet | None = None,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> Objects:
    """Reads a folder as `load_detection`, and says what it did.

    Args:
        folder, split, object_set, skip_bad, progress: see `load_detection`.
    Returns:
        `Objects`.
    Raises:
        ValueError: if there is no such folder or list, and, without `skip_bad`, for an
            absent or damaged image, another size, xml that cannot be read or lacks an
            entry, and a box without area or outside its image.
    """
    root = check_folder(folder)
    stems = _stems(root)
    listed = _listed(root, split) or stems
    return _read(root, listed, stems, None, object_set, skip_bad, progress)


def read_parts(
    folder: PathLike,
    images: PathLike | None = None,
    object_set: ObjectSet | None = None,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> tuple[Objects, dict[str, str]]:
    """Reads a folder with all parts that ImageSets/Main tells.

    Args:
        folder, object_set, skip_bad, progress: see `load_detection`.
        images: path of the folder of the pictures, or None.
    Returns:
        `Objects`, and a dict of image path to "train", "val" or "test"; {} where there
        are no such lists. What none of them names is left out and counted.
    Raises:
        ValueError: see `read_objects`.
    """
    root = check_folder(folder)
    stems = _stems(root)
    parts: dict[str, str] = {}
    for name, part in _LISTS.items():
        if name in split_names(root):
            for stem in _listed(root, name):
                parts.setdefault(stem, part)
    every = list(dict.fromkeys((*stems, *parts)))
    found = _read(root, every, stems, images, object_set, skip_bad, progress)
    if not parts:
        return found, {}
    kept, splits = [], {}
    for example in found.examples:
        stem = every[example.image_id - 1]
        if stem in parts:
            kept.append(example)
            splits[example.image_path] = parts[stem]
        else:
            reason = f"pictures that no list of {_SPLITS} names"
            found.left_out.add(reason, example.image_path)
    return dataclasses.replace(found, examples=kept), splits


def object_set_of(*folders: PathLike) -> ObjectSet:
    """Returns the `ObjectSet` of the classes that occur in folders, by the alphabet.

    Args:
        *folders: paths; files that cannot be read are passed over.
    Raises:
        ValueError: if no object is named.
    """
    documents = []
    for folder in folders:
        root = check_folder(folder)
        for stem in _stems(root):
            with contextlib.suppress(BadExample):
                documents.append(_document(_inside(root, _ANNOTATIONS) / f"{stem}.xml"))
    return _object_set_of(Path(folders[0]), documents)


def _inside(root, names):
    """The first folder of some names in a folder; itself, if there is none."""
    return next((root / name for name in names if (root / name).is_dir()), root)


def _stems(root):
    """The names of the xml files, sorted."""
    annotations = _inside(root, _ANNOTATIONS)
    stems = sorted(path.stem for path in annotations.glob("*.xml"))
    if not stems:
        raise ValueError(
            f"{annotations} holds no xml files. Expected PASCAL VOC's layout:"
            f" {_ANNOTATIONS[0]}/NAME.xml and {_IMAGES[0]}/NAME.jpg."
        )
    return stems


def _read(root, listed, stems, images, object_set, skip_bad, progress):
    """The `Objects` of listed names; ids are their places among all names."""
    annotations = _inside(root, _ANNOTATIONS)
    bad, left_out = BadExamples(root, skip_bad), LeftOut()
    numbers = {stem: i for i, stem in enumerate(stems, 1)}
    documents = {}
    for stem in listed:
        # Lists may name files in sub-folders, too.
        numbers.setdefault(stem, len(numbers) + 1)
        try:
            documents[stem] = _document(annotations / f"{stem}.xml")
        except BadExample as error:
            bad.add(error)
    if object_set is None:
        object_set = _object_set_of(root, documents.values())
    finder = ImageFinder(images or _inside(root, _IMAGES))
    pictures = (
        ObjectPicture(
            stem,
            numbers[stem],
            functools.partial(_image, finder, stem, document),
            _size(document),
            functools.partial(_objects, annotations / f"{stem}.xml", document, bad),
        )
        for stem, document in documents.items()
    )
    return build_examples(
        root, pictures, object_set, bad, left_out, progress, len(documents)
    )


def split_names(folder: PathLike) -> list[str]:
    """Returns the names of the lists in ImageSets/Main, such as "train"; [] if none."""
    return sorted(path.stem for path in (Path(folder) / _SPLITS).glob("*.txt"))


def _listed(root, split):
    """The names of a split; None for all files."""
    if split is None:
        return None
    path = root / _SPLITS / f"{split}.txt"
    if not path.is_file():
        known = split_names(root)
        raise ValueError(
            f"There is no list {path}. {root / _SPLITS} has"
            f" {', '.join(known) if known else 'none'}."
        )
    lines = path.read_text("utf-8-sig").splitlines()
    # Lists of a class have a second column: 1, -1 or 0.
    names = [line.split()[0] for line in lines if line.strip()]
    if not names:
        raise ValueError(f"The list {path} is empty.")
    return list(dict.fromkeys(names))


def _document(path):
    """The root element of an xml file."""
    try:
        document = ElementTree.parse(path).getroot()
    except FileNotFoundError as error:
        raise BadExample(
            "absent annotation", f"There is no {path}, which a list names."
        ) from error
    except (ElementTree.ParseError, LookupError, OSError, ValueError) as error:
        raise BadExample(
            "unreadable annotation", f"{path} is no valid xml: {error}."
        ) from error
    if document.tag != "annotation":
        raise BadExample(
            "unreadable annotation",
            f"{path} holds <{document.tag}>; expected <annotation>, as VOC's files do.",
        )
    return document


def _object_set_of(root, documents):
    names = {_text(entry, "name") for d in documents for entry in d.iter("object")}
    names = sorted(name for name in names if name)
    if not names:
        raise ValueError(f"{root}: no annotation names an object. Pass the object set.")
    if tuple(names) == VOC_OBJECTS.classes:
        return VOC_OBJECTS
    return ObjectSet(root.resolve().name or "objects", tuple(names))


def _image(finder, stem, document):
    """The path of the picture of an annotation: by the annotation's own name first."""
    for suffix in _SUFFIXES:
        path = finder.folder / f"{stem}{suffix}"
        if path.is_file():
            return path
    return finder.find(_text(document, "filename") or f"{stem}{_SUFFIXES[0]}")


def _size(document):
    """(height, width) that an annotation tells; None where it tells none."""
    sides = []
    for name in ("height", "width"):
        try:
            side = int(float(_text(document, f"size/{name}") or 0))
        except (ValueError, OverflowError):
            side = 0
        sides.append(side if side > 0 else None)
    return tuple(sides)


def _objects(path, document, bad, size):
    """Yields the `FoundObject`s of an annotation."""
    for number, entry in enumerate(document.iter("object"), 1):
        where = f"{path}: object {number} (from 1)"
        try:
            label = _text(entry, "name")
            if not label:
                raise BadExample("absent name", f"{where} lacks a <name>.")
            left, top, right, bottom = (
                _number(where, entry, f"bndbox/{side}")
                for side in ("xmin", "ymin", "xmax", "ymax")
            )
        except BadExample as error:
            bad.add(error)
            continue
        # Of pixels that are counted from 1, the last one included.
        box = (left - 1, top - 1, right - left + 1, bottom - top + 1)
        difficult = (_text(entry, "difficult") or "0").lower() in ("1", "true")
        if right <= left or bottom <= top:
            bad.add(
                BadExample(
                    "box without area",
                    f"{where}: xmin, ymin, xmax, ymax are"
                    f" {[left, top, right, bottom]}; expected xmax above xmin and ymax"
                    f" above ymin, in the picture of {size[1]}x{size[0]} pixels."
                    + _sides_hint(left, top, right, bottom, size),
                )
            )
            continue
        yield FoundObject(where, label, box, number, difficult=difficult)


def _sides_hint(left, top, width, height, size):
    """What to say of numbers that are a box in the picture if they are its sides."""
    inside = left >= 0 and top >= 0 and width > 0 and height > 0
    if not inside or left + width > size[1] + 1 or top + height > size[0] + 1:
        return ""
    return (
        " As left, top, width and height it lies inside: write xmin, ymin, xmax and"
        " ymax."
    )


def _text(entry: Any, name: str) -> str | None:
    text = entry.findtext(name)
    return text.strip() if text else None


def _number(where, entry, name):
    text = _text(entry, name)
    try:
        return float(text or "")
    except ValueError as error:
        raise BadExample(
            f"wrong {name.partition('/')[2]}",
            f"{where}: <{name}> is {text!r}; expected a number of pixels.",
        ) from error
