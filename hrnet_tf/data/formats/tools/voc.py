"""PASCAL VOC's xml files of boxes: a folder of them, or one for each split."""

import re
from pathlib import Path

from hrnet_tf.data.formats import voc_objects
from hrnet_tf.data.formats.tools.base import LabelledData, Match, ToolFormat
from hrnet_tf.data.formats.tools.boxes import box_data
from hrnet_tf.data.formats.tools.marks import content_of, files_of, match_of
from hrnet_tf.data.formats.tools.splits import split_of
from hrnet_tf.typing import Progress

_PLACES = ("Annotations/*.xml", "annotations/*.xml", "*.xml")
# CVAT's are called <annotations>.
_BEGIN = re.compile(rb"<annotation[\s>]")


def match(path: Path) -> Match:
    """See `ToolFormat`."""
    file = next(iter(_files(path)), None)
    content = b"" if file is None else content_of(file, ".xml")
    what = "it is a file, and VOC has a folder with one for each picture"
    if path.is_dir():
        what = "it holds no .xml files, and no folder Annotations with them"
    return match_of(
        (bool(content), what),
        (bool(_BEGIN.search(content[:4096])), "its xml does not hold <annotation>"),
        (b"<object" in content or b"<size" in content, "its xml has no <object>"),
    )


def _files(path):
    """A file of a folder, or of one of its splits."""
    found = files_of(path, *_PLACES)
    return found or files_of(path, *(f"*/{place}" for place in _PLACES))


def read(
    path: Path,
    images: Path | None = None,
    work: Path | None = None,
    task: str | None = None,
    skip_bad: bool = False,
    progress: Progress | None = None,
) -> LabelledData:
    """See `ToolFormat`."""
    roots = {None: path} if files_of(path, *_PLACES) else _split_folders(path)
    # One order of the classes for all, whichever of them a split shows.
    objects = voc_objects.object_set_of(*roots.values())
    found = []
    for split, root in roots.items():
        folder = images
        if split is not None and images is not None and (images / root.name).is_dir():
            folder = images / root.name
        parts = voc_objects.read_parts(root, folder, objects, skip_bad, progress)
        found.append((parts[0], parts[1] if split is None else split))
    return box_data("voc", path, found)


def _split_folders(path):
    """The folders of the splits, by the splits' names; or the path alone."""
    found = {}
    for child in sorted(path.iterdir()) if path.is_dir() else ():
        split = split_of(child.name)
        if split is not None and files_of(child, *_PLACES):
            found.setdefault(split, child)
    return found or {None: path}


FORMAT = ToolFormat(
    name="voc",
    title="PASCAL VOC's xml",
    tasks=("detection",),
    match=match,
    read=read,
)
