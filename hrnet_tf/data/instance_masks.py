"""Masks of single objects as runs of pixels: compact, and drawn only when needed.

Runs count pixels by columns, outside and inside the object in turn, as COCO's do. The
runs of all objects of an image are packed together, which tf.data unpacks in a graph.

Reference: https://cocodataset.org/#format-data; pycocotools, common/maskApi.c (what the
text of runs means).
"""

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

# Characters of a number, five bits each: more than a picture has pixels.
_MAX_CHARACTERS = 12
# Px to which corners are drawn; what is farther off is no picture's.
FAR = 1e5
# What `pack_runs` makes of no masks.
NO_RUNS = zlib.compress(b"")


def runs_of_text(text: str | bytes) -> np.ndarray:
    """Returns the lengths of runs that COCO's text of them holds.

    Five bits a character, the low ones first; from the fourth on each number is the
    difference to the one before the last.

    Args:
        text: str or bytes.
    Returns:
        int64 array `[R]`.
    Raises:
        ValueError: if a character belongs to no such text, or the text breaks off.
    """
    if isinstance(text, bytes):
        text = text.decode("latin-1")
    bits = np.frombuffer(text.encode("utf-32-le", "replace"), "<u4").astype(np.int64)
    bits -= 48
    wrong = np.flatnonzero((bits < 0) | (bits >= 64))
    if wrong.size:
        raise ValueError(f"its runs hold {text[wrong[0]]!r} at {wrong[0]}")
    ends = np.flatnonzero(bits & 32 == 0)
    if not ends.size or ends[-1] != len(bits) - 1:
        raise ValueError("its runs break off")
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts + 1
    if lengths.max() > _MAX_CHARACTERS:
        raise ValueError(f"its runs hold a number of {lengths.max()} characters")
    places = np.arange(len(bits)) - np.repeat(starts, lengths)
    numbers = np.add.reduceat((bits & 31) << (5 * places), starts)
    numbers -= np.where(bits[ends] & 16, np.int64(1) << (5 * lengths), 0)
    numbers[1::2] = np.cumsum(numbers[1::2])
    numbers[2::2] = np.cumsum(numbers[2::2])
    return numbers


def runs_of_polygons(polygons: Sequence[Any], size: tuple[int, int]) -> np.ndarray:
    """Draws polygons as pycocotools does; returns the runs of their union, int64 `[R]`.

    Args:
        polygons: list of flat lists of x and y in px, three corners or more each, all
            of them finite.
        size: (height, width) of the picture in px.
    """
    from pycocotools import mask

    # The codec walks along the lines: far corners would take it years.
    near = [np.clip(np.asarray(p, np.float64), -FAR, FAR).tolist() for p in polygons]
    runs = mask.frPyObjects(near, *size)
    return runs_of_text(mask.merge(runs)["counts"])


def runs_of_mask(inside: np.ndarray) -> np.ndarray:
    """Returns the runs (int64 `[R]`) of a mask, bool `[H, W]`."""
    flat = np.concatenate([[False], np.asarray(inside, bool).T.ravel()])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    return np.diff(np.concatenate([[0], changes, [flat.size - 1]]))


def mask_of_runs(runs: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns where an object is, bool `[H, W]`.

    Args:
        runs: integer array `[R]`, which sums up to the pixels of the picture.
        size: (height, width) of the picture in px.
    """
    inside = np.arange(len(runs)) % 2 == 1
    return np.repeat(inside, runs).reshape(size[::-1]).T


def coco_runs(runs: np.ndarray, size: tuple[int, int]) -> dict[str, Any]:
    """Returns runs as COCO's files have them: {"size": [H, W], "counts": str}.

    Args:
        runs, size: see `mask_of_runs`.
    """
    from pycocotools import mask

    entry = {"size": list(map(int, size)), "counts": np.asarray(runs).tolist()}
    encoded = mask.frPyObjects(entry, *entry["size"])
    return {"size": entry["size"], "counts": encoded["counts"].decode("ascii")}


def pack_runs(masks: Sequence[np.ndarray | None]) -> tuple[bytes, np.ndarray]:
    """Packs the runs of the `N` objects of an image.

    Args:
        masks: list of integer arrays, or None of an object without a mask.
    Returns:
        bytes, and int32 `[N]`, the number of runs of each object.
    """
    given = [np.asarray(() if m is None else m, np.int32) for m in masks]
    lengths = np.array([len(runs) for runs in given], np.int32)
    content = b"".join(runs.astype("<i4").tobytes() for runs in given)
    return zlib.compress(content), lengths


def unpack_runs(packed: bytes, lengths: np.ndarray) -> list[np.ndarray]:
    """Returns what `pack_runs` packed: a list of int32 arrays, empty without a mask."""
    runs = np.frombuffer(zlib.decompress(packed), "<i4")
    return np.split(runs, np.cumsum(lengths)[:-1]) if len(lengths) else []
