"""Object keypoint similarity (OKS): rescoring, suppression and COCO's ten numbers.

The steps of the official top-down test, in their order: `rescore` the people of every
box, suppress repeated ones with `oks_nms` (both in `coco_results`), and compare with
the annotations in `coco_keypoint_stats`.

Reference: deep-high-resolution-net.pytorch, lib/nms/nms.py and lib/dataset/coco.py;
    https://cocodataset.org/#keypoints-eval.
"""

import contextlib
import io
import json
from collections import Counter
from pathlib import Path

import numpy as np

from hrnet_tf.data.keypoint_sets import KEYPOINT_SETS

COCO_SIGMAS = KEYPOINT_SETS["coco"].sigmas

# The official spelling, with its one small p.
STAT_NAMES = (
    *("AP", "Ap .5", "AP .75", "AP (M)", "AP (L)"),
    *("AR", "AR .5", "AR .75", "AR (M)", "AR (L)"),
)


def oks(keypoints, others, areas, other_areas, sigmas=COCO_SIGMAS):
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
    sigmas = _checked_sigmas(sigmas, points.shape[-2], "keypoints")
    _checked_sigmas(sigmas, other_points.shape[-2], "others")
    mean_areas = (np.asarray(areas) + np.asarray(other_areas, np.float64)) / 2
    distances = np.square(points - other_points).sum(-1)
    # The spacing keeps an area of zero from dividing by zero, as in the official code.
    scaled = distances / (2 * sigmas) ** 2 / (mean_areas + np.spacing(1))[..., None] / 2
    return np.exp(-scaled).mean(-1)


def rescore(keypoint_scores, box_scores, threshold=0.2):
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
    _check_finite(scores, "keypoint_scores")
    _check_finite(box_scores, "box_scores")
    confident = scores > threshold
    # The official code adds float32 scores one after the other. np.sum would add them
    # pairwise, and the published numbers would only be met up to rounding.
    sums = np.cumsum(np.where(confident, scores, 0), axis=1, dtype=scores.dtype)[:, -1]
    return sums / np.maximum(confident.sum(1), 1).astype(scores.dtype) * box_scores


def oks_nms(keypoints, scores, areas, sigmas=COCO_SIGMAS, threshold=0.9):
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
    keep = []
    while order.size:
        best, order = order[0], order[1:]
        keep.append(best)
        overlaps = oks(
            keypoints[best], keypoints[order], areas[best], areas[order], sigmas
        )
        order = order[overlaps <= threshold]
    return np.asarray(keep, np.int64)


def soft_oks_nms(
    keypoints, scores, areas, sigmas=COCO_SIGMAS, threshold=0.9, max_people=20
):
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
    keep = []
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
    image_ids,
    keypoints,
    box_scores,
    areas,
    sigmas=COCO_SIGMAS,
    *,
    score_threshold=0.2,
    oks_threshold=0.9,
    soft=False,
    category_id=1,
):
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


def keypoint_category(ground_truth):
    """Returns the id (int) of the one category with labelled keypoints.

    Args:
        ground_truth: path of a COCO keypoint annotation json, or its content.
    Raises:
        ValueError: if there is none or several.
    """
    source, dataset = _read_ground_truth(ground_truth)
    found = {
        annotation.get("category_id", 1)
        for annotation in dataset["annotations"]
        if annotation.get("keypoints") and any(annotation["keypoints"][2::3])
    }
    if len(found) != 1:
        raise ValueError(
            f"{source}: OKS is computed for the people of one category. It labels"
            f" keypoints of the categories {sorted(found)}. Split the file, or test"
            " with the metric pck."
        )
    return found.pop()


def coco_keypoint_stats(
    ground_truth, results, sigmas=None, image_ids=None, skip_bad=False
):
    """The ten numbers of the COCO keypoint challenge, computed by pycocotools.

    Annotations of other sources may lack `num_keypoints`, `area` and `iscrowd`: they
    are then counted, taken from the box, and 0. Annotations without keypoints count
    as people to ignore, like COCO's own.

    Args:
        ground_truth: path of a COCO keypoint annotation json, or its content (a dict,
            not changed).
        results: list of dicts with image_id, category_id, keypoints (`3 K` numbers) and
            score, as `coco_results` makes them (not changed).
        sigmas: `K` float, COCO's per-keypoint constants k / 2; None means those of
            COCO's 17 keypoints.
        image_ids: ids of the images to score, or None for all of the ground truth.
            Images without results count as missed.
        skip_bad: bool. Leaves out annotations whose keypoints are no finite numbers of
            the right count instead of raising.
    Returns:
        dict of `STAT_NAMES` to float; -1 where there is no person of that size.
    Raises:
        ValueError: if the results are empty, hold NaN, name unknown images or
            categories, or have another number of keypoints than the ground truth.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    source, dataset = _read_ground_truth(ground_truth)
    sigmas = COCO_SIGMAS if sigmas is None else sigmas
    annotations, num_keypoints = _prepared_annotations(source, dataset, skip_bad)
    sigmas = _checked_sigmas(sigmas, num_keypoints, source)
    # Categories without any keypoints belong to other tasks of the same file.
    categories = sorted({a["category_id"] for a in annotations if a["num_keypoints"]})
    known_ids = {image["id"] for image in dataset["images"]}
    wanted_ids = known_ids if image_ids is None else {int(i) for i in image_ids}
    _check_known(wanted_ids, known_ids, "image_ids", "image", source)
    results = _prepared_results(results, num_keypoints, known_ids, categories, source)

    # pycocotools reports its progress with prints.
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "images": dataset["images"],
            "annotations": annotations,
            "categories": [{"id": i, "name": str(i)} for i in categories],
        }
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(results), "keypoints")
        evaluation.params.kpt_oks_sigmas = sigmas
        evaluation.params.imgIds = sorted(wanted_ids)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return dict(zip(STAT_NAMES, map(float, evaluation.stats), strict=True))


def _groups(ids):
    """Indices of the entries of each id, ids in the order of their first entry."""
    _, first, inverse = np.unique(ids, return_index=True, return_inverse=True)
    members = np.split(
        np.argsort(inverse, kind="stable"), np.cumsum(np.bincount(inverse))[:-1]
    )
    return [members[i] for i in np.argsort(first)]


def _check_finite(values, name):
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
    _check_finite(keypoints, "keypoints")
    _check_finite(scores, "scores")
    _check_finite(areas, "areas")
    return keypoints, scores, areas


def _checked_sigmas(sigmas, num_keypoints, what):
    sigmas = np.asarray(sigmas, np.float64)
    if sigmas.shape != (num_keypoints,):
        raise ValueError(
            f"{what}: {num_keypoints} keypoints a person, but sigmas of shape"
            f" {sigmas.shape}. Pass the sigmas of this keypoint set, one a keypoint."
        )
    return sigmas


def _check_known(values, known, name, what, source):
    unknown = sorted(values - set(known))
    if unknown:
        raise ValueError(
            f"{name}: {len(unknown)} {what} ids are not in {source}, such as"
            f" {unknown[:5]}; it has {len(known)} ids, such as {sorted(known)[:5]}."
            f" Evaluate with the annotations of the images that were predicted."
        )


def _read_ground_truth(ground_truth):
    """Returns what to call the ground truth in errors, and its content."""
    source = "the ground truth"
    if not isinstance(ground_truth, dict):
        source = str(ground_truth)
        try:
            ground_truth = json.loads(Path(source).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ValueError(f"{source} is no readable json file: {error}.") from error
    for key in ("images", "annotations"):
        if not isinstance(ground_truth, dict) or not ground_truth.get(key):
            raise ValueError(
                f"{source} holds no {key!r}. Expected the dict of a COCO keypoint"
                " annotation file with images and annotations."
            )
    return source, ground_truth


def _prepared_annotations(source, dataset, skip_bad):
    """Copies the annotations with all that pycocotools reads; also returns `K`."""
    entries = dataset["annotations"]
    if skip_bad:
        entries = _without_bad(entries)
    posed = [a["keypoints"] for a in entries if a.get("keypoints")]
    lengths = {len(points) for points in posed}
    if len(lengths) != 1 or max(lengths) % 3:
        raise ValueError(
            f"{source}: expected annotations with 3 numbers for each of K keypoints."
            f" Received 'keypoints' of {sorted(lengths) or 'no'} numbers."
        )
    (length,) = lengths
    prepared = []
    for entry in entries:
        # A value of null means the same as none: crowds often lack a box.
        annotation = {key: value for key, value in entry.items() if value is not None}
        if "image_id" not in annotation:
            raise ValueError(
                f"{source}: annotation {annotation.get('id')} has no 'image_id'."
            )
        points = np.asarray(annotation.get("keypoints") or [0] * length)
        _check_finite(points, f"{source}: annotation {annotation.get('id')}: keypoints")
        width, height = annotation.setdefault("bbox", [0, 0, 0, 0])[2:]
        prepared.append(
            {
                "category_id": 1,
                "num_keypoints": int(np.count_nonzero(points[2::3] > 0)),
                "area": width * height,
                "iscrowd": 0,
                **annotation,
                "keypoints": points.tolist(),
                # pycocotools takes a match with the annotation of id 0 for no match.
                "id": len(prepared) + 1,
            }
        )
    return prepared, length // 3


def _without_bad(annotations):
    """Leaves out those with keypoints of another number than most, or not finite."""
    lengths = Counter(len(a["keypoints"]) for a in annotations if a.get("keypoints"))
    usual = lengths.most_common(1)[0][0] if lengths else 0

    def is_good(points):
        if not points:
            return True
        numbers = all(isinstance(p, (int, float)) for p in points)
        return len(points) == usual and numbers and np.isfinite(points).all()

    return [a for a in annotations if is_good(a.get("keypoints"))]


def _prepared_results(results, num_keypoints, known_ids, categories, source):
    """Checks the results and copies what the evaluation of keypoints reads."""
    if len(results) == 0:
        raise ValueError(
            "The list of results is empty: there is nothing to score. Check that there"
            " were boxes, and that their scores are above the threshold."
        )
    # With a "bbox" pycocotools would take the area, and thus the size class, from the
    # box; officially it is the extent of the keypoints.
    keys = ("image_id", "category_id", "keypoints", "score")
    for i, result in enumerate(results):
        missing = [key for key in keys if key not in result]
        if missing or len(result["keypoints"]) != 3 * num_keypoints:
            found = f"{len(result.get('keypoints', ()))} numbers"
            raise ValueError(
                f"results[{i}] (image {result.get('image_id')}): expected {list(keys)}"
                f" with 3 x {num_keypoints} keypoint numbers, as in {source}."
                f" Received {f'no {missing}' if missing else found}."
            )
    prepared = [{key: result[key] for key in keys} for result in results]
    points = np.asarray([result["keypoints"] for result in prepared], np.float64)
    scores = np.asarray([result["score"] for result in prepared], np.float64)
    _check_finite(points, "The keypoints of the results")
    _check_finite(scores, "The scores of the results")
    image_ids = {result["image_id"] for result in prepared}
    _check_known(image_ids, known_ids, "results", "image", source)
    found = {result["category_id"] for result in prepared}
    _check_known(found, categories, "results", "category", source)
    return prepared
