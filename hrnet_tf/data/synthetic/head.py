"""Heads of the embedded data set: a shaded ellipsoid with a face, hair and ears."""

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from hrnet_tf.data.synthetic import paint

if TYPE_CHECKING:
    from hrnet_tf.data.synthetic.body import BodyPainter
    from hrnet_tf.data.synthetic.figure import Figure


# Half axes of the head (left, up, forward) in units of the standing height.
AXES = np.array([0.057, 0.078, 0.066])
# Points on the head as multiples of the half axes.
FACE_POINTS = {
    "nose": (0.0, -0.12, 1.1),
    "left_eye": (0.38, 0.13, 0.9),
    "right_eye": (-0.38, 0.13, 0.9),
    "left_ear": (1.04, -0.05, -0.08),
    "right_ear": (-1.04, -0.05, -0.08),
}
HAIR_COLORS = (
    (28, 22, 20),
    (62, 40, 26),
    (112, 72, 40),
    (200, 160, 92),
    (150, 60, 30),
    (150, 150, 152),
    (222, 218, 208),
)
# Height of the hair line for a look from back (-1) to front (1) of the head.
HAIR_LINES = {
    "short": ((-1, -0.35, 0.12, 0.45, 1), (-0.75, -0.5, 0.3, 0.58, 0.62)),
    "long": ((-1, -0.1, 0.3, 0.55, 1), (-1.1, -1.1, 0.1, 0.5, 0.6)),
    "bald": ((-1, 1), (2, 2)),
    "ring": ((-1, -0.3, 0.0, 0.2, 1), (-0.7, -0.5, 0.2, 2, 2)),
    "hat": ((-1, 0, 1), (0.16, 0.22, 0.4)),
}


@dataclasses.dataclass(frozen=True)
class Look:
    """The head of a person; colours are float64 `[3]` RGB.

    Attributes:
        skin, hair, eyes, lips, hat: colours.
        style: str, a key of `HAIR_LINES`.
        extra: str, "none", "long", "tail" or "bun": hair behind the head.
        beard, glasses: bool.
    """

    skin: np.ndarray
    hair: np.ndarray
    eyes: np.ndarray
    lips: np.ndarray
    hat: np.ndarray
    style: str
    extra: str
    beard: bool
    glasses: bool


def sample_look(rng: np.random.Generator, skin: np.ndarray) -> Look:
    """Draws a `Look` for a skin colour."""
    style = str(rng.choice(list(HAIR_LINES), p=(0.46, 0.26, 0.05, 0.06, 0.17)))
    hair = np.array(HAIR_COLORS[rng.integers(len(HAIR_COLORS))], np.float64)
    if rng.random() < 0.05:
        hair = paint.random_color(rng)
    extra = "none"
    if style == "long":
        extra = str(rng.choice(("long", "tail", "bun"), p=(0.6, 0.25, 0.15)))
    return Look(
        skin=skin,
        hair=np.clip(hair + rng.uniform(-12, 12), 0, 255),
        eyes=np.array(((70, 40, 20), (60, 90, 60), (50, 80, 130))[rng.integers(3)]),
        lips=0.75 * skin + 0.25 * np.array([200, 40, 50]),
        hat=paint.random_color(rng),
        style=style,
        extra=extra,
        beard=style != "long" and rng.random() < 0.2,
        glasses=rng.random() < 0.1,
    )


def face_points(figure: "Figure") -> dict[str, Any]:
    """Camera points of the five face keypoints and how far they face the viewer.

    Returns:
        dict from a name to `(point, facing)`: float64 `[3]` in heights, and the
        cosine between the outward direction there and the direction to the viewer.
    """
    points = {}
    for name, relative in FACE_POINTS.items():
        place = np.array(relative)
        normal = place / AXES
        normal = figure.head @ (normal / np.linalg.norm(normal))
        offset = figure.head @ (place * AXES * figure.head_size)
        points[name] = figure.joints["head"] + offset, float(normal[2])
    return points


def long_hair(
    figure: "Figure", look: Look
) -> list[tuple[float, np.ndarray, np.ndarray]]:
    """Returns `(depth, points [2, 3], radii [2])` of the hair behind the head."""
    if look.extra == "none":
        return []
    size, head = figure.head_size, figure.joints["head"]

    def at(up, back):
        return head + size * (figure.head @ (0, up * AXES[1], -back * AXES[2]))

    if look.extra == "bun":
        places, radii = [at(0.75, 0.9), at(0.85, 1.0)], (0.032, 0.03)
    elif look.extra == "tail":
        places, radii = [at(0.3, 1.05), at(-1.5, 1.35)], (0.026, 0.016)
    else:
        places, radii = [at(0.0, 0.35), at(-1.35, 0.55)], (0.064, 0.05)
    points = np.array(places)
    # Hair that hangs down lies on the back, not inside the trunk.
    depth = points[:, 2].mean() - 0.06 * figure.head[2, 2]
    return [(depth, points, np.array(radii) * size)]


def paint_long_hair(body: "BodyPainter", points: np.ndarray, radii: np.ndarray) -> None:
    """Paints what `long_hair` returned for a `BodyPainter`."""
    points = body.project(points)
    body.painter.cloth(
        paint.capsule(points, radii * body.height),
        paint.plain_tile(body.outfit.look.hair),
        body._label("hair"),
        points,
        radii.max() * body.height,
        body.height,
    )


def paint_head(body: "BodyPainter") -> None:
    """Paints ears, skull, face and hat of a `BodyPainter`."""
    look, figure = body.outfit.look, body.figure
    points = face_points(figure)
    covered = look.style == "long"
    ears = [] if covered else [points["left_ear"], points["right_ear"]]
    for point, facing in ears:
        if facing < 0.25:
            _ear(body, point)
    _skull(body)
    for point, facing in ears:
        if facing >= 0.25:
            _ear(body, point)
    nose, facing = points["nose"]
    if facing > -0.25:
        # In profile the tip stands out of the outline.
        size = 0.0125 * figure.head_size * body.height
        tip = body.project(nose - 0.008 * figure.head[:, 2])
        shape = paint.capsule(tip[None], [size])
        body.painter.flat(shape, look.skin * 0.88, body._label("head"))
    if look.style == "hat":
        _visor(body)


def _ear(body, point):
    size = 0.016 * body.figure.head_size * body.height
    center = body.project(point)[None]
    up = body.figure.head[:2, 1] * (1, -1) * size * 1.35
    forward = body.figure.head[:2, 2] * (1, -1) * size
    out = body.figure.head[:2, 0] * (1, -1) * size * 0.6
    wide = forward if np.hypot(*forward) > np.hypot(*out) else out
    label = body._label("head")
    skin = body.outfit.look.skin
    body.painter.flat(paint.sweep(center, up[None], wide[None]), skin * 0.9, label)
    inner = paint.sweep(center, 0.5 * up[None], 0.5 * wide[None])
    body.painter.flat(inner, skin * 0.7, label)


def _visor(body):
    """Paints the peak of a cap; in front of the head, it shows where it points."""
    figure = body.figure
    angles = np.radians(np.linspace(-60, 60, 9))
    rim = np.stack(
        [np.sin(angles), np.full(9, 0.36), 0.95 + 0.85 * np.cos(angles) - 0.45], 1
    )
    base = np.stack([np.sin(angles), np.full(9, 0.4), 0.85 * np.cos(angles)], 1)
    if figure.head[2, 2] < -0.15:
        return
    outline = np.concatenate([rim, base[::-1]]) * AXES * figure.head_size
    shape = body.project(figure.joints["head"] + outline @ figure.head.T)
    body.painter.flat(shape[None], body.outfit.look.hat * 0.7, body._label("hair"))


def _skull(body):
    """Casts a ray through every pixel of the head and colours where it enters."""
    from PIL import Image

    figure, look = body.figure, body.outfit.look
    axes = AXES * figure.head_size * body.height
    frame = figure.head
    center = body.project(figure.joints["head"])
    quadric = frame @ np.diag(axes**-2.0) @ frame.T
    # Half sizes of the projected outline.
    reach = np.sqrt(np.sum((frame[:2] * axes) ** 2, axis=1))
    low = np.floor(center - reach).astype(int)
    high = np.ceil(center + reach).astype(int) + 1
    low = np.maximum(low, 0)
    high = np.minimum(high, body.painter.canvas.size)
    if np.any(high <= low):
        return
    x = np.arange(low[0], high[0])[None, :] - center[0]
    y = center[1] - np.arange(low[1], high[1])[:, None]
    b = quadric[0, 2] * x + quadric[1, 2] * y
    c = quadric[0, 0] * x**2 + 2 * quadric[0, 1] * x * y + quadric[1, 1] * y**2 - 1
    root = b**2 - quadric[2, 2] * c
    z = (np.sqrt(np.maximum(root, 0)) - b) / quadric[2, 2]
    x, y = np.broadcast_to(x, z.shape), np.broadcast_to(y, z.shape)
    unit = np.stack([x, y, z], axis=-1) @ frame / axes
    colors, hair = _face_colors(unit, look)
    normal = unit / axes @ frame.T
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-9
    light = body.painter.light
    slope = normal[..., 0] * light[0] - normal[..., 1] * light[1]
    shade = 0.8 + 0.25 * normal[..., 2] + 0.12 * slope
    colors = np.clip(colors * shade[..., None], 0, 255).astype(np.uint8)
    inside = Image.fromarray((255 * (root > 0)).astype(np.uint8))
    left, top = int(low[0]), int(low[1])
    body.painter.paste(
        Image.fromarray(colors), (left, top, inside), body._label("head")
    )
    inside = Image.fromarray((255 * ((root > 0) & hair)).astype(np.uint8))
    body.painter.labels.paste(body._label("hair"), (left, top), inside)


def _face_colors(unit, look):
    """Colours points `[h, w, 3]` of the unit sphere; returns them and the hair."""
    x, y, z = unit[..., 0], unit[..., 1], unit[..., 2]
    front = z > 0
    side = np.abs(x)
    colors = np.empty(unit.shape, np.float32)
    colors[:] = look.skin
    colors[front & (np.hypot(x / 0.42, (y + 0.5) / 0.16) < 1)] = look.lips
    colors[front & (side < 0.12) & (y < 0.1) & (y > -0.22)] = look.skin * 0.9
    if look.beard:
        jaw = front & (y < -0.3) & (np.hypot(x / 0.36, (y + 0.5) / 0.13) >= 1)
        colors[jaw] = look.hair
    eye_x, eye_y = side - 0.38, y - 0.13
    # The brows fall outwards; level ones look angry from above.
    brow = front & (np.abs(eye_x) < 0.22)
    brow &= np.abs(eye_y - 0.25 + 0.2 * eye_x) < 0.06
    colors[brow] = look.hair * 0.7
    white = front & (np.hypot(eye_x / 0.24, eye_y / 0.15) < 1)
    iris = front & (np.hypot(eye_x / 0.13, eye_y / 0.14) < 1)
    colors[white] = (248, 248, 246)
    colors[iris] = look.eyes * 0.6
    if look.glasses:
        lens = front & (np.hypot(eye_x / 0.3, eye_y / 0.22) < 1)
        bridge = (np.abs(y - 0.15) < 0.06) & (z > -0.1)
        colors[lens | bridge] = (25, 25, 30)
    line = np.interp(z, *HAIR_LINES[look.style])
    hair = y > line
    colors[hair] = look.hat if look.style == "hat" else look.hair
    if look.style == "hat":
        below = ~hair & (y > -0.55) & (z < -0.25)
        colors[below] = look.hair
        hair = hair | below
    return colors, hair
