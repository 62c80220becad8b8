"""Pictures of the embedded data set: background, placing, keypoints, finish."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from hrnet_tf.data.synthetic import paint
from hrnet_tf.data.synthetic.body import (
    PARTS,
    PERSON_CODE,
    BodyPainter,
    sample_outfit,
)
from hrnet_tf.data.synthetic.figure import SIDES, sample_figure
from hrnet_tf.data.synthetic.head import face_points

# The picture is painted at this multiple of its size and averaged down.
OVERSAMPLING = 2
# Chances of one person, two, ..., by the most people of a picture.
PEOPLE_CHANCES = {
    4: (0.3, 0.34, 0.22, 0.14),
    6: (0.18, 0.22, 0.2, 0.16, 0.13, 0.11),
}
# Standing heights as parts of the picture height, for 1, 2, ... people.
HEIGHTS = (
    *((0.42, 0.92), (0.34, 0.88), (0.27, 0.78), (0.25, 0.7)),
    *((0.24, 0.62), (0.23, 0.56)),
)
# A person may lose about this part of its box to nearer people.
MAX_COVER = 0.34

# Labels that may lie on a visible joint.
JOINT_PARTS = {
    "shoulder": ("torso", "upper_arm"),
    "elbow": ("upper_arm", "lower_arm"),
    "wrist": ("lower_arm", "hand"),
    "hip": ("torso", "upper_leg"),
    "knee": ("upper_leg", "lower_leg"),
    "ankle": ("lower_leg", "foot"),
}
# Eyes and noses turned further away than this cosine have no label, as an annotator
# would leave those of a head seen from behind.
UNLABELLED_FACING = -0.25
# A shoulder or hip this much behind the spine is on the far side of the trunk.
FAR_SIDE = {"shoulder": ("neck", -0.075), "hip": ("pelvis", -0.042)}


@dataclasses.dataclass(frozen=True)
class Placement:
    """A figure in the picture: pelvis `origin` and standing `height` in pixels."""

    figure: object
    origin: tuple
    height: float
    box: np.ndarray

    def project(self, point: Sequence[float] | np.ndarray) -> tuple[float, float]:
        """Camera point `[3]` in heights -> picture pixel `(x, y)`."""
        return (
            self.origin[0] + self.height * point[0],
            self.origin[1] - self.height * point[1],
        )


@dataclasses.dataclass(frozen=True)
class Scene:
    """A finished picture.

    Attributes:
        image: uint8 `[H, W, 3]`.
        parts: uint8 `[H, W]`, indices into `PART_NAMES`.
        instances: uint8 `[H, W]`, 0 or the number of the person from 1.
        keypoints: list of dicts from a COCO keypoint name to `(x, y, visibility)`,
            one per person; a number may have no pixel left in `instances`.
    """

    image: np.ndarray
    parts: np.ndarray
    instances: np.ndarray
    keypoints: list


def draw_scene(
    rng: np.random.Generator, image_size: tuple[int, int], most_people: int = 4
) -> Scene:
    """Draws a picture of one to four people, or to six.

    Args:
        rng: numpy.random.Generator; the only source of chance.
        image_size: (height, width) in pixels.
        most_people: int, a key of `PEOPLE_CHANCES`.
    Returns:
        A `Scene`.
    """
    from PIL import Image

    height, width = image_size
    placements = _place_people(rng, height, width, most_people)
    canvas = _background(rng, height, width)
    labels = Image.new("L", canvas.size)
    angle = rng.uniform(-np.pi, 0)
    light = np.array([np.cos(angle), np.sin(angle)])
    painter = paint.Painter(canvas, labels, light)
    for number, placement in enumerate(placements, start=1):
        _shadow(painter, placement)
        _paint_person(rng, painter, placement, number)
    if rng.random() < 0.2:
        _foreground(rng, painter, placements)
    codes = np.asarray(labels)[::OVERSAMPLING, ::OVERSAMPLING]
    keypoints = [
        _keypoints(placement, codes, number)
        for number, placement in enumerate(placements, start=1)
    ]
    return Scene(
        image=_finish(rng, canvas),
        parts=codes % PERSON_CODE,
        instances=codes // PERSON_CODE,
        keypoints=keypoints,
    )


def _place_people(rng, height, width, most_people):
    """Draws figures and places, the farthest (highest foot line) first."""
    chances = PEOPLE_CHANCES[most_people]
    count = 1 + int(rng.choice(len(chances), p=chances))
    camera_pitch = rng.uniform(0, 13)
    placed = []
    for _ in range(count):
        figure = sample_figure(rng, camera_pitch)
        for _ in range(24):
            candidate = _propose(rng, figure, height, width, count)
            if _covers_little([*placed, candidate]):
                placed.append(candidate)
                break
    return sorted(placed, key=lambda placement: placement.box[3])


def _propose(rng, figure, height, width, count):
    """Draws a size and a place; a few people are cut by the picture border."""
    left, bottom, right, top = figure.extent()
    low, high = HEIGHTS[count - 1]
    size = height * np.exp(rng.uniform(np.log(low), np.log(high)))
    size = min(size, 0.96 * height / (top - bottom), 0.96 * width / (right - left))
    x = rng.uniform(-left * size, width - right * size)
    # Feet mostly in the lower half: people stand on the floor.
    room = height - (top - bottom) * size
    y = height + bottom * size - room * rng.beta(1.2, 2.5)
    if rng.random() < 0.13:
        lost = rng.uniform(0.08, 0.35)
        edge = int(rng.integers(3))
        if edge == 0:
            y = height + (bottom + lost * (top - bottom)) * size
        else:
            lost = lost * (right - left) * size
            x = -left * size - lost if edge == 1 else width - right * size + lost
    box = np.array(
        [x + left * size, y - top * size, x + right * size, y - bottom * size]
    )
    return Placement(figure, (x, y), size, box)


def _covers_little(placements):
    """Whether no one is hidden too much by those who stand nearer."""
    placements = sorted(placements, key=lambda placement: placement.box[3])
    for index, far in enumerate(placements):
        area = np.prod(far.box[2:] - far.box[:2])
        hidden = 0.0
        for near in placements[index + 1 :]:
            size = np.minimum(far.box[2:], near.box[2:])
            size = size - np.maximum(far.box[:2], near.box[:2])
            hidden += np.prod(np.maximum(size, 0))
        if hidden > MAX_COVER * area:
            return False
    return True


def _canvas_point(point):
    """Picture pixel -> canvas pixel; both count pixel centres from 0."""
    return OVERSAMPLING * np.asarray(point) + (OVERSAMPLING - 1) / 2


def _paint_person(rng, painter, placement, number):
    outfit = sample_outfit(rng)
    seat = paint.random_color(rng) if placement.figure.posture == "sit" else None
    BodyPainter(
        painter,
        placement.figure,
        outfit,
        _canvas_point(placement.origin),
        placement.height * OVERSAMPLING,
        number * PERSON_CODE,
        seat,
    ).paint()


def _shadow(painter, placement):
    """Darkens the floor below the feet."""
    from PIL import Image

    joints = placement.figure.joints
    feet = np.array(
        [placement.project(joints[f"{s}_{n}"]) for s in SIDES for n in ("heel", "toe")]
    )
    x = (feet[:, 0].min() + feet[:, 0].max()) / 2
    wide = (np.ptp(feet[:, 0]) / 2 + 0.07 * placement.height) * OVERSAMPLING
    deep = 0.035 * placement.height * OVERSAMPLING
    center = _canvas_point((x, feet[:, 1].max()))
    shape = paint.sweep([center], [[wide, 0]], [[0, deep]])
    masked = painter.mask(shape)
    if masked is not None:
        left, top, mask = masked
        weak = Image.eval(mask, lambda value: value * 2 // 5)
        painter.paste((20, 20, 24), (left, top, weak), None)


def _background(rng, height, width):
    """Paints wall, floor, furniture and shapes; returns the large canvas."""
    from PIL import Image

    horizon = int(height * rng.uniform(0.3, 0.75))
    rows = np.arange(height, dtype=np.float32)[:, None, None] / height
    wall = paint.random_color(rng, (0, 0.45), (0.35, 1.0)).astype(np.float32)
    floor = paint.random_color(rng, (0, 0.45), (0.25, 0.85)).astype(np.float32)
    picture = np.empty((height, width, 3), np.float32)
    picture[:] = wall * (1 + np.float32(rng.uniform(-0.4, 0.4)) * (rows - 0.4))
    slope = np.float32(rng.uniform(0.1, 0.5))
    picture[horizon:] = floor * (0.75 + slope * rows[horizon:])
    picture += paint.smooth_noise(rng, height, width, 6, 28, 14)[..., None]
    if rng.random() < 0.4:
        _paper(rng, picture[:horizon])
    if rng.random() < 0.4:
        _paper(rng, picture[horizon:])
    picture = Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))
    size = (width * OVERSAMPLING, height * OVERSAMPLING)
    canvas = picture.resize(size, Image.Resampling.NEAREST)
    painter = paint.Painter(canvas, None)
    for _ in range(rng.integers(1, 5)):
        _furniture(rng, painter, horizon * OVERSAMPLING)
    for _ in range(rng.integers(0, 7)):
        _distractor(rng, painter)
    return canvas


def _paper(rng, picture):
    """Lays stripes, tiles or dots over a part `[h, w, 3]` of the background."""
    rows = np.arange(len(picture), dtype=np.float32)[:, None] / rng.uniform(8, 40)
    columns = np.arange(picture.shape[1], dtype=np.float32)[None] / rng.uniform(8, 40)
    kind = rng.integers(4)
    if kind == 0:
        weight = (columns % 1 < 0.5) + 0 * rows
    elif kind == 1:
        weight = (rows % 1 < 0.5) + 0 * columns
    elif kind == 2:
        weight = (rows % 1 < 0.08) | (columns % 1 < 0.08)
    else:
        weight = np.hypot(rows % 1 - 0.5, columns % 1 - 0.5) < 0.3
    tint = rng.uniform(-45, 45, 3).astype(np.float32)
    picture += tint * weight.astype(np.float32)[..., None]


def _box(painter, left, top, right, bottom, color):
    corners = [[left, top], [right, top], [right, bottom], [left, bottom]]
    painter.flat(np.array([corners]), color)


def _furniture(rng, painter, horizon):
    """Paints a window, a cupboard or a table near the back of the room."""
    width, height = painter.canvas.size
    color = paint.random_color(rng, (0.1, 0.7), (0.2, 0.9))
    w, h = rng.uniform(0.1, 0.3) * width, rng.uniform(0.12, 0.4) * height
    left = rng.uniform(-0.1, 1.0) * width - w / 2
    kind = rng.integers(3)
    foot = min(horizon + rng.uniform(0.0, 0.2) * height, height)
    if kind == 0:
        top = rng.uniform(-0.05, 0.3) * height
        _box(painter, left, top, left + w, top + h, color)
        glass = paint.random_color(rng, (0.05, 0.5), (0.6, 1.0))
        for a, b in ((0.06, 0.47), (0.53, 0.94)):
            _box(painter, left + a * w, top + 6, left + b * w, top + h - 6, glass)
        return
    if kind == 1:
        h = 1.5 * h
        _box(painter, left, foot - h, left + w, foot, color)
        for shelf in np.linspace(0.08, 0.72, int(rng.integers(2, 5))):
            top = foot - h + shelf * h
            _box(painter, left + 6, top, left + w - 6, top + 0.18 * h, color * 0.75)
        return
    top = foot - 0.6 * h
    for a in (0.06, 0.86):
        _box(painter, left + a * w, top, left + (a + 0.08) * w, foot, color * 0.7)
    _box(painter, left, top - 0.04 * height, left + w, top, color)


def _distractor(rng, painter):
    """Paints an ellipse, a rod or a rag of any colour and place."""
    size = np.array(painter.canvas.size)
    center = rng.uniform(0, 1, 2) * size
    color = paint.random_color(rng)
    radius = rng.uniform(0.01, 0.07) * size[1]
    kind = rng.integers(3)
    if kind == 0:
        tall = radius * rng.uniform(0.5, 2)
        shape = paint.sweep([center], [[radius, 0]], [[0, tall]])
    elif kind == 1:
        angle, reach = rng.uniform(0, np.pi), rng.uniform(2, 8)
        along = np.array([np.cos(angle), np.sin(angle)]) * radius * reach / 2
        shape = paint.capsule([center - along, center + along], [radius / 3] * 2)
    else:
        shape = (center + rng.normal(0, radius, (rng.integers(3, 6), 2)))[None]
    painter.flat(shape, color)


def _foreground(rng, painter, placements):
    """Paints a box before the feet of the people; it hides them in the labels."""
    width, height = painter.canvas.size
    target = placements[int(rng.integers(len(placements)))]
    size = target.height * OVERSAMPLING
    w, h = rng.uniform(0.15, 0.5) * size, rng.uniform(0.08, 0.22) * size
    x = _canvas_point(target.origin)[0] + rng.uniform(-0.35, 0.35) * size
    bottom = target.box[3] * OVERSAMPLING + 0.03 * size
    color = paint.random_color(rng)
    corners = [[x - w / 2, bottom - h], [x + w / 2, bottom - h]]
    corners += [[x + w / 2, bottom], [x - w / 2, bottom]]
    painter.flat(np.array([corners]), color * 0.8, 0)
    lid = [corners[0], corners[1]]
    lid += [[x + w / 2, bottom - 0.8 * h], [x - w / 2, bottom - 0.8 * h]]
    painter.flat(np.array([lid]), color, 0)


def _keypoints(placement, codes, number):
    """Returns name -> (x, y, visibility) for one person."""
    figure, found = placement.figure, {}
    hidden = set()
    for name, (point, facing) in face_points(figure).items():
        if facing < UNLABELLED_FACING and not name.endswith("ear"):
            hidden.add(name)
        limit = -0.2 if name.endswith("ear") else 0.0
        found[name] = (point, ("head",), facing > limit)
    for side in SIDES:
        for joint, parts in JOINT_PARTS.items():
            point = figure.joints[f"{side}_{joint}"]
            near = True
            if joint in FAR_SIDE:
                anchor, limit = FAR_SIDE[joint]
                near = point[2] - figure.joints[anchor][2] > limit * figure.build
            names = [p if p == "torso" else f"{side}_{p}" for p in parts]
            found[f"{side}_{joint}"] = (point, names, near)
    keypoints = {}
    for name, (point, parts, near) in found.items():
        x, y = (round(float(v), 2) for v in placement.project(point))
        inside = 0 <= x <= codes.shape[1] - 1 and 0 <= y <= codes.shape[0] - 1
        if not inside or name in hidden:
            keypoints[name] = (0.0, 0.0, 0)
            continue
        row, column = round(y), round(x)
        around = codes[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        allowed = [number * PERSON_CODE + PARTS[part] for part in parts]
        seen = near and not set(around.ravel().tolist()).isdisjoint(allowed)
        keypoints[name] = (x, y, 2 if seen else 1)
    return keypoints


def _finish(rng, canvas):
    """Averages the canvas down and adds blur, exposure, tint and sensor noise."""
    from PIL import ImageFilter

    picture = canvas.reduce(OVERSAMPLING)
    if rng.random() < 0.15:
        picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 0.8)))
    gains = rng.uniform(0.8, 1.15) * rng.uniform(0.95, 1.05, 3)
    levels = np.arange(256) * gains[:, None] + rng.uniform(-12, 12)
    picture = picture.point(np.clip(levels, 0, 255).astype(int).ravel().tolist())
    noise = rng.standard_normal((picture.height, picture.width, 1), np.float32)
    noise = np.rint(noise * np.float32(rng.uniform(0, 5))).astype(np.int16)
    return np.clip(np.asarray(picture, np.int16) + noise, 0, 255).astype(np.uint8)
