"""The layouts of folders that data lie in."""

import dataclasses
import functools
import re
from collections.abc import Callable
from pathlib import Path

# Names of official files; other words behind the part are of subsets.
_OFFICIAL = re.compile(r"(face_landmarks_\w+?_|COFW_)?(?P<split>[a-z]+)(_color)?")
# What people call the parts, and what they are called here.
SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
_IMAGE_FOLDERS = ("images", "imgs", "JPEGImages")
_MASK_FOLDERS = ("masks", "labels", "annotations", "annot", "SegmentationClass")
# What names of json files tell of their kind.
_WORDS = {
    "pose": ("keypoint", "landmark", "pose"),
    "detection": ("instance", "object", "box", "detection"),
}
_STEM = re.compile(r"(?i)(?P<prefix>.*?)[_.-]?(?P<split>[a-z]+)(?P<year>\d{4})?")


@dataclasses.dataclass(frozen=True)
class Part:
    """Where the labels and the pictures of a part lie.

    Attributes:
        labels: Path of an annotation file, or of a folder.
        images: Path of the folder of the pictures, or None where the labels tell.
        format: str or None. How to read it, see `own.reading`; None is found out.
        more: tuple of `Part`, further files of the same part.
    """

    labels: Path
    images: Path | None = None
    format: str | None = None
    more: "tuple[Part, ...]" = ()


def _split_folders(folder):
    """The folders of splits in a folder, by the name of the split."""
    found = {}
    if not folder.is_dir():
        return found
    for child in sorted(folder.iterdir()):
        name = re.sub(r"\d{4}$", "", child.name.lower())
        if child.is_dir() and name in SPLITS:
            found.setdefault(SPLITS[name], child)
    return found


def _json_parts(folder, kind="pose"):
    """Json files of splits, and the folders of their pictures."""
    words = _WORDS[kind]
    for split, child in _split_folders(folder).items():
        files = sorted(child.glob("*.json"))
        if split == "train" and len(files) == 1:
            folders = _split_folders(folder)
            found = {
                name: Part(next(iter(sorted(other.glob("*.json")))), other)
                for name, other in folders.items()
                if len(list(other.glob("*.json"))) == 1
            }
            return found
    if kind == "pose" and (official := _official_parts(folder)):
        return official
    for place in (folder / "annotations", folder):
        found = {}
        files = place.glob("*.json")
        for path in sorted(files, key=lambda path: _likeness(path, words)):
            match = _STEM.fullmatch(path.stem)
            split = SPLITS.get(match["split"].lower()) if match else None
            if split is not None and split not in found:
                found[split] = Part(path, _pictures(folder, match))
        if "train" in found:
            return found
        if alone := _json_alone(folder, place):
            return alone
    return {}


def _official_parts(folder):
    """Files as MPII and the data sets of faces publish them; {} if there are none."""
    places = ("annot/*.json", "face_landmarks_*.csv", "COFW_*.mat")
    for place in places:
        found = {}
        for path in sorted(folder.glob(place)):
            match = _OFFICIAL.fullmatch(path.stem)
            split = SPLITS.get(match["split"]) if match else None
            if split is not None and is_annotations(path):
                images = folder / "images"
                given = images if path.suffix == ".mat" or images.is_dir() else None
                found.setdefault(split, Part(path, given))
        if "train" in found:
            return found
    return {}


def _json_alone(folder, place):
    """The only file of annotations of a place in a folder, with the pictures beside."""
    alone = [path for path in sorted(place.glob("*.json")) if is_annotations(path)]
    if len(alone) != 1:
        return {}
    images = next((folder / n for n in _IMAGE_FOLDERS if _is(folder, n)), None)
    return {"train": Part(alone[0], images)}


def is_annotations(path: Path) -> bool:
    """Returns whether a path is of annotations, and no descriptor or description."""
    from hrnet_tf.data.formats.tools import find_format

    try:
        return bool(find_format(path))
    except ValueError:
        return False


def _likeness(path, words):
    """What files are sorted by: those whose names tell the kind come first."""
    name = path.name.lower()
    return not any(word in name for word in words), name


def _is(folder, name):
    return (folder / name).is_dir()


def _pictures(folder, match):
    """The folder with the pictures of an annotation file."""
    split = match["split"] + (match["year"] or "")
    names = (split, match["split"])
    places = [folder / name for name in names]
    places += [folder / i / name for i in _IMAGE_FOLDERS for name in names]
    places += [folder / i for i in _IMAGE_FOLDERS]
    return next((place for place in places if place.is_dir()), None)


def _mask_parts(folder):
    """Folders of pictures and of label maps."""
    splits = _split_folders(folder)
    found = {
        split: Part(folder / f"{child.name}annot", child, "folder")
        for split, child in splits.items()
        if _is(folder, f"{child.name}annot")
    }
    if found:
        return found
    for images in _IMAGE_FOLDERS:
        for masks in _MASK_FOLDERS:
            inside = _split_folders(folder / images)
            others = _split_folders(folder / masks)
            if "train" in inside and "train" in others:
                return {
                    split: Part(others[split], inside[split], "folder")
                    for split in inside
                    if split in others
                }
            found = {
                split: Part(child / masks, child / images, "folder")
                for split, child in splits.items()
                if _is(child, masks) and _is(child, images)
            }
            if found:
                return found
            if _is(folder, images) and _is(folder, masks):
                if list((folder / masks).glob("*.png")):
                    return {
                        "train": Part(folder / masks, folder / images, "folder"),
                    }
    return _json_alone(folder, folder)


def _class_parts(folder):
    """Folders of classes, in folders of splits or without."""
    from hrnet_tf.data.formats.tools.class_folders import may_be_classes

    splits = _split_folders(folder)
    if "train" in splits:
        return {split: Part(child, child, "folders") for split, child in splits.items()}
    # Else it is an export of a tool, whose file says more.
    if any(child.is_dir() for child in folder.iterdir()) and may_be_classes(folder):
        return {"train": Part(folder, folder, "folders")}
    return _json_alone(folder, folder)


FINDERS: dict[str, Callable[[Path], dict[str, Part]]] = {
    "pose": _json_parts,
    "segmentation": _mask_parts,
    "classification": _class_parts,
    "detection": functools.partial(_json_parts, kind="detection"),
}
