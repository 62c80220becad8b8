"""The twelve numbers of the COCO detection challenge, by pycocotools."""

import contextlib
import dataclasses
import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from hrnet_tf.metrics.oks import check_finite

STAT_NAMES = (
    *("AP", "AP50", "AP75", "APs", "APm", "APl"),
    *("AR1", "AR10", "AR100", "ARs", "ARm", "ARl"),
)
KINDS = ("bbox", "segm")


@dataclasses.dataclass(frozen=True)
class CocoScores:
    """The outcome of COCO's test.

    Attributes:
        numbers: dict of `STAT_NAMES` to float; -1 where there is nothing of that size.
        category_ids: tuple of `C` int, in the order of what follows.
        per_class: dict of "AP", "AP50", "AP75" and "AR100" to float64 `[C]`; NaN of
            classes without a labelled object.
        precisions: float64 `[C, 101]`, the precision at IoU 0.5 and the recalls 0,
            0.01 ... 1; NaN of classes without a labelled object.
    """

    numbers: dict
    category_ids: tuple
    per_class: dict
    precisions: np.ndarray


def coco_scores(
    ground_truth: dict[str, Any], results: Sequence[dict[str, Any]], kind: str = "bbox"
) -> CocoScores:
    """Scores detections as pycocotools does.

    Args:
        ground_truth: dict as in COCO's files, with "images", "annotations" and
            "categories" (not changed); of annotations are read image_id, category_id,
            bbox and, where they have them, iscrowd, area and segmentation.
        results: list of dicts with image_id, category_id, bbox (x, y, width, height)
            and score; for "segm" with segmentation, runs as COCO writes them. It may be
            empty: then nothing was found.
        kind: "bbox" or "segm".
    Returns:
        `CocoScores`.
    Raises:
        ValueError: if a result is of an unknown image or category, or not finite.
    """
    from pycocotools.cocoeval import COCOeval

    if kind not in KINDS:
        raise ValueError(f"kind must be one of {KINDS}. Received: {kind!r}.")
    _check(ground_truth, results, kind)
    # pycocotools reports its progress with prints.
    with contextlib.redirect_stdout(io.StringIO()):
        truth = _index(ground_truth)
        # Of an empty list pycocotools makes no index.
        found = (
            truth.loadRes(_copied(results, kind))
            if results
            else _index({**ground_truth, "annotations": []})
        )
        evaluation = COCOeval(truth, found, kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    # IoU, recall, class, size, number of detections.
    precision, recall = (
        np.where(evaluation.eval[name] < 0, np.nan, evaluation.eval[name])
        for name in ("precision", "recall")
    )
    per_class = {
        "AP": _mean(precision[:, :, :, 0, -1], (0, 1)),
        "AP50": _mean(precision[0, :, :, 0, -1], 0),
        "AP75": _mean(precision[5, :, :, 0, -1], 0),
        "AR100": _mean(recall[:, :, 0, -1], 0),
    }
    numbers = map(float, evaluation.stats)
    return CocoScores(
        numbers=dict(zip(STAT_NAMES, numbers, strict=True)),
        category_ids=tuple(evaluation.params.catIds),
        per_class=per_class,
        precisions=precision[0, :, :, 0, -1].T,
    )


def _index(dataset):
    """pycocotools' index of annotations, complete and numbered from 1."""
    from pycocotools.coco import COCO

    annotations = []
    for number, entry in enumerate(dataset["annotations"], 1):
        x, y, w, h = entry.get("bbox") or (0, 0, 0, 0)
        annotations.append(
            {
                "iscrowd": 0,
                "area": w * h,
                **{key: value for key, value in entry.items() if value is not None},
                # pycocotools takes a match with the annotation of id 0 for no match.
                "id": number,
                "bbox": [x, y, w, h],
            }
        )
    truth = COCO()
    truth.dataset = {**dataset, "annotations": annotations}
    truth.createIndex()
    return truth


def _check(dataset, results, kind):
    known = {
        "image_id": {image["id"] for image in dataset["images"]},
        "category_id": {category["id"] for category in dataset["categories"]},
    }
    for key, ids in known.items():
        unknown = sorted({result[key] for result in results} - ids)
        if unknown:
            raise ValueError(
                f"{len(unknown)} values of {key!r} in the results are not in the ground"
                f" truth, such as {unknown[:5]}; it has {len(ids)}, such as"
                f" {sorted(ids)[:5]}. Test with the annotations of the images that were"
                " predicted."
            )
    if results:
        check_finite(np.array([r["score"] for r in results]), "The scores")
        check_finite(np.array([r["bbox"] for r in results]), "The boxes")
    if kind == "segm" and not all("segmentation" in r for r in results):
        raise ValueError("Masks are to be tested, but a result has no segmentation.")


def _copied(results, kind):
    """Results with what the evaluation of a kind reads alone.

    With boxes beside masks pycocotools would take the size classes from the boxes.
    """
    key = {"bbox": "bbox", "segm": "segmentation"}[kind]
    keys = ("image_id", "category_id", "score", key)
    return [{name: result[name] for name in keys} for result in results]


def _mean(values, axis):
    """The mean, NaN where there is none, without a warning."""
    counts = np.isfinite(values).sum(axis)
    total = np.nansum(values, axis)
    return np.divide(total, counts, out=np.full(total.shape, np.nan), where=counts > 0)
