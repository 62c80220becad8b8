"""Which entries of a folder are data, and which are left out."""

import os
from collections.abc import Iterable
from pathlib import Path

from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.typing import PathLike

# What systems put beside pictures: lists of thumbnails, how a folder is shown, and
# what else a file had on another disk. Nobody misses it.
_SYSTEM = ("thumbs.db", "desktop.ini", ".ds_store", "__macosx")
_SYSTEM_START = "._"


def is_data(name: str, left_out: LeftOut) -> bool:
    """Returns whether an entry of a folder may be data: hidden ones are not.

    Args:
        name: str. Its path below the folder. Notebooks keep copies of pictures in
            hidden folders, and copying leaves hidden files behind.
        left_out: `LeftOut`, which counts it if it is hidden and not a system's.
    """
    parts = name.replace(os.sep, "/").split("/")
    if any(p.lower() in _SYSTEM or p.startswith(_SYSTEM_START) for p in parts):
        return False
    if any(part.startswith(".") for part in parts):
        left_out.add("hidden files or folders", name)
        return False
    return True


def chosen_files(
    paths: Iterable[Path], suffixes: tuple[str, ...], left_out: LeftOut
) -> list[Path]:
    """Returns the files of a folder that end as they should, sorted.

    Args:
        paths: iterable of Path, the folder's entries.
        suffixes: tuple of str, in lower case.
        left_out: `LeftOut`, which counts sub-folders and files that end otherwise.
    """
    chosen = []
    for path in sorted(paths):
        if not is_data(path.name, left_out):
            continue
        if path.name.lower().endswith(suffixes):
            chosen.append(path)
        else:
            count_other(path, left_out)
    return chosen


def count_other(path: Path, left_out: LeftOut) -> None:
    """Counts an entry that is not used: a sub-folder, or a file of another ending."""
    if path.is_dir():
        left_out.add("sub-folders, which are not searched", path.name)
    else:
        ending = f"that end in {path.suffix}" if path.suffix else "without an ending"
        left_out.add(f"files {ending}", path.name)


def files_below(folder: PathLike, left_out: LeftOut) -> list[str]:
    """Returns the paths (str) of all files in a folder and below, sorted.

    Args:
        folder: path.
        left_out: `LeftOut`, see `is_data`.
    """
    found = []
    for parent, folders, names in os.walk(folder, followlinks=True):
        # Where is not gone to, nothing is found.
        folders[:] = [name for name in folders if is_data(name, left_out)]
        found += [os.path.join(parent, n) for n in names if is_data(n, left_out)]
    return sorted(found)
