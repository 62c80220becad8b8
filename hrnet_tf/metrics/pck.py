"""Percentage of correct keypoints: PCKh of MPII, and PCK for other data sets.

Reference: deep-high-resolution-net.pytorch, lib/dataset/mpii.py (PCKh); Yang &
    Ramanan, "Articulated human detection with flexible mixtures of parts" (PCK).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from hrnet_tf.data.keypoint_sets import KeypointSet


# Rows of the official table and their joints in MPII's order.
_PCKH_ROWS = {
    "Head": (9,),
    "Shoulder": (13, 12),
    "Elbow": (14, 11),
    "Wrist": (15, 10),
    "Hip": (3, 2),
    "Knee": (4, 1),
    "Ankle": (5, 0),
}
_PELVIS_AND_THORAX = (6, 7)
_NUM_MPII_JOINTS = 16


@dataclass(frozen=True, eq=False)
class PCK:
    """The outcome of `pck`.

    Args:
        mean: float in 0..1, over all labelled joints of all people.
        per_joint: float64 array `[K]` in 0..1; NaN for a joint that nobody shows.
        counts: int64 array `[K]`, how often each joint is labelled.
        num_people: int, people that were scored.
        num_excluded: int, people left out because their reference length is 0.
        threshold: float, the error allowed in reference lengths.
    """

    mean: float
    per_joint: np.ndarray
    counts: np.ndarray
    num_people: int
    num_excluded: int
    threshold: float

    def to_dict(self, names: Sequence[str] | None = None) -> dict[str, Any]:
        """Returns plain Python values for json; NaN becomes None.

        Args:
            names: `K` str, the joints' names. None: their indices.
        """
        keys = map(str, range(len(self.per_joint)) if names is None else names)
        values = [None if np.isnan(v) else float(v) for v in self.per_joint]
        return {
            f"PCK@{self.threshold:g}": self.mean,
            "per_joint": dict(zip(keys, values, strict=True)),
            "num_people": self.num_people,
            "num_excluded": self.num_excluded,
        }


def pck(
    predictions: np.ndarray,
    keypoints: np.ndarray,
    reference_lengths: np.ndarray,
    threshold: float = 0.2,
) -> PCK:
    """Share of the labelled joints predicted within a part of a reference length.

    Args:
        predictions: array `[N, K, 2 or more]` of x, y in pixels.
        keypoints: array `[N, K, 3]` of x, y, visibility; joints with visibility 0 do
            not count.
        reference_lengths: array `[N]` in pixels, such as the torso's diameter (see
            `reference_lengths`). People with 0 are left out and counted.
        threshold: float. The error, divided by the length, may not exceed it.
    Returns:
        a `PCK`.
    Raises:
        ValueError: for wrong shapes, NaN, negative lengths, or nobody to score.
    """
    errors, labelled = labelled_errors(predictions, keypoints)
    lengths = checked_lengths(reference_lengths, "reference_lengths", len(errors))
    scored = lengths > 0
    if not labelled[scored].any():
        raise ValueError(
            f"PCK of {len(errors)} people, of whom {np.count_nonzero(~scored)} have a"
            " reference length of 0, and the others no labelled joint: nothing is left"
            " to score. Choose other reference joints, or check the visibilities."
        )
    labelled = labelled[scored]
    correct = labelled & (errors[scored] <= threshold * lengths[scored][:, None])
    counts = labelled.sum(0)
    return PCK(
        mean=float(correct.sum() / counts.sum()),
        per_joint=_share(correct.sum(0), counts),
        counts=counts,
        num_people=int(np.count_nonzero(scored)),
        num_excluded=int(np.count_nonzero(~scored)),
        threshold=float(threshold),
    )


def reference_lengths(
    keypoints: np.ndarray,
    keypoint_set: "KeypointSet",
    pair: Sequence[Any] | None = None,
) -> np.ndarray:
    """Distances between two joints of every person, the unit of `pck`.

    Args:
        keypoints: array `[N, K, 3]` of x, y, visibility.
        keypoint_set: `KeypointSet` with `K` names.
        pair: two joint names; None takes the set's `pck_reference`.
    Returns:
        float64 array `[N]` in pixels; 0 where one of the two is not labelled.
    Raises:
        ValueError: if there is no pair, or the number of keypoints differs.
    """
    pair = keypoint_set.pck_reference if pair is None else pair
    if pair is None:
        raise ValueError(
            f"The keypoint set {keypoint_set.name!r} names no pck_reference. Add a pair"
            " of joints to it, or pass pair=(name, name)."
        )
    keypoints = _checked_keypoints(keypoints)
    if keypoints.shape[1] != keypoint_set.num_keypoints:
        raise ValueError(
            f"keypoints of shape {keypoints.shape} have {keypoints.shape[1]} keypoints;"
            f" the set {keypoint_set.name!r} has {keypoint_set.num_keypoints}."
        )
    first, second = (keypoints[:, keypoint_set.index(name)] for name in pair)
    distances = np.linalg.norm(first[:, :2] - second[:, :2], axis=-1)
    return np.where((first[:, 2] > 0) & (second[:, 2] > 0), distances, 0.0)


def box_lengths(boxes: np.ndarray) -> np.ndarray:
    """The longer sides of boxes: the unit of `pck` where there is no pair of joints.

    Args:
        boxes: array `[N, 4]` of x, y, width, height in pixels.
    Returns:
        float64 array `[N]` in pixels; 0 for a box without extent.
    """
    return np.maximum(0.0, np.asarray(boxes, np.float64)[:, 2:].max(1, initial=0.0))


def pckh(
    predictions: np.ndarray, keypoints: np.ndarray, head_sizes: np.ndarray
) -> dict[str, float]:
    """The official table of MPII: PCKh@0.5 by group, and the mean at two thresholds.

    A group is the mean of its left and its right joint. The means weight a joint by how
    often it is labelled and leave out pelvis and thorax. "Mean@0.1" has always been
    evaluated at 0.11 by the official code; so it is here, for comparison.

    Args:
        predictions: array `[N, 16, 2 or more]` of x, y in pixels, in MPII's order.
        keypoints: array `[N, 16, 3]` of x, y, visibility.
        head_sizes: array `[N]` in pixels: 0.6 x the head box's diagonal.
    Returns:
        dict of float in percent: Head, Shoulder, Elbow, Wrist, Hip, Knee, Ankle, Mean,
        Mean@0.1; NaN for a group with a joint that nobody shows.
    Raises:
        ValueError: for wrong shapes, NaN, or unknown head sizes.
    """
    errors, labelled = labelled_errors(predictions, keypoints)
    if errors.shape[1] != _NUM_MPII_JOINTS:
        raise ValueError(
            f"PCKh is defined for MPII's {_NUM_MPII_JOINTS} joints. Received"
            f" {errors.shape[1]}. Use `pck` for other keypoint sets."
        )
    sizes = checked_lengths(head_sizes, "head_sizes", len(errors))
    unknown = np.flatnonzero(sizes == 0)
    if unknown.size:
        raise ValueError(
            f"head_sizes is 0 for {unknown.size} of {len(sizes)} people, the first one"
            f" is person {unknown[0]}. PCKh needs every head size: load MPII with its"
            " ground truth .mat file."
        )
    scaled = errors / sizes[:, None]
    counts = labelled.sum(0)
    correct = (labelled & (scaled <= 0.5)).sum(0)
    shares = 100 * _share(correct, counts)
    table = {
        row: float(np.mean(shares[list(joints)])) for row, joints in _PCKH_ROWS.items()
    }
    others = np.setdiff1d(np.arange(_NUM_MPII_JOINTS), _PELVIS_AND_THORAX)
    # The official code takes entry 11, one too far, of the thresholds 0, 0.01, ...
    threshold = np.arange(0, 0.5 + 0.01, 0.01)[11]
    strict = (labelled & (scaled <= threshold)).sum(0)
    total = counts[others].sum()
    table["Mean"] = float(100 * _share(correct[others].sum(), total))
    table["Mean@0.1"] = float(100 * _share(strict[others].sum(), total))
    return table


def _share(part, total):
    """`part / total`, NaN for a total of 0."""
    part, total = np.asarray(part, np.float64), np.asarray(total, np.float64)
    return np.divide(part, total, out=np.full(total.shape, np.nan), where=total > 0)


def _checked_keypoints(keypoints):
    keypoints = np.asarray(keypoints, np.float64)
    if keypoints.ndim != 3 or keypoints.shape[2] != 3:
        raise ValueError(
            "Expected keypoints [N, K, 3] of x, y, visibility. Received the shape"
            f" {keypoints.shape}."
        )
    bad = np.argwhere(~np.isfinite(keypoints))
    if bad.size:
        person, joint, _ = map(int, bad[0])
        raise ValueError(
            f"keypoints holds {keypoints[person, joint].tolist()} for joint {joint} of"
            f" person {person}; expected finite x, y, visibility."
        )
    return keypoints


def labelled_errors(
    predictions: np.ndarray, keypoints: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the distances `[N, K]` in pixels and which of them count (bool `[N, K]`).

    Args:
        predictions: array `[N, K, 2 or more]` of x, y in pixels.
        keypoints: array `[N, K, 3]` of x, y, visibility.
    Raises:
        ValueError: for wrong shapes or NaN.
    """
    keypoints = _checked_keypoints(keypoints)
    predictions = np.asarray(predictions, np.float64)
    if predictions.ndim != 3 or predictions.shape[:2] != keypoints.shape[:2]:
        raise ValueError(
            "Expected one prediction [N, K, 2] for each of the keypoints [N, K, 3]."
            f" Received the shapes {predictions.shape} and {keypoints.shape}."
        )
    if predictions.shape[2] < 2 or not len(predictions):
        raise ValueError(
            "Expected predictions [N, K, 2] of x, y for at least one person. Received"
            f" the shape {predictions.shape}."
        )
    errors = np.linalg.norm(predictions[..., :2] - keypoints[..., :2], axis=-1)
    bad = np.argwhere(~np.isfinite(errors))
    if bad.size:
        person, joint = map(int, bad[0])
        raise ValueError(
            f"predictions holds {predictions[person, joint].tolist()} for joint {joint}"
            f" of person {person}; expected finite numbers. A diverged model predicts"
            " such values."
        )
    return errors, keypoints[..., 2] > 0


def checked_lengths(lengths: np.ndarray, name: str, num_people: int) -> np.ndarray:
    """Returns lengths in pixels as float64 `[N]`; 0 is allowed, for unknown ones.

    Args:
        lengths: array `[N]`.
        name: str, what they are called in messages.
        num_people: int, `N`.
    Raises:
        ValueError: for another shape, negative lengths or NaN.
    """
    lengths = np.asarray(lengths, np.float64)
    if lengths.shape != (num_people,):
        raise ValueError(
            f"Expected {name} of shape [{num_people}], one a person. Received the shape"
            f" {lengths.shape}."
        )
    bad = np.flatnonzero(~(np.isfinite(lengths) & (lengths >= 0)))
    if bad.size:
        raise ValueError(
            f"{name} holds {lengths[bad[0]]} for person {bad[0]}; expected pixels, or 0"
            " where it is not known."
        )
    return lengths
