"""Boxes of people that are given with images."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


# Boxes beyond these, in pixels, overflow the float32 arithmetic of cropping.
MIN_BOX_SIDE = 1e-3
MAX_BOX_COORDINATE = 1e6


def checked_boxes(
    boxes: "ArrayLike | None", width: int, height: int, name: str
) -> np.ndarray:
    """Returns boxes of people as an array, after checking them.

    Args:
        boxes: array-like `[N, 4]`: x, y, width, height in pixels; None: one person
            fills the image.
        width, height: int, px. The image's size.
        name: str. What to call the image in errors.
    Returns:
        A float32 array `[N, 4]` of boxes that overlap the image.
    Raises:
        ValueError: naming the box, if one does not.
    """
    if boxes is None:
        boxes = [[0, 0, width, height]]
    try:
        boxes = np.asarray(boxes, np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"boxes of {name} cannot be read as numbers [N, 4]: {error}."
        ) from error
    if boxes.size == 0:
        return np.zeros((0, 4), np.float32)
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(
            f"boxes of {name} must have the shape [N, 4]: x, y, width, height for each"
            f" person. Received the shape {boxes.shape}."
        )
    corners, sides = boxes[:, :2], boxes[:, 2:]
    wrong = {
        "holds a number that is not finite or too large": ~(
            np.abs(boxes) < MAX_BOX_COORDINATE
        ).all(1),
        "has no area": (sides <= 0).any(1) | (sides.max(1) < MIN_BOX_SIDE),
        f"lies outside the image of {width} x {height} pixels": (
            (corners >= [width, height]) | (sides <= -corners)
        ).any(1),
    }
    for reason, rows in wrong.items():
        if rows.any():
            row = int(np.argmax(rows))
            raise ValueError(
                f"Box {row} of {name} {reason}. Received: {boxes[row].tolist()};"
                " expected x, y, width, height in pixels of the image."
            )
    return boxes


def checked_scores(box_scores: "ArrayLike | None", count: int) -> np.ndarray:
    if box_scores is None:
        return np.ones(count, np.float32)
    box_scores = np.asarray(box_scores, np.float32)
    if box_scores.shape != (count,) or not np.isfinite(box_scores).all():
        raise ValueError(
            f"box_scores must be {count} finite numbers, one for each box. Received:"
            f" shape {box_scores.shape}, {box_scores.ravel()[:8].tolist()}."
        )
    return box_scores


def check_known(
    image: np.ndarray,
    name: str,
    boxes: "ArrayLike | None" = None,
    box_scores: "ArrayLike | None" = None,
) -> dict[str, Any]:
    """Returns what is known of the people of an image (uint8 `[H, W, 3]`) as arrays.

    Args:
        image: uint8 array `[H, W, 3]`.
        name: str. What to call the image in errors.
        boxes, box_scores: see `checked_boxes` and `checked_scores`.
    Raises:
        ValueError: if a box or score is wrong.
    """
    height, width = image.shape[:2]
    boxes = checked_boxes(boxes, width, height, name)
    return {"boxes": boxes, "box_scores": checked_scores(box_scores, len(boxes))}
