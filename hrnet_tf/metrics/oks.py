"""Object keypoint similarity (OKS), rescoring and suppression.

The steps of the official top-down test, in their order: `rescore` the people of every
box, suppress repeated ones with `oks_nms` (both in `coco_results`), and compare with
the annotations in `coco_stats.coco_keypoint_stats`.

Reference: deep-high-resolution-net.pytorch, lib/nms/nms.py and lib/dataset/coco.py;
    https://cocodataset.org/#keypoints-eval.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from hrnet_tf.data.keypoint_sets import KEYPOINT_SETS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


COCO_SIGMAS = KEYPOINT_SETS["coco"].sigmas


def oks(
    keypoints: np.ndarray,
    others: np.ndarray,
    areas: np.ndarray | float,
    other_areas: np.ndarray | float,
    sigmas: "ArrayLike | None" = COCO_SIGMAS,
) -> np.ndarray:
    """Similarity of pairs of predicted people, between 0 and 1.

    Every keypoint counts, whatever its score, and the area is the mean of the pair's.
    Leading dimensions broadcast: `[N, 1, K, 2]` with `[M, K, 2]` gives all pairs.

    Args:
        keypoints: array `[..., K, 2 or more]` of x, y in pixels.
        others: array `[..., K, 2 or more]`, the other side of every pair.
        areas: array `[...]`, area in square pixels of each person of `keypoints`.
        other_areas: array `[...]`, the same for `others`.
        sigmas: `K` float, COCO's per-keypoint constants k / 2 (0.026 for the nose).
    Returns:
        float64 array `[...]`.
    Raises:
        ValueError: if the number of keypoints and of sigmas differ.
    """
    points = np.asarray(keypoints, np.float64)[..., :2]
    other_points = np.asarray(others, np.float64)[..., :2]
    sigmas = checked_sigmas(sigmas, points.shape[-2], "keypoints")
    checked_sigmas(sigmas, other_points.shape[-2], "others")
    mean_areas = (np.asarray(areas) + np.asarray(other_areas, np.float64)) / 2
    distances = np.square(points - other_points).sum(-1)
    # The spacing keeps an area of zero from dividing by zero, as in the official code.
    scaled = distances / (2 * sigmas) ** 2 / (mean_areas + np.spacing(1))[..., None] / 2
    return np.exp(-scaled).mean(-1)


def rescore(
    keypoint_scores: np.ndarray, box_scores: np.ndarray, threshold: float = 0.2
) -> np.ndarray:
    """Scores people: the mean of their confident keypoint scores times the box score.

    Args:
        keypoint_scores: array `[N, K]`, the peak of each heatmap.
        box_scores: array `[N]`.
        threshold: float. Only keypoint scores above it count; a person without any
            gets 0.
    Returns:
        float64 array `[N]`.
    Raises:
        ValueError: for wrong shapes or NaN.
    """
    scores = np.asarray(keypoint_scores)
    box_scores = np.asarray(box_scores, np.float64)
    if scores.ndim != 2 or box_scores.shape != scores.shape[:1] or not scores.shape[1]:
        raise ValueError(
            "Expected keypoint_scores [N, K] and box_scores [N]. Received the shapes"
            f" {scores.shape} and {box_scores.shape}."
        )
    check_finite(scores, "keypoint_scores")
    check_finite(box_scores, "box_scores")
    confident = scores > threshold
    # The official code adds float32 scores one after the other. np.sum would add them
    # pairwise, and the published numbers would only be met up to rounding.
    sums = np.cumsum(np.where(confident, scores, 0), axis=1, dtype=scores.dtype)[:, -1]
    return sums / np.maximum(confident.sum(1), 1).astype(scores.dtype) * box_scores


def oks_nms(
    keypoints: np.ndarray,
    scores: np.ndarray,
    areas: np.ndarray,
    sigmas: "ArrayLike | None" = COCO_SIGMAS,
    threshold: float = 0.9,
) -> np.ndarray:
    """Keeps the best of all predictions that describe the same person of one image.

    Args:
        keypoints: array `[N, K, 2 or more]` of x, y in pixels.
        scores: array `[N]`, those of `rescore`.
        areas: array `[N]` in square pixels; officially of the padded box the crop was
            taken from.
        sigmas: `K` float.
        threshold: float. A person is dropped if its OKS with a better one is above it.
    Returns:
        int64 array of the indices kept, the best score first; of equal scores the
        earlier one goes first.
    Raises:
        ValueError: for wrong shapes or NaN.
    """
    keypoints, scores, areas = _checked_people(keypoints, scores, areas)
    order = np.argsort(-scores, kind="stable")
    keep: list[int] = []
    while order.size:
        best, order = order[0], order[1:]
        keep.append(best)
        overlaps = oks(
            keypoints[best], keypoints[order], areas[best], areas[order], sigmas
        )
        order = order[overlaps <= threshold]
    return np.asarray(keep, np.int64)


def soft_oks_nms(
    keypoints: np.ndarray,
    scores: np.ndarray,
    areas: np.ndarray,
    sigmas: "ArrayLike | None" = COCO_SIGMAS,
    threshold: float = 0.9,
    max_people: int = 20,
) -> np.ndarray:
    """Orders the people of one image, letting a kept one lower the others' scores.

    A score decays by `exp(-oks ** 2 / threshold)`. Like the official option the lowered
    scores only decide who comes next and who is left out.

    Args:
        keypoints: array `[N, K, 2 or more]` of x, y in pixels.
        scores: array `[N]`.
        areas: array `[N]` in square pixels.
        sigmas: `K` float.
        threshold: float, the width of the decay.
        max_people: int. At most this many are kept (COCO scores 20 an image).
    Returns:
        int64 array of the indices kept, in the order they were taken.
    Raises:
        ValueError: for wrong shapes or NaN.
    """
    keypoints, scores, areas = _checked_people(keypoints, scores, areas)
    remaining = np.argsort(-scores, kind="stable")
    scores = scores[remaining]
    keep: list[int] = []
    while remaining.size and len(keep) < max_people:
        best, remaining = remaining[0], remaining[1:]
        keep.append(best)
        overlaps = oks(
            keypoints[best], keypoints[remaining], areas[best], areas[remaining], sigmas
        )
        scores = scores[1:] * np.exp(-np.square(overlaps) / threshold)
        order = np.argsort(-scores, kind="stable")
        remaining, scores = remaining[order], scores[order]
    return np.asarray(keep, np.int64)


def coco_results(
    image_ids: np.ndarray,
    keypoints: np.ndarray,
    box_scores: np.ndarray,
    areas: np.ndarray,
    sigmas: "ArrayLike | None" = COCO_SIGMAS,
    *,
    score_threshold: float = 0.2,
    oks_threshold: float = 0.9,
    soft: bool = False,
    category_id: int = 1,
) -> list[dict[str, Any]]:
    """Turns predictions on boxes into COCO's result format: rescored and suppressed.

    Args:
        image_ids: int array `[N]`, the image of each box.
        keypoints: array `[N, K, 3]` of x, y (pixels of the image) and score.
        box_scores: array `[N]`; ones for ground-truth boxes.
        areas: array `[N]` in square pixels of the padded boxes, officially
            `prod(scale * 200)`.
        sigmas: `K` float, or None to skip the suppression where OKS is not defined.
        score_threshold: float, that of `rescore`.
        oks_threshold: float, that of `oks_nms`.
        soft: bool. Use `soft_oks_nms`.
        category_id: int written into every result.
    Returns:
        list of dicts `{"image_id", "category_id", "keypoints": 3 K floats, "score"}`,
        images in the order they first appear, the best person first.
    Raises:
        ValueError: for wrong shapes or NaN.
    """
    keypoints, ids = np.asarray(keypoints), np.asarray(image_ids)
    if keypoints.shape != (*ids.shape, *keypoints.shape[1:2], 3) or ids.ndim != 1:
        raise ValueError(
            "Expected image_ids [N] and keypoints [N, K, 3] of x, y, score. Received"
            f" the shapes {ids.shape} and {keypoints.shape}."
        )
    scores = rescore(keypoints[..., 2], box_scores, score_threshold)
    _, areas = _checked_people(keypoints, scores, areas)[1:]
    suppress = soft_oks_nms if soft else oks_nms
    results = []
    for people in _groups(ids):
        if sigmas is not None:
            keep = suppress(
                keypoints[people], scores[people], areas[people], sigmas, oks_threshold
            )
            # The official code keeps everybody where nobody is left.
            people = people[keep] if keep.size else people
        for person in people:
            results.append(
                {
                    "image_id": int(ids[person]),
                    "category_id": category_id,
                    "keypoints": keypoints[person].ravel().tolist(),
                    "score": float(scores[person]),
                }
            )
    return results


def _groups(ids):
    """Indices of the entries of each id, ids in the order of their first entry."""
    _, first, inverse = np.unique(ids, return_index=True, return_inverse=True)
    members = np.split(
        np.argsort(inverse, kind="stable"), np.cumsum(np.bincount(inverse))[:-1]
    )
    return [members[i] for i in np.argsort(first)]


def check_finite(values: np.ndarray, name: str) -> None:
    """Checks that a diverged model does not pass for one that finds nothing.

    Args:
        values: array of any shape.
        name: str. What the values are, for the error.
    Raises:
        ValueError: naming the first value that is not finite, and its place.
    """
    bad = np.argwhere(~np.isfinite(values))
    if bad.size:
        where = tuple(int(i) for i in bad[0])
        raise ValueError(
            f"{name} holds {values[where]} at {list(where)}"
            f" ({len(bad)} such values of {values.size}); expected finite numbers."
            " A diverged model predicts such values."
        )


def _checked_people(keypoints, scores, areas):
    keypoints = np.asarray(keypoints)
    scores, areas = np.asarray(scores, np.float64), np.asarray(areas, np.float64)
    if keypoints.ndim != 3 or not scores.shape == areas.shape == keypoints.shape[:1]:
        raise ValueError(
            "Expected keypoints [N, K, 2 or more], scores [N] and areas [N]. Received"
            f" the shapes {keypoints.shape}, {scores.shape} and {areas.shape}."
        )
    check_finite(keypoints, "keypoints")
    check_finite(scores, "scores")
    check_finite(areas, "areas")
    return keypoints, scores, areas


def checked_sigmas(
    sigmas: "ArrayLike | None", num_keypoints: int, what: str
) -> np.ndarray:
    """Returns the constants of a keypoint set as an array, one for each keypoint.

    Args:
        sigmas: `K` float, as `oks` takes them.
        num_keypoints: int, `K`.
        what: str. What they are for; the error begins with it.
    Returns:
        float64 array `[K]`.
    Raises:
        ValueError: if there is another number of them.
    """
    sigmas = np.asarray(sigmas, np.float64)
    if sigmas.shape != (num_keypoints,):
        raise ValueError(
            f"{what}: {num_keypoints} keypoints a person, but sigmas of shape"
            f" {sigmas.shape}. Pass the sigmas of this keypoint set, one a keypoint."
        )
    return sigmas
