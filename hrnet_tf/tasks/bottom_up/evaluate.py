"""The official test of bottom-up pose: flip test, scales, grouping, OKS."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hrnet_tf.data.formats import coco_truth
from hrnet_tf.data.sides import tells_sides
from hrnet_tf.io import read_image
from hrnet_tf.metrics import coco_stats, crowd_stats
from hrnet_tf.tasks import graphs
from hrnet_tf.tasks.base import Report, Table
from hrnet_tf.tasks.bottom_up.inference import BottomUpInference
from hrnet_tf.tasks.pose.evaluate import keypoint_set_of
from hrnet_tf.typing import PathLike, Progress
from hrnet_tf.words import count_text

if TYPE_CHECKING:
    from hrnet_tf.data.keypoint_sets import KeypointSet
    from hrnet_tf.data.people_example import PeopleExample
    from hrnet_tf.models.base import HRNetModel
    from hrnet_tf.tasks.bottom_up.result import People

METRICS = ("oks", "crowdpose")
MAIN_NUMBER = "AP"


def predict_examples(
    inference: BottomUpInference,
    examples: "Sequence[PeopleExample]",
    progress: Progress | None = None,
) -> "list[People]":
    """Finds the people in the images of examples.

    Args:
        inference: `BottomUpInference`.
        examples: list of `PeopleExample`; only the images are used.
        progress: callable (done, total) or None.
    Returns:
        list of `People`, one an example.
    """
    found = []
    for done, example in enumerate(examples, 1):
        image, _ = read_image(example.image_path)
        found += inference.run([image], [example.image_path])
        if progress is not None:
            progress(done, len(examples))
    return found


def checked_metric(metric: str | None, keypoint_set: "KeypointSet") -> str:
    """Returns the metric (str) to test by: the given one, or the keypoint set's.

    Raises:
        ValueError: if it is unknown, or the set has no sigmas.
    """
    if metric is None:
        metric = "crowdpose" if keypoint_set.name == "crowdpose" else "oks"
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {METRICS}. Received: {metric!r}.")
    if keypoint_set.sigmas is None:
        raise ValueError(
            "People that are found without boxes are scored by OKS, which needs"
            f" sigmas. The keypoint set {keypoint_set.name!r} has none. Add them to its"
            " descriptor."
        )
    return metric


def check_examples(metric: str, examples: "Sequence[PeopleExample]") -> None:
    """Raises ValueError if examples do not tell what a metric needs.

    Args:
        metric: str, see `evaluate`.
        examples: list of `PeopleExample`.
    """
    if metric == "crowdpose":
        indices = {example.image_id: example.crowd_index for example in examples}
        crowd_stats.check_crowd_indices(indices, list(indices))


def evaluate(
    model: "HRNetModel",
    examples: "Sequence[PeopleExample]",
    metric: str | None = None,
    ground_truth: PathLike | dict[str, Any] | None = None,
    flip_test: bool | None = None,
    scales: Sequence[float] | None = None,
    shorter_side: int | None = None,
    max_people: int | None = None,
    limit: int | None = None,
    batch_size: int = 1,
    infer: Callable[..., Any] | None = None,
    progress: Progress | None = None,
    skip_bad: bool = False,
    on_found: Callable[..., Any] | None = None,
) -> Report:
    """Tests a bottom-up pose model as the official code does.

    Args:
        model: `HigherHRNetPose` with its keypoint set.
        examples: list of `PeopleExample`, of images without people too.
        metric: "oks" (COCO's ten numbers) or "crowdpose"; None takes the keypoint
            set's.
        ground_truth: path or dict of the COCO-style annotations; None makes it of the
            examples.
        flip_test: see `BottomUpInference`; None: whether the keypoint set tells what
            changes places, or what was exported.
        scales, shorter_side, max_people, limit: see `BottomUpInference`.
        batch_size: not used: images have sizes of their own, and run one by one.
        infer: function from images to outputs; None makes it from the model.
        progress: callable (done, total) or None.
        skip_bad: bool. Leaves damaged annotations of the ground truth out.
        on_found: callable (example, `People`), called for each example, or None.
    Returns:
        `Report`.
    Raises:
        ValueError: if the model names no keypoints, the metric is unknown, examples
            lack what it needs, or an image cannot be read.
    """
    keypoint_set = keypoint_set_of(model)
    metric = checked_metric(metric, keypoint_set)
    examples = list(examples)
    # Before all of them are looked at, which takes long.
    check_examples(metric, examples)
    flip_test = graphs.flip_test_of(model, flip_test, tells_sides(keypoint_set))
    inference = BottomUpInference(
        model, flip_test, scales, shorter_side, max_people, limit, infer=infer
    )
    started = time.perf_counter()
    found = predict_examples(inference, examples, progress)
    seconds = time.perf_counter() - started
    if on_found is not None:
        for example, people in zip(examples, found, strict=True):
            on_found(example, people)
    numbers = score(found, examples, keypoint_set, metric, ground_truth, skip_bad)
    return make_report(
        numbers,
        images_per_second=len(examples) / seconds,
        metric=metric,
        flip_test=flip_test,
        scales=list(inference.scales),
        shorter_side=inference.shorter_side,
        num_images=len(examples),
        num_people=sum(example.num_people for example in examples),
        num_found=sum(map(len, found)),
        num_ties=inference.num_ties,
        num_beyond=inference.num_beyond,
    )


def score(
    found: "Sequence[People]",
    examples: "Sequence[PeopleExample]",
    keypoint_set: "KeypointSet",
    metric: str = "oks",
    ground_truth: PathLike | dict[str, Any] | None = None,
    skip_bad: bool = False,
) -> dict[str, float]:
    """Scores the people that were found.

    Args:
        found: list of `People`, one an example.
        examples, metric, ground_truth, skip_bad: see `evaluate`.
        keypoint_set: `KeypointSet`.
    Returns:
        dict of float, the numbers of the report; 0 where nobody was found.
    """
    if ground_truth is None:
        truth = coco_stats.ground_truth(examples)
    else:
        truth = coco_truth.ground_truth(ground_truth, keypoint_set, skip_bad)
        tested = {example.image_id for example in examples}
        truth = {
            **truth,
            "images": [x for x in truth["images"] if x["id"] in tested],
            "annotations": [x for x in truth["annotations"] if x["image_id"] in tested],
        }
    results = [
        row
        for example, people in zip(examples, found, strict=True)
        for row in people.to_coco(example.image_id)
    ]
    if not results:
        names = crowd_stats if metric == "crowdpose" else coco_stats
        return dict.fromkeys(names.STAT_NAMES, 0.0)
    if metric == "crowdpose":
        indices = {example.image_id: example.crowd_index for example in examples}
        assert keypoint_set.sigmas is not None
        return crowd_stats.crowd_keypoint_stats(
            truth, results, keypoint_set.sigmas, indices
        )
    return coco_stats.coco_keypoint_stats(
        truth, results, keypoint_set.sigmas, skip_bad=skip_bad
    )


def make_report(
    numbers: dict[str, float], images_per_second: float, **facts: Any
) -> Report:
    """Makes the `Report` of a test.

    Args:
        numbers: dict of float, 0..1.
        images_per_second: float.
        **facts: of `evaluate`: the metric, how images were seen, and counts.
    """
    table = Table(
        columns=("metric", "0 to 1"),
        rows=tuple(
            (name, f"{value:.4f}" if value >= 0 else "-")
            for name, value in numbers.items()
        ),
        bold=list(numbers).index(MAIN_NUMBER),
    )
    scales = ", ".join(f"{scale:g}" for scale in facts["scales"])
    flip = "with" if facts["flip_test"] else "without"
    line = (
        f"{count_text(facts['num_images'], 'image', 'images')} with"
        f" {count_text(facts['num_people'], 'person', 'people')},"
        f" {facts['num_found']} found; {facts['shorter_side']} px, scales {scales},"
        f" {flip} flip test, {images_per_second:.1f} images/s"
    )
    shown: list[Any] = [table, line]
    if facts["num_ties"]:
        shown.append(
            f"{count_text(facts['num_ties'], 'keypoint', 'keypoints')} could have been"
            " matched otherwise at the same cost: high ones came to the people that"
            " were begun first."
        )
    if facts["num_beyond"]:
        people = count_text(facts["num_beyond"], "person", "people")
        shown.append(f"{people} beyond the limit of an image were left out.")
    return Report(
        numbers=numbers,
        main_name=MAIN_NUMBER,
        images_per_second=images_per_second,
        facts=facts,
        shown=tuple(shown),
    )
