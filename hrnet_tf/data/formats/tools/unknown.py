"""What is said of files and folders that are of no known format."""

import os
from collections.abc import Sequence
from pathlib import Path

from hrnet_tf.data.formats.tools.base import ToolFormat
from hrnet_tf.io import read_json
from hrnet_tf.words import counted

_PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".jfif")
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")
# What tools write annotations into.
_LABELS = (".json", ".xml", ".csv", ".yaml", ".yml", ".h5", ".slp", ".txt", ".ndjson")
# Of large folders so many entries are looked at, and so many files read.
_MOST, _MOST_READ = 10_000, 20


def unknown_text(path: Path, formats: Sequence[ToolFormat]) -> str:
    """Returns what to say of a path that none of the formats fits.

    Args:
        path: `Path` of a file or folder.
        formats: of `ToolFormat`, those that would have been of use.
    Returns:
        str: what is there, the known formats, the first difference to the nearest one,
        and what to do.
    """
    known = f"Known are: {', '.join(known.name for known in formats)}."
    if not path.is_dir():
        if path.suffix.lower() in _ARCHIVES:
            return (
                f"{path} is an archive. Unpack it, and pass the folder that comes out,"
                " or the annotation file in it."
            )
        return (
            f"{path} is of no known format; {_nearest(path, formats)}. {known} Name the"
            f" format, or export the annotations{_better(formats)}."
        )
    files, hidden = _files(path)
    if not files:
        found = "but hidden files" if hidden else "at all: it is empty"
        return (
            f"The folder {path} holds nothing {found}. Check the path, or copy the"
            " pictures and their labels there."
        )
    labels = _labels(files)
    archives = [file for file in files if file.suffix.lower() in _ARCHIVES]
    if archives and not labels:
        return (
            f"The folder {path} holds no labels, but the archive"
            f" {archives[0].relative_to(path)}. Unpack it first."
        )
    if not labels:
        return f"{_unlabelled(path, files, formats)} {known}"
    fits = _fitting(labels, formats)
    if fits is not None:
        return (
            f"The folder {path} is of no known layout, but its file {fits[0]} is read"
            f" as {fits[1].name}: pass that one, and the pictures as `images`. {known}"
        )
    # Large files are rather the annotations than notes beside them.
    file = max(labels[:_MOST], key=lambda f: (f.suffix != ".txt", _size(f)))
    return (
        f"The folder {path} is of no known layout. Its file"
        f" {file.relative_to(path)} is of no known format; {_nearest(file, formats)}."
        f" {known} Name the file or folder that the tool exported, or export the"
        f" annotations{_better(formats)}."
    )


def label_files(folder: Path) -> list[Path]:
    """Returns the files in a folder and below that tools may have written."""
    return _labels(_files(folder)[0])


def _labels(files):
    return [file for file in files if file.suffix.lower() in _LABELS]


def _nearest(path, formats):
    if path.suffix.lower() == ".json":
        try:
            read_json(path)
        except (ValueError, OSError) as error:
            return f"it is damaged: {str(error).rstrip('.')}"
    matches = [(known.match(path), known) for known in formats]
    match, nearest = max(matches, key=lambda pair: pair[0].share)
    if match.share == 0:
        return "none fits at all"
    return f"the nearest is {nearest.name}, but {match.difference}"


def _better(formats):
    names = [known.name for known in formats]
    return " as COCO json" if "coco" in names else " in one of these"


def _files(folder):
    """The files in a folder and below that are not hidden, and whether others are."""
    found, hidden, seen = [], False, 0
    for parent, folders, names in os.walk(folder):
        hidden |= any(name.startswith(".") for name in (*folders, *names))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(parent, n) for n in sorted(names) if not n.startswith(".")]
        seen += len(names)
        if seen > _MOST:
            break
    return found, hidden


def _unlabelled(path, files, formats):
    pictures = [file for file in files if file.suffix.lower() in _PICTURES]
    if not pictures:
        name = files[0].relative_to(path)
        return (
            f"The folder {path} holds neither pictures nor files of annotations, but"
            f" {counted(len(files), 'files')} such as {name}."
        )
    if any(known.name == "class_folders" for known in formats) and len(formats) < 8:
        return (
            f"The folder {path} holds {counted(len(pictures), 'pictures')}, but no two"
            f" folders of them, one for each class, such as {path / 'cat'}."
        )
    return (
        f"The folder {path} holds {counted(len(pictures), 'pictures')} and no labels."
        " Name the file or folder of the annotations, and this folder as `images`."
    )


def _fitting(files, formats):
    """A file that is of a format by itself, and the format; or None."""
    for file in sorted(files, key=lambda file: -_size(file))[:_MOST_READ]:
        for known in formats:
            if known.match(file).share == 1:
                return file, known
    return None


def _size(file):
    try:
        return file.stat().st_size
    except OSError:
        return 0
