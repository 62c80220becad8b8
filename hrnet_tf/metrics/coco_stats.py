"""The ten numbers of the COCO keypoint challenge, by pycocotools."""

import contextlib
import io
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hrnet_tf.metrics.oks import COCO_SIGMAS, check_finite, checked_sigmas
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


# The official spelling, with its one small p.
STAT_NAMES = (
    *("AP", "Ap .5", "AP .75", "AP (M)", "AP (L)"),
    *("AR", "AR .5", "AR .75", "AR (M)", "AR (L)"),
)


def keypoint_category(ground_truth: PathLike | dict[str, Any]) -> int:
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


def ground_truth(examples: Sequence[Any]) -> dict[str, Any]:
    """Makes the content of a COCO keypoint annotation file.

    Args:
        examples: list of `PoseExample`, the labelled people.
    Returns:
        dict with images, annotations and categories.
    """
    images, annotations = [], list[Any]()
    for example in examples:
        size = {"height": int(example.height), "width": int(example.width)}
        name = example.image_path
        images.append({"id": int(example.image_id), "file_name": name, **size})
        people = zip(example.boxes, example.areas, example.keypoints, strict=True)
        for box, area, points in people:
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": int(example.image_id),
                    "category_id": 1,
                    "iscrowd": 0,
                    "bbox": box.tolist(),
                    "area": float(area),
                    "num_keypoints": int(np.count_nonzero(points[:, 2])),
                    "keypoints": points.ravel().tolist(),
                }
            )
    categories = [{"id": 1, "name": "person"}]
    return {"images": images, "annotations": annotations, "categories": categories}


def coco_keypoint_stats(
    ground_truth: PathLike | dict[str, Any],
    results: Sequence[dict[str, Any]],
    sigmas: "ArrayLike | None" = None,
    image_ids: Iterable[int] | None = None,
    skip_bad: bool = False,
) -> dict[str, float]:
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
    evaluation = evaluate_keypoints(ground_truth, results, sigmas, image_ids, skip_bad)
    # It prints what it summarizes.
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation.summarize()
    return dict(zip(STAT_NAMES, map(float, evaluation.stats), strict=True))


def evaluate_keypoints(
    ground_truth: PathLike | dict[str, Any],
    results: Sequence[dict[str, Any]],
    sigmas: "ArrayLike | None" = None,
    image_ids: Iterable[int] | None = None,
    skip_bad: bool = False,
) -> Any:
    """Returns pycocotools' `COCOeval` of results, accumulated, not yet summarized.

    Args:
        ground_truth, results, sigmas, image_ids, skip_bad: see `coco_keypoint_stats`.
    Raises:
        ValueError: see `coco_keypoint_stats`.
    """
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    source, dataset = _read_ground_truth(ground_truth)
    sigmas = COCO_SIGMAS if sigmas is None else sigmas
    annotations, num_keypoints = _prepared_annotations(source, dataset, skip_bad)
    sigmas = checked_sigmas(sigmas, num_keypoints, source)
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
    return evaluation


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
            ground_truth = json.loads(Path(source).read_bytes())
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
        check_finite(points, f"{source}: annotation {annotation.get('id')}: keypoints")
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
    check_finite(points, "The keypoints of the results")
    check_finite(scores, "The scores of the results")
    image_ids = {result["image_id"] for result in prepared}
    _check_known(image_ids, known_ids, "results", "image", source)
    found = {result["category_id"] for result in prepared}
    _check_known(found, categories, "results", "category", source)
    return prepared
