"""Finding image files that annotations name, wherever they were made."""

import os
from collections.abc import Callable
from pathlib import Path

from hrnet_tf.data.bad_examples import BadExample
from hrnet_tf.data.formats.checks import check_folder
from hrnet_tf.typing import PathLike

_NEARBY = (".", "images", "..", "../images", "data", "../data", "img", "JPEGImages")


class ImageFinder:
    """Finds image files under a folder by what annotations call them.

    A name is looked up as it stands; a path of another machine by as many of its last
    parts as are found under the folder; else the file of that name in a sub-folder is
    taken, if there is but one.

    Args:
        folder: path of the folder of images.
    Raises:
        ValueError: if there is no such folder.
    """

    def __init__(self, folder: PathLike) -> None:
        self.folder = check_folder(folder)
        self.num_searched = 0
        self._by_name: dict | None = None
        self._by_renamed: dict | None = None

    def find(self, name: str) -> Path:
        """Returns the path of an image file.

        Args:
            name: str. A path with slashes or backslashes, relative or absolute.
        Raises:
            BadExample: if there is none, or several files of that name.
        """
        parts = _parts(name)
        if not parts:
            raise BadExample(
                "image without name",
                f"The name {name!r} of an image is no file's name.",
            )
        path = self.folder.joinpath(*parts)
        if not name.startswith("/") and _is_file(path):
            return path
        if _is_absolute(name) and _is_file(Path(name)):
            return Path(name)
        for start in range(len(parts)):
            path = self.folder.joinpath(*parts[start:])
            if _is_file(path):
                self.num_searched += 1
                return path
        return self._searched(name, parts)

    def find_renamed(self, name: str, renamed: Callable[[str], str]) -> Path:
        """Returns the path of an image file that another program gave a name.

        Args:
            name: str. The name that it was given, without folders.
            renamed: function of the name of a file here (str) to the one that it has
                there; the same one in each call.
        Raises:
            BadExample: if there is none, or several files would be called so.
        """
        if self._by_renamed is None:
            self._by_renamed = {}
            for own, paths in self._names().items():
                self._by_renamed.setdefault(renamed(own), []).extend(paths)
        return self._only(name, [name], self._by_renamed.get(name, []))

    def _searched(self, name, parts):
        return self._only(name, parts, self._names().get(parts[-1], []))

    def _only(self, name, parts, found):
        """The file of those found that a name means, or an error."""
        # The one that agrees in most of the last folders.
        depths = [_agreement(path.parts, parts) for path in found]
        best = [p for p, d in zip(found, depths, strict=True) if d == max(depths)]
        if len(best) == 1:
            self.num_searched += 1
            return best[0]
        if best:
            raise BadExample(
                "ambiguous image",
                f"{len(best)} files under {self.folder} are called {parts[-1]!r}, such"
                f" as {best[0]} and {best[1]}; the annotations name {name!r}. Pass the"
                " folder that it is relative to as `images`.",
            )
        raise BadExample(
            "absent image",
            f"There is no image {parts[-1]!r} in {self.folder} or below; the"
            f" annotations name {name!r}. Pass the folder of the images as `images`.",
        )

    def _names(self):
        if self._by_name is None:
            self._by_name, seen = {}, set()
            for parent, folders, names in os.walk(self.folder, followlinks=True):
                # Links may lead back to a folder above.
                real = os.path.realpath(parent)
                folders[:] = [] if real in seen else sorted(folders)
                names = [] if real in seen else names
                seen.add(real)
                for name in names:
                    self._by_name.setdefault(name, []).append(Path(parent, name))
        return self._by_name


def folder_of_images(path: Path, names: list) -> Path:
    """Guesses the folder of images beside an annotation file.

    Args:
        path: `Path` of the annotation file.
        names: list of str. What it calls some of its images.
    Returns:
        `Path` of a folder; the file's own where nothing tells.
    """
    splits = [word for word in path.stem.replace(".", "_").split("_") if word]
    nearby = [
        *_NEARBY,
        *splits,
        *(f"{parent}{word}" for word in splits for parent in ("../", "../images/")),
        *(f"images/{word}" for word in splits),
    ]
    for name in names:
        parts = _parts(name)
        for folder in nearby:
            candidate = path.parent / folder
            if parts and _is_file(candidate.joinpath(*parts)):
                return Path(os.path.normpath(candidate))
    return path.parent.parent if path.parent.name == "annotations" else path.parent


def _parts(name):
    parts = name.replace("\\", "/").split("/")
    return [p for p in parts if p not in ("", ".") and not p.endswith(":")]


def _is_file(path):
    try:
        return path.is_file()
    except (OSError, ValueError):  # Too long a name, or one with a zero byte.
        return False


def _is_absolute(name):
    return os.path.isabs(name)


def _agreement(parts, wanted):
    count = 0
    for a, b in zip(reversed(parts), reversed(wanted), strict=False):
        if a != b:
            break
        count += 1
    return count
