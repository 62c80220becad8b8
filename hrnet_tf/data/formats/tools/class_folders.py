"""Folders of images, one a class, as YOLO's classification and others have them."""

import os
from pathlib import Path

from hrnet_tf.data.formats.image_folder import class_folders, load_folders
from hrnet_tf.data.formats.tools.base import LabelledData, Match, ToolFormat
from hrnet_tf.data.formats.tools.marks import match_of
from hrnet_tf.data.formats.tools.splits import split_of
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.typing import Progress

_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".jfif")
# Folders of other layouts, which hold images too.
_NO_CLASSES = (
    *("images", "img", "ann", "labels", "masks", "annotations", "jpegimages"),
    *("imagesets", "segmentationclass", "segmentationobject", "obj_train_data"),
)


def match(path: Path) -> Match:
    """See `ToolFormat`."""
    folders = _classes(path)
    names = {name for _, name, _ in folders}
    others = sorted(filter(_is_no_class, names))
    return match_of(
        (path.is_dir(), "it is no folder"),
        (len(names) >= 2, "it holds no two folders of images, one for each class"),
        (not others, f"its folder {others[0] if others else ''!r} is no class"),
    )


def read(
    path: Path,
    images: Path | None = None,
    work: Path | None = None,
    task: str | None = None,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> LabelledData:
    """See `ToolFormat`."""
    found = _classes(path)
    if not found:
        raise ValueError(
            f"{path} holds no folders of images. Expected one for each class, such as"
            f" {path / 'cat'}, in it or in its folders train and val."
        )
    parents = {folder.parent: split for folder, _, split in found}
    # The classes are those that are learned.
    first = next((p for p, split in parents.items() if split == "train"), None)
    names = class_folders(first or next(iter(parents)))
    examples: list = []
    splits: dict = {}
    for folder, split in parents.items():
        loaded = load_folders(folder, names, skip_bad, progress)
        examples += loaded
        if split is not None:
            splits.update((example.image_path, split) for example in loaded)
    left_out = LeftOut()
    if first is not None:
        for folder in _folders(path):
            if folder not in parents:
                left_out.add("folders beside those of the splits", folder.name)
    return LabelledData(
        task="classification",
        format="class_folders",
        source=path,
        examples=examples,
        names=names,
        splits=splits,
        left_out=left_out,
    )


def may_be_classes(path: Path) -> bool:
    """Whether the folders of images in a folder may be classes, if it is said so.

    Args:
        path: `Path` of a folder.
    Returns:
        False where they all are called as other layouts call theirs, such as images.
    """
    names = {name for _, name, _ in _classes(path)}
    return not names or not all(map(_is_no_class, names))


def _is_no_class(name):
    return name.casefold() in _NO_CLASSES


def _classes(path):
    """The folder, the class and the split of each folder of images."""
    found = []
    for folder in _folders(path):
        split = split_of(folder.name)
        if split is None:
            if _holds_images(folder):
                found.append((folder, folder.name, None))
            continue
        for inner in _folders(folder):
            if _holds_images(inner):
                found.append((inner, inner.name, split))
    # Beside the folders of splits others are none of classes.
    if any(split for _, _, split in found):
        found = [entry for entry in found if entry[2]]
    return found


def _folders(path):
    try:
        with os.scandir(path) as entries:
            names = sorted(
                e.name for e in entries if e.is_dir() and not e.name.startswith(".")
            )
    except (OSError, ValueError):
        return []
    return [path / name for name in names]


def _holds_images(folder):
    try:
        with os.scandir(folder) as entries:
            return any(e.name.lower().endswith(_SUFFIXES) for e in entries)
    except OSError:
        return False


FORMAT = ToolFormat(
    "class_folders", "folders of images by class", ("classification",), match, read
)
