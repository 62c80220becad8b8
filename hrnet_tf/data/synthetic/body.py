"""People of the embedded data set: clothes, and the painting of a posed figure."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hrnet_tf.data.synthetic import head as heads
from hrnet_tf.data.synthetic import paint
from hrnet_tf.data.synthetic.figure import SIDES

if TYPE_CHECKING:
    from hrnet_tf.data.synthetic.figure import Figure
    from hrnet_tf.data.synthetic.paint import Painter


# The values of the part label pictures. "hair" includes hats; "torso" goes down to
# the hips; sleeves, trousers and shoes belong to the limb that they cover.
PART_NAMES = (
    "background",
    "head",
    "hair",
    "neck",
    "torso",
    "left_upper_arm",
    "right_upper_arm",
    "left_lower_arm",
    "right_lower_arm",
    "left_hand",
    "right_hand",
    "left_upper_leg",
    "right_upper_leg",
    "left_lower_leg",
    "right_lower_leg",
    "left_foot",
    "right_foot",
)
PARTS = {name: number for number, name in enumerate(PART_NAMES)}
# Inside the label canvas one byte holds the person (from 1) and the part.
PERSON_CODE = 20

SKINS = (
    (250, 218, 194),
    (238, 195, 160),
    (222, 172, 132),
    (190, 135, 95),
    (146, 96, 62),
    (98, 64, 44),
)
# Positions along a limb and radii there, in units of the standing height.
LIMBS = {
    "upper_arm": ((0, 0.35, 1), (0.031, 0.031, 0.025)),
    "lower_arm": ((0, 0.3, 1), (0.025, 0.026, 0.0175)),
    "upper_leg": ((0, 0.3, 1), (0.053, 0.054, 0.036)),
    "lower_leg": ((0, 0.32, 1), (0.036, 0.04, 0.022)),
}
# Half widths and half depths of the trunk from the crotch to the neck.
TRUNK = (
    ("pelvis", -0.03, 0.086, 0.058),
    ("pelvis", 0.03, 0.09, 0.062),
    ("waist", 0.0, 0.078, 0.054),
    ("waist", 0.1, 0.096, 0.064),
    ("waist", 0.165, 0.108, 0.056),
    ("waist", 0.185, 0.082, 0.044),
    ("waist", 0.203, 0.036, 0.032),
)


@dataclasses.dataclass(frozen=True)
class Outfit:
    """What a person wears; tiles are float32 `[TILE, TILE, 3]`.

    Attributes:
        skin, shirt, trousers, shoes, gloves: tiles.
        sleeves, legs: float, covered part of the arm and the leg, 0..2 where 1
            is the elbow or the knee.
        front: str, "neck", "zip" or "buttons": what marks the front of the shirt.
        trim: float64 `[3]`, the colour of that mark.
        look: `synthetic_head.Look`.
    """

    skin: np.ndarray
    shirt: np.ndarray
    trousers: np.ndarray
    shoes: np.ndarray
    gloves: np.ndarray
    sleeves: float
    legs: float
    front: str
    trim: np.ndarray
    look: heads.Look


def sample_outfit(rng: np.random.Generator) -> Outfit:
    """Draws an `Outfit` from a numpy.random.Generator."""
    skin_color = np.array(SKINS[rng.integers(len(SKINS))]) + rng.uniform(-8, 8, 3)
    skin = paint.plain_tile(skin_color)
    trousers = paint.texture_tile(rng, None if rng.random() < 0.4 else "plain")
    shoes = paint.plain_tile(paint.random_color(rng, (0, 0.9), (0.08, 0.95)))
    gloved = rng.random() < 0.06
    return Outfit(
        skin=skin,
        shirt=paint.texture_tile(rng),
        trousers=trousers,
        shoes=shoes,
        gloves=paint.texture_tile(rng, "plain") if gloved else skin,
        sleeves=float(rng.choice((0.0, 0.55, 0.75, 2.0), p=(0.1, 0.3, 0.15, 0.45))),
        legs=float(rng.choice((0.5, 0.85, 1.5, 2.0), p=(0.12, 0.18, 0.1, 0.6))),
        front=str(rng.choice(("neck", "zip", "buttons"))),
        trim=paint.random_color(rng, (0, 0.4), (0.1, 1.0)),
        look=heads.sample_look(rng, skin_color),
    )


class BodyPainter:
    """Paints one figure, the farthest body part first.

    Args:
        painter: `synthetic_paint.Painter`.
        figure: `synthetic_figure.Figure`.
        outfit: `Outfit`.
        origin: pair, the pelvis in canvas pixels.
        height: float, the standing height in canvas pixels.
        code: int, what is added to the part numbers in the label canvas.
        seat: None or `[3]` colour of the seat below a sitting figure.
    """

    def __init__(
        self,
        painter: "Painter",
        figure: "Figure",
        outfit: Outfit,
        origin: Sequence[float] | np.ndarray,
        height: float,
        code: int | None,
        seat: np.ndarray | None = None,
    ) -> None:
        self.painter = painter
        self.figure = figure
        self.outfit = outfit
        self.origin = np.asarray(origin, np.float64)
        self.height = height
        self.code = code
        self.seat = seat

    def project(self, points: np.ndarray) -> np.ndarray:
        """Camera points `[..., 3]` (heights) -> canvas pixels `[..., 2]`."""
        points = np.asarray(points)
        return self.origin + self.height * points[..., :2] * (1.0, -1.0)

    def paint(self) -> None:
        """Paints all parts in the order of their depth."""
        joints = self.figure.joints
        layers: list[tuple] = []

        def layer(depth, function, *args):
            layers.append((depth, len(layers), function, args))

        trunk = (joints["waist"][2] + joints["neck"][2]) / 2
        head = max(joints["head"][2], joints["neck"][2] - 0.03)
        layer(joints["pelvis"][2] - 0.045, self._pelvis)
        layer(trunk, self._torso)
        layer(min(trunk, head) - 0.001, self._neck)
        layer(head, heads.paint_head, self)
        for depth, points, radii in heads.long_hair(self.figure, self.outfit.look):
            layer(depth, heads.paint_long_hair, self, points, radii)
        if self.seat is not None:
            knees = (joints["left_knee"] + joints["right_knee"]) / 2
            depth = (joints["pelvis"][2] + knees[2]) / 2 - 0.07
            if self.figure.pelvis[2, 2] > -0.1:
                # Seen from the front or the side both feet stand before the seat.
                feet = min(joints[f"{side}_heel"][2] for side in SIDES)
                depth = min(depth, feet - 0.04)
            layer(depth, self._seat)
        for side in SIDES:
            shoulder, elbow, wrist, hand, hip, knee, ankle, heel, toe = (
                joints[f"{side}_{name}"][2]
                for name in (
                    *("shoulder", "elbow", "wrist", "hand"),
                    *("hip", "knee", "ankle", "heel", "toe"),
                )
            )
            # Arms win ties against the trunk, the shirt against the legs.
            layer((shoulder + elbow) / 2 + 0.022, self._limb, side, "upper_arm")
            layer((elbow + wrist) / 2 + 0.03, self._limb, side, "lower_arm")
            layer((wrist + hand) / 2 + 0.029, self._hand, side)
            layer((hip + knee) / 2 - 0.03, self._limb, side, "upper_leg")
            layer((knee + ankle) / 2 - 0.031, self._limb, side, "lower_leg")
            layer((heel + toe) / 2 - 0.032, self._foot, side)
        for _, _, function, args in sorted(layers, key=lambda item: item[:2]):
            function(*args)

    def _label(self, part):
        return self.code + PARTS[part]

    def _limb(self, side, limb):
        """Paints skin, then the cloth that covers a part of it."""
        upper = limb.startswith("upper")
        arm = limb.endswith("arm")
        chain = ("shoulder", "elbow", "wrist") if arm else ("hip", "knee", "ankle")
        ends = chain[:2] if upper else chain[1:]
        start, end = (self.figure.joints[f"{side}_{name}"] for name in ends)
        if arm:
            covered, tile = self.outfit.sleeves, self.outfit.shirt
        else:
            covered, tile = self.outfit.legs, self.outfit.trousers
        covered = float(np.clip(covered if upper else covered - 1, 0, 1))
        code = self._label(f"{side}_{limb}")
        if covered < 1:
            self._tube(start, end, limb, self.outfit.skin, code, 0, 1, 1.0)
        if covered > 0:
            # Loose cloth is a little wider than the limb.
            self._tube(start, end, limb, tile, code, 0, covered, 1.1)

    def _tube(self, start, end, limb, tile, code, low, high, widen):
        positions, radii = LIMBS[limb]
        t = np.array([low, *(p for p in positions if low < p < high), high])
        radii = np.interp(t, positions, radii) * self.figure.build * widen
        radii = radii * self.height
        points = self.project(start + t[:, None] * (end - start))
        polygons = paint.capsule(points, radii)
        axis = self.project(np.stack([start, end]))
        self.painter.cloth(polygons, tile, code, axis, radii.max(), self.height)

    def _hand(self, side):
        wrist, tip = (self.figure.joints[f"{side}_{n}"] for n in ("wrist", "hand"))
        at = np.array([0.12, 0.5, 0.85])[:, None]
        points = self.project(wrist + at * (tip - wrist))
        radii = np.array([0.018, 0.023, 0.015]) * self.height * self.figure.build**0.5
        self.painter.cloth(
            paint.capsule(points, radii),
            self.outfit.gloves,
            self._label(f"{side}_hand"),
            points[[0, 2]],
            radii.max(),
            self.height,
        )

    def _foot(self, side):
        joints = self.figure.joints
        heel, toe, ankle = (joints[f"{side}_{n}"] for n in ("heel", "toe", "ankle"))
        middle = (0.35 * heel + 0.65 * toe) * 0.6 + 0.4 * ankle
        points = self.project(np.stack([ankle, heel, middle, toe]))
        radii = np.array([0.021, 0.02, 0.019, 0.0165]) * self.height
        upper = paint.capsule(points[[0, 2]], radii[[0, 2]])
        sole = paint.capsule(points[[1, 3]], radii[[1, 3]])
        self.painter.cloth(
            np.concatenate([upper, sole]),
            self.outfit.shoes,
            self._label(f"{side}_foot"),
            points[[1, 3]],
            radii.max(),
            self.height,
        )

    def _trunk_ellipses(self, first, last):
        """Returns centres and projected half axes of the rows of `TRUNK`."""
        figure, joints = self.figure, self.figure.joints
        centers, wide, deep = [], [], []
        for anchor, rise, width, depth in TRUNK[first:last]:
            frame = figure.pelvis if anchor == "pelvis" else figure.torso
            width, depth = width * figure.build, depth * figure.build
            centers.append(self.project(joints[anchor] + frame[:, 1] * rise))
            wide.append(frame[:2, 0] * (1, -1) * width * self.height)
            deep.append(frame[:2, 2] * (1, -1) * depth * self.height)
        return np.array(centers), np.array(wide), np.array(deep)

    def _trunk(self, tile, first, last):
        centers, wide, deep = self._trunk_ellipses(first, last)
        radius = np.sqrt(np.max(np.sum(wide**2 + deep**2, axis=1)))
        self.painter.cloth(
            paint.sweep(centers, wide, deep),
            tile,
            self._label("torso"),
            (centers[-1], centers[0]),
            radius,
            self.height,
        )

    def _pelvis(self):
        self._trunk(self.outfit.trousers, 0, 3)

    def _torso(self):
        self._trunk(self.outfit.shirt, 1, None)
        front = self.figure.torso[:, 2]
        if front[2] < 0.2:
            return
        # The opening of the shirt tells the front from the back.
        neck, axes = self.figure.joints["neck"], self.figure.torso
        build = self.figure.build

        def at(x, y, z):
            return self.project(neck + axes @ (x * build, y, z * build))

        if self.outfit.front == "neck":
            corners = (
                at(-0.034, 0.006, 0.03),
                at(0.034, 0.006, 0.03),
                at(0, -0.06, 0.06),
            )
            color = self.outfit.skin[0, 0] * 0.97
            self.painter.flat(np.array([corners]), color, within=self._label("torso"))
            return
        spots = np.array([at(0, y, 0.06) for y in np.linspace(-0.01, -0.24, 6)])
        size = max(0.0055 * self.height, 1.0)
        if self.outfit.front == "zip":
            shape = paint.capsule(spots, np.full(6, size))
        else:
            shape = np.concatenate(
                [paint.capsule(spot[None], [1.4 * size]) for spot in spots]
            )
        self.painter.flat(shape, self.outfit.trim, within=self._label("torso"))

    def _neck(self):
        joints = self.figure.joints
        low = joints["neck"] - 0.01 * self.figure.torso[:, 1]
        high = joints["neck"] + 0.75 * (joints["head"] - joints["neck"])
        points = self.project(np.stack([low, high]))
        radius = 0.03 * self.figure.build * self.height
        self.painter.cloth(
            paint.capsule(points, [radius * 1.05, radius]),
            self.outfit.skin * 0.9,
            self._label("neck"),
            points,
            radius,
            self.height,
        )

    def _seat(self):
        """Paints the box a sitting figure rests on; its label is background."""
        joints = self.figure.joints
        pelvis = joints["pelvis"]
        knees = (joints["left_knee"] + joints["right_knee"]) / 2
        floor = min(joints[f"{s}_{n}"][1] for s in SIDES for n in ("heel", "toe"))
        middle = self.project(pelvis + 0.45 * (knees - pelvis))
        top = self.project(pelvis)[1] + 0.05 * self.height
        bottom = self.project(np.array([0, floor - 0.012, 0]))[1]
        reach = abs(knees[0] - pelvis[0]) * 0.5 + 0.11
        left, right = middle[0] - reach * self.height, middle[0] + reach * self.height
        lip = top + 0.045 * self.height
        body = [[left, lip], [right, lip], [right, bottom], [left, bottom]]
        face = [[left, top], [right, top], [right, lip], [left, lip]]
        self.painter.flat(np.array([body]), self.seat * 0.7, 0)
        self.painter.flat(np.array([face]), self.seat, 0)
