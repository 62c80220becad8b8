"""Left and right in names: which two change places in a mirrored image."""

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hrnet_tf.data.keypoint_sets import KeypointSet

_OTHER = {"left": "right", "right": "left", "l": "r", "r": "l"}
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+")
# "lefteye", as names are written in one word.
_JOINED = re.compile(r"(?i)^(left|right)(?=[a-z])")
_NUM_SHOWN = 6


def guess_pairs(names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Finds pairs of names that differ in left and right alone.

    The side is a word of the name, "left" or "right", or its first or last word "l" or
    "r": left_eye, EyeRight, L_Eye, eye-r, lefteye.

    Args:
        names: str, different ones.
    Returns:
        Pairs (left, right), in the order of the names.
    """
    known = set(names)
    pairs = []
    for name in names:
        side, other = _mirrored(name)
        if side == "left" and other in known:
            pairs.append((name, other))
    return tuple(pairs)


def one_sided(names: Sequence[str], pairs: Iterable[Iterable[Any]]) -> tuple[str, ...]:
    """Returns the names that tell a side but are in no pair.

    Args:
        names: str.
        pairs: pairs of names.
    """
    paired = {name for pair in pairs for name in pair}
    alone = [name for name in names if name not in paired]
    # Words such as "righteous" begin like a side.
    return tuple(
        name
        for name in alone
        if _mirrored(name, joined=False)[0] or _mirrored(name)[1] in names
    )


def tells_sides(keypoint_set: "KeypointSet") -> bool:
    """Whether a set tells which keypoints change places in a mirrored image.

    It has pairs, and no name of a side is in none. Without, a network has not learnt on
    mirrored images, and tests do not mirror either.

    Args:
        keypoint_set: `KeypointSet`.
    """
    pairs = keypoint_set.flip_pairs
    return bool(pairs) and not one_sided(keypoint_set.names, pairs)


def listed(names: Sequence[str], most: int = _NUM_SHOWN) -> str:
    """Returns names as a text, cut where there are many."""
    shown = ", ".join(names[:most])
    hidden = len(names) - most
    return f"{shown} and {hidden} more" if hidden > 0 else shown


def _mirrored(name, joined=True):
    """The side that a name tells ("left", "right" or None), and the other's name."""
    words = list(_WORD.finditer(name))
    for position, word in enumerate(words):
        side = word[0].lower()
        at_the_end = position in (0, len(words) - 1)
        if side in _OTHER and (len(side) > 1 or at_the_end) and len(words) > 1:
            return _replaced(name, word.start(), word.end())
    start = _JOINED.match(name)
    if joined and start:
        return _replaced(name, *start.span())
    if name.lower() in ("left", "right"):
        return _replaced(name, 0, len(name))
    return None, None


def _replaced(name, start, end):
    word = name[start:end]
    other = _OTHER[word.lower()]
    if word.isupper():
        other = other.upper()
    elif word[0].isupper():
        other = other.capitalize()
    side = "left" if word.lower().startswith("l") else "right"
    return side, name[:start] + other + name[end:]
