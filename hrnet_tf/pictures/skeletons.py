"""Skeletons drawn on images."""

import colorsys
from typing import TYPE_CHECKING

import numpy as np

from hrnet_tf.pictures.sheet import to_pillow
from hrnet_tf.pictures.smooth import SmoothLayer
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.tasks.pose.result import Keypoints


# Blue, orange and green are told apart with any common colour blindness.
COLORS = {"left": (0, 153, 255), "right": (255, 122, 0), "centre": (64, 208, 112)}
_OUTLINE = (16, 16, 24)


def draw_keypoints(
    image: np.ndarray | PathLike,
    keypoints: "Keypoints",
    min_score: float = 0.2,
    draw_boxes: bool = False,
    draw_scores: bool = False,
) -> np.ndarray:
    """Draws people's skeletons: left limbs blue, right ones orange, the others green.

    People with identities are drawn each in a colour of their own, which stays the same
    in all frames, with their number.

    Lines and points grow with the person; the people with the best boxes are drawn last
    and so lie on top.

    Args:
        image: uint8 array `[H, W, 3]` RGB, or path of an image file. Not changed.
        keypoints: `Keypoints` in pixels of the image. Without a keypoint set only
            points are drawn.
        min_score: float. Keypoints with a lower score are left out, and those of the
            score 0, which were not found.
        draw_boxes: bool. Also draw the boxes.
        draw_scores: bool. Also write each person's score (see `oks.rescore`).
    Returns:
        uint8 array `[H, W, 3]`.
    Raises:
        ValueError: if the image cannot be read or is not uint8 RGB.
    """
    from hrnet_tf.metrics.oks import rescore

    canvas = to_pillow(image)
    scores = rescore(keypoints.scores, keypoints.box_scores, min_score)
    for i in np.argsort(keypoints.box_scores, kind="stable"):
        # What was not found has the score 0, and no place.
        shown = (keypoints.scores[i] >= min_score) & (keypoints.scores[i] > 0)
        box = keypoints.boxes[i] if draw_boxes else None
        texts, colors = [], COLORS
        if keypoints.ids is not None:
            texts.append(f"#{keypoints.ids[i]}")
            colors = dict.fromkeys(COLORS, color_of(int(keypoints.ids[i])))
        if draw_scores:
            texts.append(f"{scores[i]:.2f}")
        _draw_person(
            canvas,
            keypoints.xy[i],
            shown,
            keypoints.keypoint_set,
            box,
            " ".join(texts),
            colors,
        )
    return np.array(canvas)


def color_of(number: int) -> tuple[int, int, int]:
    """Returns a bright colour (red, green, blue) of an identity, its own for long."""
    # Steps of the golden ratio never come back to a hue, and neighbours differ much.
    hue, value = (number * 0.618034) % 1, (1.0, 0.75)[number // 8 % 2]
    red, green, blue = (
        round(255 * part) for part in colorsys.hsv_to_rgb(hue, 0.8, value)
    )
    return red, green, blue


def _draw_person(canvas, xy, shown, keypoint_set, box, text, colors):
    """Composites one person, drawn on a larger layer of just the area it covers."""
    corners = [xy[shown]]
    if box is not None:
        corners.append(np.array([box[:2], box[:2] + box[2:]]))
    corners = np.concatenate(corners)
    if not len(corners):
        return
    radii = _radii(xy, shown, max(canvas.size))
    margin = 2 * radii.max() + 3
    left, top = np.floor(np.maximum(corners.min(0) - margin, 0)).astype(int)
    right, bottom = np.ceil(
        np.minimum(corners.max(0) + margin + 1, canvas.size)
    ).astype(int)
    if right <= left or bottom <= top:
        return
    layer = SmoothLayer((int(left), int(top), int(right), int(bottom)))
    if box is not None:
        edges = layer.to_layer(np.array([box[:2], box[:2] + box[2:]]))
        for width, color in ((3, (*_OUTLINE, 140)), (1.5, (255, 255, 255, 255))):
            layer.rectangle(*edges, width * layer.zoom, color)
    places, radii = layer.to_layer(xy), radii * layer.zoom
    _draw_skeleton(layer, places, radii, shown, keypoint_set, colors)
    layer.blend_into(canvas)
    if text:
        _draw_text(canvas, corners[:, 0].min(), corners[:, 1].min() - margin, text)


def _radii(xy, shown, image_side):
    """Radius of each point: by the person's size, smaller where points are close."""
    points = xy[shown]
    radii = np.ones(len(xy))
    if not len(points):
        return radii
    extent = np.ptp(points, axis=0).max() if len(points) > 1 else 0.1 * image_side
    radius = np.clip(0.016 * extent, 1.5, max(0.02 * image_side, 1.5))
    distances = np.linalg.norm(xy[:, None] - points[None], axis=-1)
    nearest = np.where(distances > 0, distances, np.inf).min(1)
    # All points of a small face are close; large discs on some would hide the others.
    radius = min(radius, max(0.45 * np.median(nearest[shown]), 0.8))
    return np.clip(0.4 * nearest, min(radius, 1.2), radius)


def _draw_skeleton(layer, points, radii, shown, keypoint_set, colors):
    """Draws limbs, then points, on a dark outline that shows on any background."""
    sides = _sides(len(points), keypoint_set)
    limbs = []
    for pair in keypoint_set.skeleton if keypoint_set else ():
        a, b = (keypoint_set.index(name) for name in pair)
        if shown[a] and shown[b]:
            limbs.append((a, b, _limb_side({sides[a], sides[b]})))
    border = 0.3 * radii.max()
    for outlined in (True, False):
        for a, b, side in limbs:
            # Thin between close points, such as those of a face.
            length = np.linalg.norm(points[a] - points[b])
            width = min(1.1 * radii.max(), 0.3 * length)
            width += 2 * border if outlined else 0
            color = (*_OUTLINE, 150) if outlined else (*colors[side], 255)
            layer.line(points[a], points[b], width, color)
    for i in np.flatnonzero(shown):
        layer.disc(points[i], radii[i] + border, (*_OUTLINE, 200))
        layer.disc(points[i], radii[i], (255, 255, 255, 255))
        layer.disc(points[i], 0.7 * radii[i], (*colors[sides[i]], 255))


def _sides(num_points, keypoint_set):
    """ "left", "right" or "centre" of each keypoint, by its name or its flip pair."""
    if keypoint_set is None:
        return ["centre"] * num_points
    sides = dict.fromkeys(keypoint_set.names, "centre")
    for pair in keypoint_set.flip_pairs:
        # Pairs are written (left, right) where the names do not say it.
        sides.update(zip(pair, ("left", "right"), strict=True))
        for name in pair:
            for side in ("left", "right"):
                if name.lower().startswith((side, f"{side[0]}_")):
                    sides[name] = side
    return [sides[name] for name in keypoint_set.names]


def _limb_side(sides):
    """A limb belongs to a side unless it connects both."""
    sides = sides - {"centre"}
    return sides.pop() if len(sides) == 1 else "centre"


def _draw_text(canvas, x, y, text):
    from PIL import ImageDraw, ImageFont

    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(float(np.clip(max(canvas.size) / 45, 11, 28)))
    width, height = draw.textbbox((0, 0), text, font)[2:]
    x = min(max(float(x), 0), max(canvas.width - width - 6, 0))
    y = min(max(float(y) - height - 4, 0), max(canvas.height - height - 4, 0))
    draw.rectangle([x, y, x + width + 6, y + height + 4], fill=_OUTLINE)
    draw.text((x + 3, y + 2), text, (255, 255, 255), font)
