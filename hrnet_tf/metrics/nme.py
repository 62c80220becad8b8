"""Normalised mean error of landmarks, and what is derived from it.

Reference: HRNet-Facial-Landmark-Detection, lib/core/{evaluation,function}.py; Wu et
    al., "Look at Boundary" (WFLW: failure rate and area under the curve at 0.10).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hrnet_tf.metrics.pck import checked_lengths, labelled_errors, reference_lengths

if TYPE_CHECKING:
    from hrnet_tf.data.keypoint_sets import KeypointSet


@dataclass(frozen=True, eq=False)
class NME:
    """The outcome of `nme`; errors are shares of the normalising length, not percent.

    Args:
        mean: float, over the faces.
        per_face: float64 array `[N]`, the mean over a face's labelled landmarks; NaN
            for a face that was left out.
        per_point: float64 array `[K]`, over the faces; NaN for a landmark that nobody
            shows.
        num_excluded: int, faces left out because they have no labelled landmark or
            their normalising length is 0.
    """

    mean: float
    per_face: np.ndarray
    per_point: np.ndarray
    num_excluded: int

    @property
    def scored(self) -> np.ndarray:
        """float64 array: the errors of the faces that were not left out, ascending."""
        return np.sort(self.per_face[~np.isnan(self.per_face)])

    def failure_rate(self, threshold: float = 0.10) -> float:
        """Returns the share of faces (float) whose error is above a threshold."""
        return float(np.mean(self.scored > threshold))

    def area_under_curve(self, threshold: float = 0.10) -> float:
        """Returns the area (float in 0..1) under the cumulative error curve.

        The curve is the share of faces within an error; its area from 0 to the
        threshold is divided by the threshold. The exact area of that step function:
        published codes sum it up in steps of 0.0001, which differs by at most 0.001.
        """
        return float(np.mean(np.maximum(0.0, 1.0 - self.scored / threshold)))

    def numbers(self) -> dict[str, float]:
        """Returns a dict of float: NME, FR@0.08, FR@0.10 and AUC@0.10."""
        return {
            "NME": self.mean,
            "FR@0.08": self.failure_rate(0.08),
            "FR@0.10": self.failure_rate(0.10),
            "AUC@0.10": self.area_under_curve(0.10),
        }


def nme(predictions: np.ndarray, keypoints: np.ndarray, lengths: np.ndarray) -> NME:
    """Mean distance between landmarks and predictions in units of a length.

    Args:
        predictions: array `[N, K, 2 or more]` of x, y in pixels.
        keypoints: array `[N, K, 3]` of x, y, visibility; landmarks with visibility 0
            do not count.
        lengths: array `[N]` in pixels, from `normalizing_lengths`. Faces with 0 are
            left out and counted.
    Returns:
        an `NME`.
    Raises:
        ValueError: for wrong shapes, NaN, negative lengths, or nothing to score.
    """
    errors, labelled = labelled_errors(predictions, keypoints)
    lengths = checked_lengths(lengths, "lengths", len(errors))
    scored = (lengths > 0) & labelled.any(1)
    if not scored.any():
        raise ValueError(
            f"NME of {len(errors)} faces, of which {np.count_nonzero(lengths <= 0)}"
            " have a normalising length of 0, and the others no labelled landmark:"
            " nothing is left to score. Choose another reference pair, or check the"
            " visibilities."
        )
    shares = np.full(errors.shape, np.nan)
    np.divide(errors, lengths[:, None], out=shares, where=labelled & scored[:, None])
    per_face = _mean(shares, 1)
    return NME(
        mean=float(np.mean(per_face[scored])),
        per_face=per_face,
        per_point=_mean(shares, 0),
        num_excluded=int(np.count_nonzero(~scored)),
    )


def normalizing_lengths(
    keypoints: np.ndarray,
    keypoint_set: "KeypointSet",
    face_sizes: np.ndarray | None = None,
    reference: Sequence[Any] | None = None,
    boxes: np.ndarray | None = None,
) -> np.ndarray:
    """The lengths that errors of faces are relative to.

    They are the distances between the two landmarks of `reference` or of the keypoint
    set's `pck_reference`: the outer corners of the eyes for WFLW, 300W and COFW.
    Where there is no pair, as for AFLW, they are the sizes of the annotated boxes:
    those that the file tells or, if it tells none, the square root of the boxes' area.

    Args:
        keypoints: array `[N, K, 3]` of x, y, visibility.
        keypoint_set: `KeypointSet` with `K` names.
        face_sizes: array `[N]` in pixels or None, such as AFLW's box_size; 0 where it
            is not known.
        reference: pair of landmarks, names or indices, or None for the set's.
        boxes: array `[N, 4]` of x, y, width, height in pixels, or None.
    Returns:
        float64 array `[N]` in pixels; 0 where a landmark of the pair is not labelled.
    Raises:
        ValueError: if there is neither a pair nor sizes, or a size is not known.
    """
    pair = keypoint_set.pck_reference if reference is None else reference
    if pair is not None:
        return reference_lengths(keypoints, keypoint_set, pair)
    num_faces = len(keypoints)
    if face_sizes is None:
        face_sizes = np.zeros(num_faces)
    sizes = checked_lengths(face_sizes, "face_sizes", num_faces)
    if boxes is not None and not sizes.any():
        return box_sizes(boxes)
    unknown = np.flatnonzero(sizes == 0)
    if unknown.size:
        raise ValueError(
            f"Errors of the keypoint set {keypoint_set.name!r} are relative to the"
            f" annotated box size, which is not known for {unknown.size} of"
            f" {num_faces} faces; the first is face {unknown[0]}. Load annotations"
            " with box_size, or pass a reference pair of landmarks."
        )
    return sizes


def box_sizes(boxes: np.ndarray) -> np.ndarray:
    """Square roots of the areas of boxes `[N, 4]` (xywh), float64 `[N]`, px."""
    sides = np.maximum(0.0, np.asarray(boxes, np.float64)[:, 2:])
    return np.sqrt(sides[:, 0] * sides[:, 1])


def _mean(values, axis):
    """The mean of what is not NaN; NaN where nothing is."""
    known = ~np.isnan(values)
    counts = known.sum(axis)
    sums = np.where(known, values, 0.0).sum(axis)
    return np.divide(sums, counts, out=np.full(counts.shape, np.nan), where=counts > 0)
