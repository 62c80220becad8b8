"""Pictures that are there twice, by the content of their files."""

import collections
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence

from hrnet_tf.data.findings import Finding
from hrnet_tf.data.sides import listed
from hrnet_tf.words import count_text, counted


def copies(paths: Iterable[str]) -> list[tuple[str, ...]]:
    """Finds files of the same content.

    Only files of the same length are read.

    Args:
        paths: str. Those that do not exist are left out.
    Returns:
        Groups of two or more paths, in the order of the paths.
    """
    by_length = collections.defaultdict(list)
    for path in dict.fromkeys(map(str, paths)):
        try:
            by_length[os.stat(path).st_size].append(path)
        except OSError:
            continue
    groups = []
    for same in by_length.values():
        if len(same) < 2:
            continue
        by_content = collections.defaultdict(list)
        for path in same:
            with open(path, "rb") as file:
                by_content[hashlib.blake2b(file.read()).digest()].append(path)
        groups += [tuple(group) for group in by_content.values() if len(group) > 1]
    return groups


def check_splits(
    splits: Mapping[str, Sequence[str]], same: str = "warning", most: int | None = None
) -> list[Finding]:
    """Checks that training and validation have pictures, and no common ones.

    Args:
        splits: dict of "train", "val" and others to the paths of their pictures.
        same: level of the finding that both are the same pictures.
        most: int or None. Copies under other names are looked for among up to so many
            pictures.
    Returns:
        List of `Finding`.
    """
    found = []
    for name in ("train", "val"):
        if name in splits and not splits[name]:
            found.append(
                Finding(
                    "error",
                    f"There are no usable pictures in {name}.",
                    "Put labelled pictures there, or leave it out of the description"
                    " of the data, so that a part of the others is taken.",
                )
            )
    if any(finding.level == "error" for finding in found):
        return found
    train, val = (dict.fromkeys(map(os.path.abspath, splits.get(n, ()))) for n in _TWO)
    if not train or not val:
        return found
    if set(train) == set(val):
        found.append(
            Finding(
                same,
                f"Training and validation are the same"
                f" {counted(len(train), 'pictures')}: the"
                " score would say how well they are remembered, and nothing of others.",
                "Give other pictures for val, or leave val out, so that a part of the"
                " training pictures is taken.",
            )
        )
        return found
    every = [*train, *(path for path in val if path not in train)]
    groups = copies(every) if most is None or len(every) <= most else []
    return [*found, *_repeated(train, val, groups)]


_TWO = ("train", "val")
_COPIES = ("picture is a copy of another", "pictures are copies of others")


def _is_in_both(group, train, val):
    return any(path in train for path in group) and any(path in val for path in group)


def _repeated(train, val, groups):
    """Pictures of both parts, and those that one part has twice."""
    found = []
    common = [path for path in val if path in train]
    repeated = [group for group in groups if _is_in_both(group, train, val)]
    number = len(common) + len(repeated)
    if number:
        example = common[0] if common else " and ".join(repeated[0][:2])
        found.append(
            Finding(
                "warning",
                f"{number} of {counted(len(val), 'validation pictures')}"
                f" {'is' if number == 1 else 'are'} in training, too, such as"
                f" {example}: the score is better than it will be on other pictures.",
                "Remove what is in both from one of the two.",
            )
        )
    within = [group for group in groups if group not in repeated]
    if within:
        extra = sum(len(group) - 1 for group in within)
        found.append(
            Finding(
                "note",
                f"{count_text(extra, *_COPIES)} of the same part, such as"
                f" {listed(within[0], 2)}.",
                "Copies count twice; remove them unless that is meant.",
            )
        )
    return found
