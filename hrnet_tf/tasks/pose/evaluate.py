"""The official test of top-down pose: crops, flip test, decoding, OKS or PCK."""

import dataclasses
import time
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from hrnet_tf.data.formats import coco_truth
from hrnet_tf.data.keypoint_sets import model_keypoint_set
from hrnet_tf.data.shards import verified_bytes
from hrnet_tf.data.sides import tells_sides
from hrnet_tf.metrics import coco_stats, oks, pck
from hrnet_tf.tasks import graphs
from hrnet_tf.tasks.base import Report, Table
from hrnet_tf.tasks.pose.inference import PoseInference
from hrnet_tf.tasks.pose.stream import people_stream, test_batches
from hrnet_tf.typing import PathLike, Progress
from hrnet_tf.words import count_text

if TYPE_CHECKING:
    from hrnet_tf.data.keypoint_sets import KeypointSet
    from hrnet_tf.data.schema import PoseExample
    from hrnet_tf.models.base import HRNetModel


METRICS = ("oks", "pckh", "pck")
# What the best checkpoint is chosen by.
MAIN_NUMBER = {"oks": "AP", "pckh": "Mean", "pck": "PCK"}
PCK_THRESHOLD = 0.2
# Of the box's longer side, which a torso is about half of.
BOX_THRESHOLD = 0.1
_UNITS = {
    "oks": "0 to 1",
    "pckh": "PCKh@0.5, percent",
    "pck": f"PCK@{PCK_THRESHOLD}, 0 to 1",
    "box": f"PCK@{BOX_THRESHOLD} of the box, 0 to 1",
}


@dataclasses.dataclass(frozen=True)
class PeoplePredictions:
    """Predictions for the `N` people of a source, in its order.

    Attributes:
        points: float32 `[N, K, 2]`, pixels of the image.
        scores: float32 `[N, K]`, heatmap maxima.
        sizes: float32 `[N, 2]`, the padded regions in pixels.
    """

    points: np.ndarray
    scores: np.ndarray
    sizes: np.ndarray


def keypoint_set_of(model: "HRNetModel") -> "KeypointSet":
    """Returns the `KeypointSet` that a model carries.

    Raises:
        ValueError: if it carries none.
    """
    keypoint_set = model_keypoint_set(model)
    if keypoint_set is None:
        raise ValueError(
            f"The model {model.name!r} does not say which keypoints it predicts, which"
            " the flip test and the metrics need. Build it with"
            " keypoint_set=load_keypoint_set(...).to_dict()."
        )
    return keypoint_set


def predict_people(
    model: "HRNetModel",
    examples: "Sequence[PoseExample]",
    flip_test: bool = True,
    batch_size: int = 32,
    infer: Callable[..., Any] | None = None,
    progress: Progress | None = None,
) -> PeoplePredictions:
    """Finds the keypoints of every person of a source.

    Args:
        model: `HRNetPose`.
        examples: list of `PoseExample`; only boxes and images are used.
        flip_test: bool. True averages with the mirrored crop's heatmaps.
        batch_size: int.
        infer: function from images to outputs; None makes it from the model.
        progress: callable (done, total) or None.
    Returns:
        `PeoplePredictions`.
    """
    inference = PoseInference(model, flip_test, infer)
    people = people_stream(examples, model.num_keypoints)
    points = np.zeros((people.count, model.num_keypoints, 2), np.float32)
    scores = np.zeros((people.count, model.num_keypoints), np.float32)
    sizes = np.zeros((people.count, 2), np.float32)
    done = 0
    batches = test_batches(people, inference.codec, batch_size)
    for batch in _readable(batches, examples):
        found, peaks = inference.locate(
            batch["images"], batch["centers"], batch["sizes"]
        )
        index = batch["index"].numpy()
        real = index >= 0
        points[index[real]] = np.asarray(found)[real]
        scores[index[real]] = np.asarray(peaks)[real]
        sizes[index[real]] = batch["sizes"].numpy()[real]
        done += int(real.sum())
        if progress is not None:
            progress(done, people.count)
    return PeoplePredictions(points, scores, sizes)


def _readable(batches, examples):
    """Yields the batches; an image that cannot be decoded is named."""
    try:
        yield from batches
    except tf.errors.OpError as error:
        for example in examples:
            verified_bytes(example)
        raise ValueError(
            f"Reading the images failed: {str(error.message).splitlines()[0]}"
        ) from error


def default_metric(keypoint_set: "KeypointSet") -> str:
    """The metric that a keypoint set is published with; else OKS if it has sigmas."""
    if keypoint_set.name == "mpii":
        return "pckh"
    return "pck" if keypoint_set.sigmas is None else "oks"


def metric_of(keypoint_set: "KeypointSet", examples: "Sequence[PoseExample]") -> str:
    """The default metric (str), if examples tell what it needs; else PCK."""
    metric = default_metric(keypoint_set)
    if metric == "pckh" and not _joined(examples, "head_sizes").all():
        return "pck"
    return metric


def metric_text(metric: str, keypoint_set: "KeypointSet") -> str:
    """Returns in words (str) what a metric measures with a keypoint set."""
    if metric != "pck":
        return {"oks": "COCO's AP by OKS", "pckh": "MPII's PCKh@0.5"}[metric]
    if keypoint_set.pck_reference is None:
        return f"PCK, keypoints within {BOX_THRESHOLD} of the box's longer side"
    first, second = keypoint_set.pck_reference
    return f"PCK, keypoints within {PCK_THRESHOLD} of the distance {first} - {second}"


def evaluate(
    model: "HRNetModel",
    examples: "Sequence[PoseExample]",
    metric: str | None = None,
    ground_truth: PathLike | dict[str, Any] | None = None,
    boxes: str = "ground truth",
    flip_test: bool | None = None,
    batch_size: int = 32,
    infer: Callable[..., Any] | None = None,
    progress: Progress | None = None,
    skip_bad: bool = False,
) -> Report:
    """Tests a pose model as the official code does.

    Args:
        model: `HRNetPose` with its keypoint set.
        examples: list of `PoseExample` of the labelled people or, for "oks", of
            detections.
        metric: "oks" (COCO's ten numbers after rescoring and OKS NMS), "pckh" or
            "pck" (fraction of the distance between the set's reference joints or, if
            it names none, of the boxes' longer sides); None takes the keypoint set's.
        ground_truth: path or dict of the COCO-style annotations, for "oks"; None makes
            it of the examples, which are then the labelled people.
        boxes: str. Where the boxes come from, for the report.
        flip_test: bool or None, see `predict_people`; None: whether the keypoint set
            tells what changes places in a mirrored image, or what was exported.
        batch_size, infer, progress: see `predict_people`.
        skip_bad: bool. Leaves damaged annotations of the ground truth out of "oks",
            and, with ground-truth boxes, pictures of which there is no example.
    Returns:
        `Report`, see `make_report`.
    Raises:
        ValueError: if the metric does not suit the keypoint set or is unknown.
    """
    keypoint_set = keypoint_set_of(model)
    metric = checked_metric(metric, keypoint_set)
    if metric == "oks" and ground_truth is None:
        ground_truth = coco_stats.ground_truth(examples)
    elif metric == "oks" and skip_bad and boxes == "ground truth":
        ground_truth = _without_left_out(ground_truth, examples, keypoint_set)
    flip_test = graphs.flip_test_of(model, flip_test, tells_sides(keypoint_set))
    started = time.perf_counter()
    people = predict_people(model, examples, flip_test, batch_size, infer, progress)
    seconds = time.perf_counter() - started
    return make_report(
        score(people, examples, keypoint_set, metric, ground_truth, skip_bad),
        metric=metric,
        boxes=boxes,
        flip_test=flip_test,
        num_people=len(people.points),
        num_images=len(examples),
        reference=_reference(metric, keypoint_set),
        num_unscored=_num_unscored(examples, keypoint_set) if metric == "pck" else 0,
        images_per_second=len(people.points) / seconds,
    )


def _without_left_out(ground_truth, examples, keypoint_set):
    """The ground truth of the pictures that could be read; warns of the others."""
    contents = coco_truth.ground_truth(ground_truth, keypoint_set, skip_bad=True)
    tested = {example.image_id for example in examples}
    absent = [
        annotation["image_id"]
        for annotation in contents["annotations"]
        if annotation["num_keypoints"] > 0 and not annotation.get("iscrowd")
        if annotation["image_id"] not in tested
    ]
    if not absent:
        return contents
    left_out = set(absent)
    warnings.warn(
        f"{count_text(len(absent), 'person', 'people')} in"
        f" {count_text(len(left_out), 'picture', 'pictures')} (the first has the id"
        f" {absent[0]}) are not scored, as they were left out of the test.",
        stacklevel=3,
    )
    kept = {
        "annotations": [
            a for a in contents["annotations"] if a["image_id"] not in left_out
        ],
        "images": [
            image for image in contents["images"] if image["id"] not in left_out
        ],
    }
    return {**contents, **kept}


def make_report(
    numbers: dict[str, float], images_per_second: float, **facts: Any
) -> Report:
    """Makes the `Report` of a test.

    Args:
        numbers: dict of float. AP and AR in 0..1 for "oks"; percent for "pckh"; shares
            in 0..1 for "pck".
        images_per_second: float. People's crops through decoding, network and codec.
        **facts: metric; boxes: which were used ("ground truth", or the detections'
            file); flip_test; num_people; num_images; num_unscored: people that PCK
            leaves out, as one of their two reference joints is not labelled, or their
            box has no extent; reference: "box", or None, what PCK is relative to where
            it is not the distance of two joints.
    """
    metric = facts["metric"]
    unit = _UNITS[facts.get("reference") or metric]
    digits = 2 if metric == "pckh" else 4
    names = list(numbers)
    table = Table(
        columns=("metric", unit),
        rows=tuple(
            # COCO's -1, and NaN, say that there was nobody to measure it on.
            (name, f"{value:.{digits}f}" if value >= 0 else "-")
            for name, value in numbers.items()
        ),
        bold=names.index(MAIN_NUMBER[metric]),
    )
    people = count_text(facts["num_people"], "person", "people")
    if facts["num_unscored"]:
        why = "no reference joints labelled"
        if facts.get("reference"):
            why = "a box without extent"
        people += f" ({facts['num_unscored']} not scored: {why})"
    images = count_text(facts["num_images"], "image", "images")
    flip = "with" if facts["flip_test"] else "without"
    line = (
        f"{people} in {images}, boxes: {facts['boxes']}, {flip} flip test,"
        f" {images_per_second:.1f} people/s"
    )
    return Report(
        numbers=numbers,
        main_name=MAIN_NUMBER[metric],
        images_per_second=images_per_second,
        facts=facts,
        shown=(table, line),
    )


def checked_metric(metric: str | None, keypoint_set: "KeypointSet") -> str:
    """Returns the metric to test by.

    Args:
        metric: see `evaluate`.
        keypoint_set: `KeypointSet`.
    Raises:
        ValueError: if the metric does not suit the keypoint set or is unknown.
    """
    metric = metric or default_metric(keypoint_set)
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {METRICS}. Received: {metric!r}.")
    if metric == "oks" and keypoint_set.sigmas is None:
        raise ValueError(
            "The OKS metric needs a keypoint set with sigmas. Received: keypoint set"
            f" {keypoint_set.name!r} with sigmas=None. Add sigmas to the descriptor, or"
            " use metric='pck', which needs nothing else."
        )
    return metric


def score(
    people: PeoplePredictions,
    examples: "Sequence[PoseExample]",
    keypoint_set: "KeypointSet",
    metric: str,
    ground_truth: PathLike | dict[str, Any] | None = None,
    skip_bad: bool = False,
) -> dict[str, float]:
    """Scores predictions by one metric.

    Args:
        people: `PeoplePredictions` of `examples`.
        examples, metric, ground_truth, skip_bad: see `evaluate`.
        keypoint_set: `KeypointSet`.
    Returns:
        dict of float, the numbers of the report.
    """
    if metric == "oks":
        ground_truth = coco_truth.ground_truth(ground_truth, keypoint_set, skip_bad)
        category = coco_stats.keypoint_category(ground_truth)
        results = coco_results(people, examples, keypoint_set, category)
        return coco_stats.coco_keypoint_stats(
            ground_truth, results, keypoint_set.sigmas, skip_bad=skip_bad
        )
    return _pck_numbers(people, examples, keypoint_set, metric)


def coco_results(
    people: PeoplePredictions,
    examples: "Sequence[PoseExample]",
    keypoint_set: "KeypointSet",
    category_id: int = 1,
) -> list[dict[str, Any]]:
    """Predictions as a COCO result list, after rescoring and OKS NMS."""
    image_ids = np.repeat(
        [example.image_id for example in examples],
        [example.num_people for example in examples],
    )
    return oks.coco_results(
        image_ids,
        np.concatenate([people.points, people.scores[..., None]], -1),
        _joined(examples, "box_scores"),
        np.prod(people.sizes, axis=-1),
        keypoint_set.sigmas,
        category_id=category_id,
    )


def _pck_numbers(people, examples, keypoint_set, metric):
    labels = _joined(examples, "keypoints")
    if metric == "pckh":
        return pck.pckh(people.points, labels, _joined(examples, "head_sizes"))
    lengths = pck_lengths(examples, keypoint_set)
    by_box = keypoint_set.pck_reference is None
    threshold = BOX_THRESHOLD if by_box else PCK_THRESHOLD
    outcome = pck.pck(people.points, labels, lengths, threshold)
    per_joint = dict(zip(keypoint_set.names, outcome.per_joint, strict=True))
    return {"PCK": outcome.mean, **{k: float(v) for k, v in per_joint.items()}}


def pck_lengths(examples: Sequence[Any], keypoint_set: "KeypointSet") -> np.ndarray:
    """Returns the unit of PCK for each person, float64 `[N]`, px; 0 where unknown.

    Args:
        examples: list of `PoseExample`.
        keypoint_set: `KeypointSet`.
    """
    if keypoint_set.pck_reference is None:
        return pck.box_lengths(_joined(examples, "boxes"))
    return pck.reference_lengths(_joined(examples, "keypoints"), keypoint_set)


def _reference(metric, keypoint_set):
    by_box = metric == "pck" and keypoint_set.pck_reference is None
    return "box" if by_box else None


def _num_unscored(examples, keypoint_set):
    lengths = pck_lengths(examples, keypoint_set)
    return int(np.count_nonzero(lengths == 0))


def _joined(examples, field):
    return np.concatenate([getattr(example, field) for example in examples])
