"""Boxes, names and masks drawn on images."""

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from hrnet_tf.pictures.sheet import contact_sheet, to_pillow
from hrnet_tf.pictures.skeletons import color_of
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.tasks.detection.result import Detections


_OUTLINE = (16, 16, 24)
_MASK_OPACITY = 0.45


def draw_detections(
    image: np.ndarray | PathLike,
    detections: "Detections",
    min_score: float = 0.3,
    draw_scores: bool = True,
    draw_names: bool = True,
    color_by_class: bool = False,
) -> np.ndarray:
    """Draws the objects of an image: boxes, names, scores and masks.

    Each class has its colour; where all objects are of one class, or of a set of one,
    each object has its own. Objects with an identity are drawn each in a colour of
    their own, which stays the same in all frames, with their number. The surest
    objects lie on top, and all texts above all boxes, each where it covers others
    least.

    Args:
        image: uint8 array `[H, W, 3]` RGB, or path of an image file. Not changed.
        detections: `Detections` in pixels of the image.
        min_score: float. Objects with a lower score are left out.
        draw_scores, draw_names: bool. Whether scores and classes are written.
        color_by_class: bool. Whether a class keeps its colour in a picture that shows
            it alone, for pictures beside each other.
    Returns:
        uint8 array `[H, W, 3]`.
    Raises:
        ValueError: if the image cannot be read or is not uint8 RGB.
    """
    canvas = to_pillow(image)
    shown = detections.chosen(detections.scores >= min_score)
    order = np.argsort(shown.scores, kind="stable")
    colors = _colors(shown, color_by_class)
    if shown.masks is not None:
        pixels = np.array(canvas)
        for i in order:
            _paint(pixels, shown.mask(i), colors[i])
        canvas = to_pillow(pixels)
    line = max(2, round(max(canvas.size) / 400))
    texts = []
    for i in order:
        number = 0 if shown.ids is None else int(shown.ids[i])
        parts = [f"#{number}"] if number else []
        parts += [shown.names[i]] if draw_names else []
        parts += [f"{shown.scores[i]:.2f}"] if draw_scores else []
        texts.append(" ".join(parts))
        _draw_box(canvas, shown.boxes[i], colors[i], line)
    _draw_labels(canvas, shown.boxes[order], texts, [colors[i] for i in order])
    return np.array(canvas)


def draw_beside(
    image: np.ndarray | PathLike,
    labelled: "Detections",
    found: "Detections",
    min_score: float = 0.3,
) -> np.ndarray:
    """Draws labelled and found objects of an image beside each other.

    Args:
        image: see `draw_detections`.
        labelled, found: `Detections`.
        min_score: float. Found objects with a lower score are left out.
    Returns:
        uint8 array `[H, W, 3]`.
    """
    height, width = np.asarray(to_pillow(image)).shape[:2]
    pictures = [
        draw_detections(image, labelled, 0.0, draw_scores=False),
        draw_detections(image, found, min_score),
    ]
    captions = ["labelled", "found"]
    return np.asarray(contact_sheet(pictures, 2, captions, (height, width)))


def _colors(detections, by_class):
    """A colour (red, green, blue) for each object."""
    if detections.ids is not None:
        unnamed = _colors(dataclasses.replace(detections, ids=None), True)
        return [
            color_of(int(number)) if number else color
            for number, color in zip(detections.ids, unnamed, strict=True)
        ]
    of_several = by_class and detections.object_set.num_classes > 1
    if of_several or len(set(detections.classes.tolist())) > 1:
        colors = detections.object_set.colors
        return [colors[i] for i in detections.classes]
    from hrnet_tf.data.object_sets import ObjectSet

    # Objects of one class are told apart by it no more.
    names = tuple(map(str, range(max(len(detections), 1))))
    return list(ObjectSet("colours", names).colors)


def _paint(pixels, mask, color):
    """Colours the pixels of a mask in place, with an edge of the full colour."""
    mixed = (1 - _MASK_OPACITY) * pixels[mask] + _MASK_OPACITY * np.array(color)
    pixels[mask] = mixed.astype(np.uint8)
    inner = mask.copy()
    inner[1:] &= mask[:-1]
    inner[:-1] &= mask[1:]
    inner[:, 1:] &= mask[:, :-1]
    inner[:, :-1] &= mask[:, 1:]
    pixels[mask & ~inner] = color


def _draw_box(canvas, box, color, line):
    from PIL import ImageDraw

    draw = ImageDraw.Draw(canvas)
    # Pixels are drawn whole: the last one of a box ends at its right side.
    left, top = np.floor(box[:2] + 0.5).astype(int).tolist()
    right, bottom = np.maximum(np.floor(box[2:] + 0.5).astype(int) - 1, [left, top])
    corners = [left, top, int(right), int(bottom)]
    draw.rectangle(corners, outline=_OUTLINE, width=line + 2)
    inner = [left + 1, top + 1, max(int(right) - 1, left + 1)]
    inner.append(max(int(bottom) - 1, top + 1))
    draw.rectangle(inner, outline=color, width=line)


def _draw_labels(
    canvas: Any, boxes: np.ndarray, texts: list[str], colors: list[Any]
) -> None:
    """Writes texts on their colours beside boxes; the last have the first choice."""
    from PIL import ImageDraw, ImageFont

    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(float(np.clip(max(canvas.size) / 50, 10, 28)))
    taken = np.zeros((0, 4))
    labels = []
    for box, text, color in zip(boxes[::-1], texts[::-1], colors[::-1], strict=True):
        if not text:
            continue
        width, height = draw.textbbox((0, 0), text, font)[2:]
        place = _label_place(box, (width + 6, height + 4), canvas.size, taken)
        taken = np.concatenate([taken, [place]])
        labels.append((place.tolist(), text, color))
    for place, text, color in reversed(labels):
        draw.rectangle([*place[:2], place[2] - 1, place[3] - 1], fill=color)
        # Dark on light colours, as the eye weighs red, green and blue.
        light = np.dot(color, (0.299, 0.587, 0.114)) > 140
        fill = _OUTLINE if light else (255, 255, 255)
        draw.text((place[0] + 3, place[1] + 2), text, fill, font)


def _label_place(box, size, canvas_size, taken):
    """Left, top, right and bottom of a text by a box, where it covers others least."""
    left, top, right, bottom = map(float, box)
    width, height = size
    above = (top - height, top, bottom, bottom - height)
    # Above the box is usual; at the border of the image in it.
    wanted = [(x, y) for y in above for x in (left, right - width) if y >= 0]
    limits = np.maximum(np.subtract(canvas_size, size), 0)
    corners = np.clip(wanted or [(left, 0.0)], 0, limits)
    places = np.concatenate([corners, corners + size], 1)
    low = np.maximum(places[:, None, :2], taken[:, :2])
    high = np.minimum(places[:, None, 2:], taken[:, 2:])
    covered = np.maximum(high - low, 0).prod(-1).sum(-1)
    return places[covered.argmin()]
