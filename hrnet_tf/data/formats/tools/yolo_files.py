"""Where YOLO's data sets have their pictures and labels."""

import math
import os
from pathlib import Path
from typing import Any

import msgspec

from hrnet_tf.data.bad_examples import BadExample
from hrnet_tf.data.formats.checked_json import decode
from hrnet_tf.data.formats.image_finder import ImageFinder
from hrnet_tf.data.formats.label_folder import IMAGE_SUFFIXES
from hrnet_tf.data.formats.tools.marks import content_of, files_of

CLASSES = "classes.txt"
# Rounding may put a point a little outside; what is further out is no share of a side.
_SLACK = 0.01


class DataFile(msgspec.Struct):
    """A data.yaml.

    Attributes:
        path: the folder that the others are relative to; often another machine's.
        train, val, valid, test: folders or lists of pictures.
        names: of classes, by number.
        kpt_shape: number of keypoints, and of numbers for each.
        flip_idx: for each keypoint the one that it becomes in a mirrored picture.
        kpt_names: of keypoints, for each class or for all.
        node_names: of keypoints, as sleap-io writes them.
    """

    path: str | None = None
    train: str | list[str] | None = None
    val: str | list[str] | None = None
    valid: str | list[str] | None = None
    test: str | list[str] | None = None
    names: dict[int | str, str | int] | list[str | int] | None = None
    kpt_shape: list[int] | None = None
    flip_idx: list[int] | None = None
    kpt_names: dict[int | str, list[str]] | list[str] | None = None
    node_names: list[str] | None = None


def data_file(path: Path) -> Path | None:
    """Returns the data.yaml (or classes.txt) that a path names; None if none."""
    if path.suffix.lower() in (".yaml", ".yml") and path.is_file():
        return path
    for file in files_of(path, "data.yaml", "*.yaml", "*.yml", CLASSES, limit=20):
        if file.name == CLASSES or b"names" in content_of(file, ".yaml", ".yml"):
            return file
    return None


def read_data_file(path: Path) -> DataFile:
    """Reads a data.yaml, or the names of a classes.txt.

    Raises:
        ValueError: naming the field, if it is of another form.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read as text: {error}.") from error
    if path.name == CLASSES:
        names: Any = [line.strip() for line in text.splitlines() if line.strip()]
        return DataFile(names=names)
    import yaml

    try:
        content = yaml.safe_load(text)
    # Whatever is wrong with the text: PyYAML has errors of many kinds.
    except (yaml.YAMLError, ValueError, RecursionError, TypeError, KeyError) as error:
        raise ValueError(f"{path} is no valid yaml: {error}.") from error
    return decode(content, DataFile, str(path))


def class_names(path: Path, data: DataFile) -> list:
    """Returns the names of the classes (list of str), by their number.

    Raises:
        ValueError: if they are not numbered from 0.
    """
    names: Any = data.names or []
    if isinstance(names, dict):
        try:
            numbered = {int(number): str(name) for number, name in names.items()}
        except ValueError:
            numbered = {}
        if sorted(numbered) != list(range(len(names))):
            raise ValueError(
                f"{path}: names is {names!r:.120}; expected a name for each class, with"
                " the numbers 0, 1, 2 and so on."
            )
        names = [numbered[number] for number in range(len(numbered))]
    return [str(name) for name in names]


def pictures_of(path: Path, data: DataFile, images: Path | None) -> dict:
    """Returns the split of each picture, or None.

    Args:
        path, data, images: see `splits_of`.
    Returns:
        dict of `Path` to "train", "val", "test" or None, in the order of the files; a
        picture of several is of the first.
    Raises:
        ValueError: see `splits_of`.
    """
    pictures: dict = {}
    for split, found in splits_of(path, data, images).items():
        for picture in found:
            pictures.setdefault(picture, split)
    return pictures


def splits_of(path: Path, data: DataFile, images: Path | None) -> dict:
    """Returns the pictures of each split, some of which may be in several.

    Args:
        path: `Path` of the data.yaml.
        data: `DataFile`.
        images: `Path` of the data set's folder, where `path` does not tell; or None.
    Returns:
        dict of "train", "val" and "test", or of None, to list of `Path`, in the order
        of the files.
    Raises:
        ValueError: if a folder or list is absent, or there is no picture.
    """
    root = _root(path, data, images)
    splits: dict = {
        "train": data.train,
        "val": data.val if data.val is not None else data.valid,
        "test": data.test,
    }
    if not any(splits.values()):
        # Some tools write the names alone.
        splits = {None: "images" if (root / "images").is_dir() else "."}
    pictures: dict = {}
    for split, entries in splits.items():
        pictures[split] = []
        for entry in [entries] if isinstance(entries, str) else entries or ():
            if not entry.strip():
                continue
            found = _located(path, root, entry)
            if found is None and split == "test":
                # Roboflow writes test: ../test/images where there is no such split.
                continue
            if found is None:
                raise ValueError(
                    f"{path}: {split} is {entry!r}, which is neither a folder nor a"
                    f" list of pictures, in {root} or beside the file. Pass the"
                    " data set's folder as `images`."
                )
            pictures[split] += _pictures(found, root)
    if not any(pictures.values()):
        raise ValueError(f"{path} names no pictures: neither train nor val holds any.")
    return pictures


def label_file(picture: Path) -> Path:
    """Returns the `Path` of a picture's labels, which may be absent.

    It is beside the picture, or in "labels" where that is in "images".
    """
    parts = list(picture.with_suffix(".txt").parts)
    for place in range(len(parts) - 2, -1, -1):
        if parts[place] == "images":
            beside = Path(*parts[:place], "labels", *parts[place + 1 :])
            if beside.is_file() or not picture.with_suffix(".txt").is_file():
                return beside
            break
    return picture.with_suffix(".txt")


def label_rows(picture: Path, num_classes: int) -> list[tuple[str, list[float]]]:
    """Returns the lines of a picture's labels: where each is, and its numbers.

    Args:
        picture: `Path` of the image.
        num_classes: int.
    Raises:
        BadExample: if a line holds anything but numbers, or another class.
    """
    path = label_file(picture)
    if not path.is_file():
        return []
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadExample("unreadable labels", f"{path} is no text: {error}.") from error
    rows = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            row = [float(word) for word in line.split()]
        except ValueError:
            row = [math.nan]
        if not all(map(math.isfinite, row)):
            raise BadExample(
                "wrong label", f"{where}: expected numbers. Received: {line!r:.80}."
            )
        if row[0] not in range(num_classes):
            raise BadExample(
                "unknown class",
                f"{where}: the class {row[0]:g} is none of the {num_classes} names"
                " (from 0).",
            )
        rows.append((where, row))
    return rows


def check_shares(where: str, values: list[float]) -> None:
    """Raises `BadExample` unless all values are shares of a picture's sides."""
    if min(values) < -_SLACK or max(values) > 1 + _SLACK:
        worst = max(values, key=abs)
        raise BadExample(
            "no share of a side",
            f"{where} holds {worst:g}; expected shares of the picture's width and"
            " height, from 0 to 1.",
        )


def _root(path, data, images):
    candidates = [images] if images is not None else []
    if data.path:
        candidates += [path.parent / data.path, path.parent / Path(data.path).name]
    return next((c for c in candidates if _exists(c)), path.parent)


def _located(path, root, entry):
    """The folder or list that an entry names; None if there is none."""
    relative = entry.replace("\\", "/").removeprefix("./")
    # Roboflow's begin with ../, as if the file were in a folder below.
    inside = relative
    while inside.startswith("../"):
        inside = inside[3:]
    candidates = [root / relative, path.parent / relative, root / inside]
    candidates += [path.parent / inside, root / "images" / inside]
    return next((c for c in candidates if _exists(c)), None)


def _pictures(place, root):
    if place.is_dir():
        return _in_folder(place)
    if place.suffix.lower() != ".txt":
        return [place]
    try:
        lines = place.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{place} is no list of pictures: {error}.") from error
    finder = ImageFinder(root)
    names = [line.strip() for line in lines if line.strip()]
    beside = [place.parent / name for name in names]
    return [
        path if _exists(path) else finder.find(name)
        for path, name in zip(beside, names, strict=True)
    ]


def _in_folder(folder):
    found = []
    for parent, folders, names in os.walk(folder):
        folders.sort()
        found += [
            Path(parent, name)
            for name in sorted(names)
            if name.lower().endswith(IMAGE_SUFFIXES)
        ]
    return found


def _exists(path):
    try:
        return path.exists()
    except (OSError, ValueError):  # Too long a name, or one with a zero byte.
        return False
