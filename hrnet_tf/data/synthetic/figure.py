"""The bodies of the embedded data set: sampled postures as three-dimensional joints.

A figure is posed in space and then turned before a parallel camera, so that
foreshortening, the order of limbs in depth and which half of the face shows all
follow from one set of angles and always agree with each other.

Body frame: x to the person's left, y up, z forward; lengths are in units of the
standing height, angles in degrees.
"""

import dataclasses
import math
from typing import Any

import numpy as np

SIDES = {"left": 1.0, "right": -1.0}

# Each entry holds the ranges of the two sides; which side gets the first one is
# drawn by chance. "flex" lifts the thigh forward, "spread" outwards.
LEGS = {
    "stand": {},
    "wide": {"spread": ((10, 22), (10, 22))},
    "relax": {"flex": ((-4, 4), (14, 28)), "knee": ((0, 4), (22, 45))},
    "walk": {"flex": ((14, 36), (-24, -6)), "knee": ((2, 18), (10, 42))},
    "run": {"flex": ((40, 75), (-28, -8)), "knee": ((50, 95), (30, 85))},
    "step": {"flex": ((-4, 4), (50, 90)), "knee": ((0, 6), (50, 100))},
    "sit": {
        "flex": ((72, 92), (72, 92)),
        "knee": ((68, 98), (68, 98)),
        "spread": ((4, 18), (4, 18)),
    },
    "crouch": {
        "flex": ((75, 110), (60, 100)),
        "knee": ((95, 130), (90, 125)),
        "spread": ((8, 22), (8, 22)),
    },
}
LEG_DEFAULTS = {
    "flex": ((-4, 8), (-4, 8)),
    "knee": ((0, 8), (0, 8)),
    "spread": ((0, 8), (0, 8)),
}
# Forward and sideways bend of the trunk; other postures take "stand".
TRUNKS = {
    "stand": ((-4, 6), (-5, 5)),
    "relax": ((-4, 6), (-14, 14)),
    "walk": ((0, 8), (-4, 4)),
    "run": ((8, 24), (-5, 5)),
    "sit": ((-6, 22), (-8, 8)),
    "crouch": ((15, 38), (-6, 6)),
    "bend": ((30, 62), (-8, 8)),
}
POSTURES = {
    "stand": 0.24,
    "wide": 0.1,
    "relax": 0.14,
    "walk": 0.19,
    "run": 0.08,
    "step": 0.05,
    "sit": 0.11,
    "crouch": 0.04,
    "bend": 0.05,
}
# (forward, outwards, inward turn of the upper arm, elbow)
ARMS = {
    "hang": ((-12, 16), (4, 18), (-10, 30), (4, 30)),
    "hip": ((-25, -5), (36, 52), (70, 95), (80, 105)),
    "up": ((0, 25), (138, 172), (-30, 30), (0, 45)),
    "wave": ((-5, 10), (70, 110), (-105, -75), (65, 115)),
    "forward": ((55, 95), (0, 18), (-20, 30), (0, 45)),
    "aside": ((-8, 10), (65, 100), (-90, 40), (0, 28)),
    "chest": ((28, 48), (0, 15), (40, 70), (85, 118)),
    "face": ((38, 65), (10, 30), (10, 40), (115, 142)),
    "back": ((-32, -14), (8, 22), (10, 50), (15, 50)),
}
ARM_CHANCES = (0.36, 0.11, 0.12, 0.08, 0.09, 0.09, 0.05, 0.05, 0.05)
# (chance, centre, half range) of the turn before the camera; 0 faces it.
VIEWS = (
    (0.45, 0, 25),
    (0.11, 48, 20),
    (0.11, -48, 20),
    (0.05, 88, 16),
    (0.05, -88, 16),
    (0.23, 180, 32),
)


@dataclasses.dataclass(frozen=True)
class Figure:
    """A posed body seen by the camera.

    Attributes:
        joints: dict from a name to a float64 `[3]` point: picture right, up and
            towards the viewer, in units of the standing height, pelvis at 0.
        torso, pelvis, head: float64 `[3, 3]` rotations from the frame of that
            body part to the frame of the camera.
        posture: str, a key of `POSTURES`.
        build: float, factor of all widths.
        head_size: float, factor of the head.
    """

    joints: dict
    torso: np.ndarray
    pelvis: np.ndarray
    head: np.ndarray
    posture: str
    build: float
    head_size: float

    def extent(self) -> tuple[float, float, float, float]:
        """Returns left, bottom, right, top around the joints, with flesh."""
        points = np.array(list(self.joints.values()))[:, :2]
        margin = 0.035 * self.build
        crown = self.joints["head"][1] + 0.085 * self.head_size
        low, high = points.min(axis=0) - margin, points.max(axis=0) + margin
        return low[0], low[1] + margin * 0.6, high[0], max(high[1], crown)


def rotation(axis: str, degrees: float) -> np.ndarray:
    """Returns the float64 `[3, 3]` rotation about "x", "y" or "z"."""
    angle = math.radians(degrees)
    c, s = math.cos(angle), math.sin(angle)
    if axis == "x":
        return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    if axis == "y":
        return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def sample_figure(rng: np.random.Generator, camera_pitch: float = 6.0) -> Figure:
    """Draws a posture, a build and a view.

    Args:
        rng: numpy.random.Generator.
        camera_pitch: float, degrees by which the camera looks down.
    Returns:
        A `Figure`.
    """
    posture = str(rng.choice(list(POSTURES), p=list(POSTURES.values())))
    child = rng.random() < 0.15
    head_size = rng.uniform(1.2, 1.4) if child else rng.uniform(0.95, 1.12)
    build = rng.uniform(0.88, 1.22)
    joints: dict[str, Any] = {}
    frames: dict[str, Any] = {}
    _pose_trunk(rng, posture, build, head_size, joints, frames)
    _pose_arms(rng, posture, child, joints, frames["torso"])
    _pose_legs(rng, posture, child, joints, frames["pelvis"])
    weights = [view[0] for view in VIEWS]
    _, centre, half = VIEWS[rng.choice(len(VIEWS), p=weights)]
    yaw = centre + rng.uniform(-half, half)
    camera = rotation("x", camera_pitch) @ rotation("y", yaw)
    return Figure(
        joints={name: camera @ point for name, point in joints.items()},
        torso=camera @ frames["torso"],
        pelvis=camera @ frames["pelvis"],
        head=camera @ frames["head"],
        posture=posture,
        build=build,
        head_size=head_size,
    )


def _pose_trunk(rng, posture, build, head_size, joints, frames):
    """Places the pelvis, spine, head, shoulders and hips."""
    forward, sideways = TRUNKS.get(posture, TRUNKS["stand"])
    forward, sideways = rng.uniform(*forward), rng.uniform(*sideways)
    # The pelvis takes part of the bend, as a hip hinge does.
    pelvis = rotation("z", 0.4 * sideways) @ rotation("x", 0.4 * forward)
    torso = rotation("z", sideways) @ rotation("x", forward)
    torso = torso @ rotation("y", rng.uniform(-12, 12))
    # Bent people still look ahead.
    nod = rng.uniform(-12, 16) - 0.6 * forward
    head = torso @ rotation("y", rng.uniform(-32, 32)) @ rotation("x", nod)
    head = head @ rotation("z", rng.uniform(-10, 10))
    joints["pelvis"] = np.zeros(3)
    joints["waist"] = pelvis @ (0, 0.1, 0)
    joints["neck"] = joints["waist"] + torso @ (0, 0.19, 0)
    base = joints["neck"] + torso @ (0, 0.035, 0)
    joints["head"] = base + head_size * (head @ (0, 0.066, 0.014))
    for side, sign in SIDES.items():
        shoulder = (sign * 0.104 * (0.4 + 0.6 * build), -0.026, 0)
        joints[f"{side}_shoulder"] = joints["neck"] + torso @ shoulder
        hip = (sign * 0.056 * (0.3 + 0.7 * build), -0.005, 0)
        joints[f"{side}_hip"] = pelvis @ hip
    frames.update(pelvis=pelvis, torso=torso, head=head)


def _pose_arms(rng, posture, child, joints, torso):
    """Places elbows, wrists and finger tips."""
    names = list(ARMS)
    same = rng.random() < 0.45
    style = str(rng.choice(names, p=ARM_CHANCES))
    swing = 1.0 if rng.random() < 0.5 else -1.0
    short = 0.9 if child else 1.0
    for side, sign in SIDES.items():
        if not same:
            style = str(rng.choice(names, p=ARM_CHANCES))
        flex, spread, turn, elbow = (rng.uniform(*pair) for pair in ARMS[style])
        if posture in ("walk", "run") and style == "hang":
            flex += sign * swing * rng.uniform(12, 32)
            elbow += rng.uniform(40, 70) if posture == "run" else 0
        arm = torso @ rotation("z", sign * spread) @ rotation("x", -flex)
        arm = arm @ rotation("y", -sign * turn)
        fore = arm @ rotation("x", -elbow)
        wrist_bend = rotation("x", rng.uniform(-20, 20))
        # The collar bone lifts the shoulder of a raised arm.
        lift = 0.025 * max(0.0, spread - 80) / 80
        shoulder = joints[f"{side}_shoulder"] + torso @ (-sign * lift, lift, 0)
        joints[f"{side}_shoulder"] = shoulder
        joints[f"{side}_elbow"] = shoulder + short * (arm @ (0, -0.165, 0))
        joints[f"{side}_wrist"] = joints[f"{side}_elbow"] + short * (
            fore @ (0, -0.148, 0)
        )
        joints[f"{side}_hand"] = joints[f"{side}_wrist"] + short * (
            fore @ wrist_bend @ (0, -0.062, 0)
        )


def _pose_legs(rng, posture, child, joints, pelvis):
    """Places knees, ankles, heels and toes."""
    ranges = {**LEG_DEFAULTS, **LEGS.get(posture, {})}
    first = int(rng.integers(2))
    short = 0.88 if child else 1.0
    for number, (side, sign) in enumerate(SIDES.items()):
        pick = (number + first) % 2
        flex = rng.uniform(*ranges["flex"][pick])
        knee = rng.uniform(*ranges["knee"][pick])
        spread = rng.uniform(*ranges["spread"][pick])
        toe_out = rng.uniform(2, 20)
        thigh = pelvis @ rotation("z", sign * spread) @ rotation("x", -flex)
        thigh = thigh @ rotation("y", sign * toe_out * 0.4)
        shin = thigh @ rotation("x", knee)
        hip = joints[f"{side}_hip"]
        joints[f"{side}_knee"] = hip + short * (thigh @ (0, -0.245, 0))
        ankle = joints[f"{side}_knee"] + short * (shin @ (0, -0.235, 0))
        joints[f"{side}_ankle"] = ankle
        # A standing foot lies flat; a lifted one follows the shin.
        lifted = posture in ("run", "step", "walk") and knee > 25
        foot = (shin if lifted else np.eye(3)) @ rotation("y", sign * toe_out)
        joints[f"{side}_heel"] = ankle + foot @ (0, -0.03, -0.022)
        joints[f"{side}_toe"] = ankle + foot @ (0, -0.034, 0.088)
