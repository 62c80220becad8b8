"""A part of the training data put aside for validation, the same one each time."""

import collections
import dataclasses
import hashlib
import os
import re
from pathlib import Path
from typing import Any

from hrnet_tf.data.copies import copies
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.io import read_json, write_json
from hrnet_tf.own.reading import UserData, by_names
from hrnet_tf.typing import PathLike
from hrnet_tf.words import counted

SPLIT_FILE = "split.json"
# Of many pictures a smaller part is enough.
_SHARES = ((1000, 0.2), (20_000, 0.1), (None, 0.05))
_FEWEST_GROUPS = 5
_LARGEST_GROUP = 0.4


def with_validation(
    data: "UserData",
    split_file: PathLike | None = None,
    seed: int = 0,
    overwrite: bool = False,
) -> "tuple[UserData, dict[str, Any] | None]":
    """Puts a part of the training data aside, where the data have no validation.

    Pictures of one video, subject or session stay together where that shows, and so do
    copies of a picture. A file that is there already is followed: pictures that it
    does not name train.

    Args:
        data: `UserData`.
        split_file: path of the json file that holds the division, or None.
        seed: int.
        overwrite: bool. Whether to divide anew what a file of other pictures divides.
    Returns:
        `UserData` with "val", and the content of the file that is to be written; None
        where there is nothing to write.
    Raises:
        ValueError: if there are too few pictures, or the file is of others.
    """
    if "val" in data.splits:
        return data, None
    labelled = data.train
    paths = data.paths("train")
    root = _root(data)
    if split_file is not None and Path(split_file).is_file():
        found = divided_by(data, split_file)
        if found is not None:
            return found, None
        if not overwrite:
            raise ValueError(
                f"{split_file} divides other pictures than those of {data.source}: none"
                " of its validation pictures is among them. Choose another folder, or"
                " pass `overwrite=True` to divide anew."
            )
    if len(paths) < 2:
        raise ValueError(
            f"{data.source} has {counted(len(paths), 'labelled pictures')}, of which"
            " none can be"
            " put aside for validation. Label more, or name others as val."
        )
    groups, by = _groups(labelled, paths, root)
    share = next(s for most, s in _SHARES if most is None or len(paths) <= most)
    chosen = _chosen(groups, max(1, round(share * len(paths))), seed)
    content = {
        "by": by,
        "seed": seed,
        "val": sorted(_name(path, root) for path in chosen),
        "train": sorted(_name(path, root) for path in paths if path not in chosen),
    }
    text = f"{len(chosen)} of {counted(len(paths), 'pictures')} put aside, {by}"
    wanted = dict.fromkeys(chosen, "val")
    return _divided(data, labelled, wanted, text), content


def divided_by(
    data: "UserData", split_file: PathLike, fewest: float = 0.0
) -> "UserData | None":
    """Divides data without a validation part as a file says.

    Args:
        data: `UserData`.
        split_file: path of the file.
        fewest: float. The share of the pictures that the file names at least, if it is
            of them; other sets may have files of the same names.
    Returns:
        `UserData` with "val"; None if the file is of other pictures.
    """
    paths = data.paths("train")
    root = _root(data)
    names = {_name(path, root): path for path in paths}
    content = read_json(split_file)
    if not isinstance(content, dict) or not isinstance(content.get("val"), list):
        return None
    known = {name: "val" for name in content["val"]}
    if not _fits(known, content, names):
        return None
    named = {*known, *content["train"]}
    if len(named.intersection(names)) < fewest * len(names):
        return None
    wanted = {names[name]: "val" for name in known if name in names}
    text = f"{len(wanted)} of {counted(len(paths), 'pictures')}, as in {split_file}"
    return _divided(data, data.train, wanted, text)


def write_split(path: PathLike, content: dict[str, Any]) -> None:
    """Writes what `with_validation` returned, for the next time."""
    write_json(path, content)


def _divided(data, labelled, wanted, text):
    splits = {**data.splits, **by_names(labelled, wanted)}
    # Nobody tells of which of the two it would have been.
    left_out = LeftOut()
    left_out.update(data.left_out)
    left_out.update(labelled.left_out.of(None))
    return dataclasses.replace(data, splits=splits, split_text=text, left_out=left_out)


def _fits(known, content, names):
    found = [name for name in known if name in names]
    rest = [name for name in names if name not in known]
    return bool(found and rest and isinstance(content.get("train"), list))


def _root(data):
    """The folder that all pictures are in."""
    folders = {os.path.dirname(os.path.abspath(p)) for p in data.paths("train")}
    return os.path.commonpath(folders) if folders else os.curdir


def _name(path, root):
    return Path(os.path.relpath(os.path.abspath(path), root)).as_posix()


def _groups(labelled, paths, root):
    """The group of each picture, and in words what the groups are."""
    if labelled.task == "classification" and not labelled.groups:
        # Each class on its own, so that none is left without validation.
        by_class = {e.image_path: e.label for e in labelled.examples}
        return _joined(
            paths, {p: p for p in paths}, by_class
        ), "at random in each class"
    if labelled.groups:
        groups = {path: labelled.groups.get(path, path) for path in paths}
        number = len(set(groups.values()))
        text = f"by the {counted(number, 'videos or subjects of the file')}"
        return _joined(paths, groups), text
    for text, key in (
        ("by the {} groups that file names begin with", _prefix),
        ("by the {} folders of the pictures", os.path.dirname),
    ):
        groups = {path: key(_name(path, root)) for path in paths}
        counts = collections.Counter(groups.values())
        largest = max(counts.values())
        if (
            len(counts) >= _FEWEST_GROUPS
            and largest <= _LARGEST_GROUP * len(paths)
            and len(counts) < len(paths)
        ):
            return _joined(paths, groups), text.format(len(counts))
    return _joined(paths, {path: path for path in paths}), "at random"


def _prefix(name):
    """A file's name without the number at its end."""
    stem = os.path.splitext(name)[0]
    return re.sub(r"[\W_]*(?:frame|img|image)?[\W_]*\d+$", "", stem, flags=re.I)


def _joined(paths, groups, strata=None):
    """Lists of paths that stay together, by what they are drawn from."""
    together = dict(groups)
    for first, *others in copies(paths):
        together.update(dict.fromkeys(others, together[first]))
    found = collections.defaultdict(lambda: collections.defaultdict(list))
    for path in paths:
        found[strata[path] if strata else None][together[path]].append(path)
    return found


def _chosen(strata, count, seed):
    """The paths that are put aside: of each stratum its share of whole groups."""
    total = sum(len(g) for groups in strata.values() for g in groups.values())
    chosen = set()
    for groups in strata.values():
        size = sum(map(len, groups.values()))
        wanted = max(1, round(count * size / total))
        taken = 0
        order = sorted(groups, key=lambda name: _draw(name, seed))
        for name in order:
            members = groups[name]
            last = taken + len(members) >= size
            if taken >= wanted or last or taken + len(members) > 1.5 * wanted + 1:
                continue
            chosen.update(members)
            taken += len(members)
    if not chosen:
        smallest = min((g for s in strata.values() for g in s.values()), key=len)
        chosen.update(smallest if len(smallest) < total else smallest[:1])
    return chosen


def _draw(name, seed):
    return hashlib.sha256(f"{seed}/{os.path.basename(str(name))}".encode()).hexdigest()
