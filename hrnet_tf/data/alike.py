"""Pictures that look the same although their files differ."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hrnet_tf.data.findings import Finding

# Cells a side. A cell of a usual picture is smaller than what is labelled in it.
_SIDE = 32
# Grey levels: what storing a picture anew or at another size changes in a cell.
_MOST = 14
# A picture without contrast looks like any other one.
_CONTRAST = 4.0
# Of the 64 bits of a hash; a coarse look that leaves few pairs for the close one.
_BITS = 8
_COUNTS = np.array([bin(i).count("1") for i in range(1 << 16)], np.uint8)


def thumbnail(image: Any) -> np.ndarray:
    """Returns a picture in 32x32 grey cells, uint8 `[32, 32]`.

    Args:
        image: PIL image.
    """
    from PIL import Image

    small = image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    return np.asarray(small)


def check_alike(
    splits: Mapping[str, Sequence[str]], thumbnails: Mapping[str, np.ndarray]
) -> list[Finding]:
    """Looks for validation pictures that look like training pictures.

    Files of the same content are not told: `copies` finds them.

    Args:
        splits: dict of "train", "val" and others to the paths of their pictures.
        thumbnails: dict of path to `thumbnail`; pictures without one are left out.
    Returns:
        List of `Finding`.
    """
    train, val = (
        [p for p in dict.fromkeys(splits.get(name, ())) if p in thumbnails]
        for name in ("train", "val")
    )
    pairs = [
        (val[i], train[j])
        for i, j in _pairs(*(_joined(part, thumbnails) for part in (val, train)))
        if val[i] != train[j] and not _is_copy(val[i], train[j])
    ]
    if not pairs:
        return []
    first, other = pairs[0]
    is_one = len(pairs) == 1
    return [
        Finding(
            "warning",
            f"{len(pairs)} of {len(val)} validation pictures"
            f" {'looks' if is_one else 'look'} the same as"
            f" {'one' if is_one else 'ones'} in training, such as {first} and {other}:"
            " the score is better than it will be on other pictures.",
            "Put what was stored twice, and frames that follow each other, into one of"
            " the two.",
        )
    ]


def _joined(paths, thumbnails):
    """Thumbnails `[N, cells]` without their brightness; NaN for those of no contrast.

    Also their hashes, uint64 `[N]`.
    """
    cells = np.array([thumbnails[path] for path in paths], np.float32)
    cells = cells.reshape(-1, _SIDE, _SIDE)
    coarse = cells.reshape(-1, 8, _SIDE // 8, 8, _SIDE // 8).mean((2, 4))
    bits = coarse > np.roll(coarse, 1, axis=2)
    hashes = np.packbits(bits.reshape(-1, 64), axis=1).view(np.uint64)[:, 0]
    cells = cells.reshape(-1, _SIDE * _SIDE)
    flat = cells.std(1) < _CONTRAST
    cells = cells - cells.mean(1, keepdims=True)
    cells[flat] = np.nan
    return cells, hashes


def _pairs(these, others):
    """Yields each place among these with the first of the others that looks alike."""
    cells, hashes = these
    other_cells, other_hashes = others
    for i in np.flatnonzero(np.isfinite(cells[:, :1]).any(1)):
        difference = (other_hashes ^ hashes[i]).view(np.uint16).reshape(-1, 4)
        close = np.flatnonzero(_COUNTS[difference].sum(1) <= _BITS)
        # NaN is not below anything.
        worst = np.abs(other_cells[close] - cells[i]).max(1, initial=0.0)
        found = close[worst <= _MOST]
        if len(found):
            yield int(i), int(found[0])


def _is_copy(path, other):
    first, second = Path(path), Path(other)
    same_size = first.stat().st_size == second.stat().st_size
    return same_size and first.read_bytes() == second.read_bytes()
