"""Images that are too large to be run whole, in overlapping tiles."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np

from hrnet_tf.typing import Progress

# What a cell of the coarsest stream covers, px. Tiles that start elsewhere would see
# the image through other cells than the whole image does.
_CELL = 32
TILE = 1024


def tile_spans(length: int, tile: int, margin: int) -> list[tuple[int, int, int, int]]:
    """Returns the tiles along one side.

    Args:
        length: int, px.
        tile: int, px.
        margin: int, px. What a tile shares with its neighbour and leaves to it.
    Returns:
        list of (start, stop, first, last): what is run, and what of it is kept.
    """
    step = tile - 2 * margin
    # One more tile than steps that are needed to reach the end.
    last = max(-(-(length - tile) // step), 0)
    spans = []
    for i in range(last + 1):
        start = i * step
        stop = min(start + tile, length)
        first = start + margin if i else 0
        spans.append((start, stop, first, stop - margin if i < last else length))
    return spans


def checked_tile(
    tile: int | tuple[int, int], margin: int | None = None
) -> tuple[tuple[int, int], int]:
    """Returns (height, width) and margin of the tiles.

    Args:
        tile: int or (height, width), px.
        margin: int, px, or None for an eighth of the shorter side, at least 32.
    Raises:
        ValueError: if they are no positive multiples of 32, or the margins leave
            nothing of a tile.
    """
    size: Any = (tile, tile) if isinstance(tile, int) else tuple(tile)
    given, chosen = margin, cast(Any, margin)
    if margin is None and all(isinstance(side, int) for side in size):
        chosen = max(min(size) // 8 // _CELL * _CELL, _CELL)
    if (
        len(size) != 2
        or any(not isinstance(side, int) for side in (*size, chosen))
        or any(side % _CELL or side <= 2 * chosen for side in size)
        or chosen % _CELL
        or chosen < 0
    ):
        raise ValueError(
            f"Tiles need sides and a margin that are multiples of {_CELL}, the sides"
            f" more than twice the margin. Received: tile={tile}, margin={given}."
            f" Pass for instance tile={TILE}, margin=128."
        )
    return size, chosen


def run_tiles(
    run: Callable[..., Any],
    image: np.ndarray,
    tile: int | tuple[int, int] = TILE,
    margin: int | None = None,
    progress: Progress | None = None,
) -> tuple[np.ndarray, ...]:
    """Runs an image in tiles, of which the inner parts are put together.

    Of a tile everything within `margin` of its neighbours is left to these, so that the
    result is the whole image's wherever the network does not look further than that
    (sides of the image that are no multiples of 4 differ by how the last cells are
    enlarged). The memory needed is that of a tile and of the result.

    Args:
        run: function from an image uint8 `[h, w, 3]` to a tuple of arrays `[h, w]`.
        image: uint8 array `[H, W, 3]`.
        tile: int or (height, width), px, multiples of 32.
        margin: int, px, multiple of 32; or None for an eighth of the tile.
        progress: callable (done, total) or None.
    Returns:
        A tuple of arrays `[H, W]`.
    Raises:
        ValueError: see `checked_tile`.
    """
    size, margin = checked_tile(tile, margin)
    rows, columns = (
        tile_spans(length, side, margin)
        for length, side in zip(image.shape[:2], size, strict=True)
    )
    results: tuple[np.ndarray, ...] = ()
    done = 0
    for top, bottom, first_row, last_row in rows:
        for left, right, first, last in columns:
            found = run(image[top:bottom, left:right])
            if not results:
                results = tuple(np.zeros(image.shape[:2], part.dtype) for part in found)
            for result, part in zip(results, found, strict=True):
                result[first_row:last_row, first:last] = part[
                    first_row - top : last_row - top, first - left : last - left
                ]
            done += 1
            if progress is not None:
                progress(done, len(rows) * len(columns))
    return results
