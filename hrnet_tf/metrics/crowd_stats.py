"""CrowdPose's numbers: COCO's AP and AR without sizes, and AP by how crowded it is.

Reference: https://github.com/Jeff-sjtu/CrowdPose, crowdposetools/cocoeval.py.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

# CrowdPose has no segments: a part of the box stands for them.
AREA_OF_BOX = 0.53
# Up to these crowd indices images are easy, and of medium difficulty.
EASY, MEDIUM = 0.2, 0.8
STAT_NAMES = (
    *("AP", "Ap .5", "AP .75", "AR", "AR .5", "AR .75"),
    *("AP (easy)", "AP (medium)", "AP (hard)"),
)


def crowd_keypoint_stats(
    ground_truth: dict[str, Any],
    results: Sequence[dict[str, Any]],
    sigmas: Sequence[float],
    crowd_indices: Mapping[int, float],
) -> dict[str, float]:
    """Computes CrowdPose's numbers.

    Args:
        ground_truth: dict as `coco_truth.ground_truth` returns it.
        results: list of dicts, see `People.to_coco`.
        sigmas: `K` float.
        crowd_indices: dict of image id to its crowd index, 0..1.
    Returns:
        dict of `STAT_NAMES` to float; -1 where there is nobody to measure it on.
    Raises:
        ValueError: if an image has no crowd index.
    """
    from hrnet_tf.metrics.coco_stats import evaluate_keypoints

    every = [image["id"] for image in ground_truth["images"]]
    check_crowd_indices(crowd_indices, every)
    annotations = [
        {**entry, "area": entry["bbox"][2] * entry["bbox"][3] * AREA_OF_BOX}
        for entry in ground_truth["annotations"]
    ]
    truth = {**ground_truth, "annotations": annotations}
    evaluation = evaluate_keypoints(truth, results, sigmas)
    numbers = {
        "AP": _mean(evaluation.eval["precision"]),
        "Ap .5": _mean(evaluation.eval["precision"][:1]),
        "AP .75": _mean(evaluation.eval["precision"][5:6]),
        "AR": _mean(evaluation.eval["recall"]),
        "AR .5": _mean(evaluation.eval["recall"][:1]),
        "AR .75": _mean(evaluation.eval["recall"][5:6]),
    }
    for name, least, most in (
        ("easy", -np.inf, EASY),
        ("medium", EASY, MEDIUM),
        ("hard", MEDIUM, np.inf),
    ):
        chosen = [i for i in every if least <= crowd_indices[i] < most]
        found = -1.0
        if chosen:
            part = evaluate_keypoints(truth, results, sigmas, chosen)
            found = _mean(part.eval["precision"])
        numbers[f"AP ({name})"] = found
    return numbers


def check_crowd_indices(
    crowd_indices: Mapping[int, float], image_ids: Sequence[int]
) -> None:
    """Raises ValueError unless all images have a crowd index.

    Args:
        crowd_indices: see `crowd_keypoint_stats`.
        image_ids: ids of the images that are tested.
    """
    lacking = [i for i in image_ids if not np.isfinite(crowd_indices.get(i, np.nan))]
    if lacking:
        raise ValueError(
            "CrowdPose's numbers need the crowdIndex of each image, which"
            f" {len(lacking)} of {len(image_ids)} lack, such as the image"
            f" {lacking[0]}. Take CrowdPose's own files, or the metric oks."
        )


def _mean(values):
    """The mean over all people, whatever their size; -1 of nobody."""
    axis = values.ndim - 2
    values = values.take(0, axis=axis)
    values = values[values > -1]
    return float(values.mean()) if values.size else -1.0
