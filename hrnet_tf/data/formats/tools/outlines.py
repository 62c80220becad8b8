"""Outlines of drawn shapes, and masks that lie somewhere in a picture."""

import base64
import binascii
import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from hrnet_tf.data.bad_examples import BadExample
from hrnet_tf.data.formats.checks import FARTHEST
from hrnet_tf.io import open_image

# Corners of what stands for a circle: on one of 200 px they are 0.06 px off.
_CORNERS = 128
_LARGEST_MASK = 1 << 28


def points_of(where: str, points: Any, least: int) -> np.ndarray:
    """Returns corners as an array.

    Args:
        where: str. What they belong to, for the message.
        points: list of pairs of numbers.
        least: int. How many are needed.
    Returns:
        float64 array `[N, 2]`, px.
    Raises:
        BadExample: for fewer points, or anything but finite numbers.
    """
    try:
        array = np.asarray(points, np.float64)
    except (TypeError, ValueError):
        array = np.zeros(0)
    right = array.ndim == 2 and array.shape[1:] == (2,) and len(array) >= least
    if not right or not (np.abs(array) < FARTHEST).all():
        raise BadExample(
            "wrong points",
            f"{where} is at {points!r:.80}; expected {least} or more pairs of finite"
            " x and y.",
        )
    return array


def rectangle(corners: np.ndarray) -> np.ndarray:
    """Returns the corners `[4, 2]` of a rectangle of two opposite ones."""
    (x1, y1), (x2, y2) = corners.min(0), corners.max(0)
    return np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)])


def ellipse(
    center: Any, radius_x: float, radius_y: float, turn: float = 0.0
) -> np.ndarray:
    """Returns corners `[N, 2]` of an ellipse, px, turned by an angle in radians."""
    angles = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    x, y = radius_x * np.cos(angles), radius_y * np.sin(angles)
    turned = (
        x * np.cos(turn) - y * np.sin(turn),
        x * np.sin(turn) + y * np.cos(turn),
    )
    return np.stack(turned, -1) + np.asarray(center)


def placed(mask: np.ndarray, left: float, top: float) -> Callable:
    """Makes `Region.mask` of a mask that lies somewhere in the picture.

    Args:
        mask: bool `[h, w]`.
        left, top: the column and row of its first pixel.
    """
    left, top = round(left), round(top)

    def whole(size):
        canvas = np.zeros(size, bool)
        rows = slice(max(top, 0), max(min(top + mask.shape[0], size[0]), 0))
        columns = slice(max(left, 0), max(min(left + mask.shape[1], size[1]), 0))
        piece = mask[
            rows.start - top : max(rows.stop - top, 0),
            columns.start - left : max(columns.stop - left, 0),
        ]
        if piece.size and canvas[rows, columns].shape == piece.shape:
            canvas[rows, columns] = piece
        return canvas

    return whole


def mask_of_text(where: str, text: str, packed: bool = False) -> np.ndarray:
    """Decodes a mask that is a PNG in base64, bool `[h, w]`.

    Args:
        where: str. What it belongs to, for the message.
        text: str.
        packed: bool. Whether the PNG was packed by zlib once more.
    Raises:
        BadExample: if it is none.
    """
    try:
        content = base64.b64decode(text)
        if packed:
            content = zlib.decompressobj().decompress(content, _LARGEST_MASK)
        with open_image(io.BytesIO(content), formats=("PNG",)) as image:
            pixels = np.asarray(image)
    except (
        *(OSError, SyntaxError, ValueError, struct.error, binascii.Error),
        *(zlib.error, EOFError, MemoryError),
    ) as error:
        raise BadExample(
            "wrong mask", f"{where}: its mask is no PNG in base64: {error}."
        ) from error
    return np.asarray(pixels.reshape(*pixels.shape[:2], -1).any(-1))
