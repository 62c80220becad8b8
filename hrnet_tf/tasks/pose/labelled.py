"""Files of labelled people: testing a model on them, and writing them as records."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hrnet_tf.data.formats import coco, coco_truth, mpii
from hrnet_tf.data.keypoint_sets import MPII, load_keypoint_set
from hrnet_tf.tasks.pose import evaluate as evaluation
from hrnet_tf.typing import PathLike, Progress

if TYPE_CHECKING:
    from hrnet_tf.data.keypoint_sets import KeypointSet
    from hrnet_tf.data.schema import PoseExample
    from hrnet_tf.data.shards import PoseRecords
    from hrnet_tf.models.base import HRNetModel
    from hrnet_tf.tasks.base import Report


FORMATS = ("coco", "mpii")
GROUND_TRUTH = "ground-truth"


def test_files(
    model: "HRNetModel",
    images: PathLike,
    progress: Callable[..., Any],
    source: PathLike = "The model",
    out: PathLike | None = None,
    *,
    annotations: Sequence[PathLike] = (),
    boxes: str = GROUND_TRUTH,
    metric: str | None = None,
    keypoints: PathLike | None = None,
    format: str = "coco",
    ground_truth_mat: PathLike | None = None,
    flip_test: bool | None = None,
    batch_size: int = 32,
    skip_bad: bool = False,
) -> "dict[str, Report]":
    """Tests a pose model on annotated people.

    Args:
        model: `HRNetPose`, or another one of `NETWORKS`.
        images: path of the image folder.
        progress: `(description, unit)` to a context of a callable (done, total).
        source: path the model came from, for messages.
        out: not used.
        annotations: list of one path, the annotation file.
        boxes: "ground-truth", or path of a detector's results.
        metric: str, one of `evaluate.METRICS`; None takes the keypoint set's.
        keypoints: name or descriptor file of the keypoint set; None takes the model's.
        format: str, one of `FORMATS`.
        ground_truth_mat: path of MPII's gt_valid.mat, or None.
        flip_test, batch_size: see `evaluate.evaluate`.
        skip_bad: bool. Warns of bad examples instead of raising.
    Returns:
        dict of one `Report`, by the annotation file's name without ending.
    Raises:
        ValueError: if the arguments contradict each other or the data are bad.
    """
    file = one_file(annotations, source)
    keypoint_set = checked_keypoint_set(model, source, keypoints)
    check_keypoints(keypoint_set, format)
    metric = metric or evaluation.default_metric(keypoint_set)
    detected = boxes != GROUND_TRUTH
    _check_metric(metric, keypoint_set, format, detected, ground_truth_mat)
    with progress("checking images", "") as tick:
        if detected:
            examples = coco.load_detections(
                boxes,
                file,
                images,
                category_id=coco_truth.category_ids(file, keypoint_set),
                skip_bad=skip_bad,
                keypoint_set=keypoint_set,
                progress=tick,
            )
        else:
            examples = load_people(
                file, images, keypoint_set, format, skip_bad, tick, ground_truth_mat
            )
    _check_head_sizes(metric, examples, file)
    with progress("finding keypoints", "people") as tick:
        report = evaluation.evaluate(
            model,
            examples,
            metric=metric,
            ground_truth=file if metric == "oks" else None,
            boxes=str(boxes) if detected else "ground truth",
            flip_test=flip_test,
            batch_size=batch_size,
            progress=tick,
            skip_bad=skip_bad,
        )
    return {file.stem: report}


def write_records(
    images: PathLike,
    out: PathLike,
    progress: Callable[..., Any],
    *,
    annotations: PathLike | None = None,
    keypoints: PathLike | None = None,
    format: str = "coco",
    num_shards: int | None = None,
    skip_bad: bool = False,
    write: Callable[..., Any] | None = None,
) -> "tuple[PoseRecords, dict[str, Any]]":
    """Checks annotated people and writes them as records.

    Args:
        images: path of the image folder.
        out: path of the folder to write.
        progress: see `test_files`.
        annotations: path of the annotation file.
        keypoints: name or descriptor file of the keypoint set; None: the format's.
        format: str, one of `FORMATS`.
        num_shards: int or None, see `write_pose_records`.
        skip_bad: bool.
        write: what writes them, like `write_pose_records`; None means that.
    Returns:
        `PoseRecords`, and a dict of facts to tell.
    """
    from hrnet_tf.data.shards import write_pose_records

    if annotations is None:
        raise ValueError("Pass `annotations`, the file that labels the people.")
    keypoint_set = load_keypoint_set(keypoints or format)
    check_keypoints(keypoint_set, format)
    with progress("checking images", "") as tick:
        examples = load_people(
            annotations, images, keypoint_set, format, skip_bad, tick
        )
    arguments = (examples, out, keypoint_set, num_shards, skip_bad)
    if write is not None:
        written = write(*arguments)
    else:
        with progress("writing records", "images") as tick:
            written = write_pose_records(*arguments, tick)
    facts = {
        "images": written.num_images,
        "people": written.num_people,
        "keypoints": f"{keypoint_set.num_keypoints} ({keypoint_set.name})",
    }
    return written, facts


def load_people(
    file: PathLike,
    images: PathLike,
    keypoint_set: "KeypointSet",
    format: str,
    skip_bad: bool,
    progress: Progress | None,
    mat: PathLike | None = None,
) -> "list[PoseExample]":
    """Returns the labelled people of a file, a list of `PoseExample`."""
    if format == "mpii":
        return mpii.load_pose(file, images, mat, skip_bad, progress)
    return coco.load_pose(
        file, images, keypoint_set, "val", skip_bad, progress=progress
    )


def check_keypoints(keypoint_set: "KeypointSet", format: str) -> None:
    """Raises ValueError if a format does not have the keypoints of a set."""
    if format == "mpii" and keypoint_set.names != MPII.names:
        raise ValueError(
            f"Files of the format mpii hold MPII's {MPII.num_keypoints} keypoints,"
            f" which are not those of {keypoint_set.name!r}"
            f" ({keypoint_set.num_keypoints}). Convert the file to COCO's format, or"
            " use a model trained on MPII."
        )


def checked_keypoint_set(
    model: "HRNetModel", source: PathLike, keypoints: PathLike | None
) -> "KeypointSet":
    """The keypoint set to test with, which the model then carries.

    Args:
        model: `HRNetPose`, or another one of `NETWORKS`.
        source: path of the model, for messages.
        keypoints: name or descriptor file, or None for the model's own.
    Raises:
        ValueError: if the model has none, or predicts another number.
    """
    if keypoints is None:
        if model.arguments["keypoint_set"] is None:
            raise ValueError(
                f"{source} does not say which keypoints it predicts. Pass `keypoints`."
            )
        return evaluation.keypoint_set_of(model)
    keypoint_set = load_keypoint_set(keypoints)
    if keypoint_set.num_keypoints != model.num_keypoints:
        raise ValueError(
            f"`keypoints` {keypoints} has {keypoint_set.num_keypoints} keypoints, but"
            f" {source} predicts {model.num_keypoints}. Leave `keypoints` out, or pass"
            " the set that the model was trained with."
        )
    model.arguments["keypoint_set"] = keypoint_set.to_dict()
    return keypoint_set


def one_file(annotations: Sequence[Any], source: PathLike) -> Any:
    """Returns the one annotation file of a list; ValueError if it is not one.

    Args:
        annotations: list of paths.
        source: path of the model, for messages.
    """
    if not annotations:
        raise ValueError(
            f"`annotations` is missing: {source} is tested on annotated people. Pass"
            " their file."
        )
    if len(annotations) > 1:
        raise ValueError(
            "Poses are tested on one annotation file. Received:"
            f" {', '.join(map(str, annotations))}."
        )
    return annotations[0]


def _check_metric(metric, keypoint_set, format, detected, ground_truth_mat):
    """Raises ValueError, before all the work, for what the metric cannot do."""
    problem = None
    if detected and metric != "oks":
        problem = (
            f"`boxes` with detections is tested by `metric` oks; {metric} compares"
            " annotated people one by one. Use `boxes` ground-truth."
        )
    elif metric == "oks" and format == "mpii":
        problem = "`metric` oks needs annotations of `format` coco; use pckh with mpii."
    elif metric == "oks" and keypoint_set.sigmas is None:
        problem = (
            f"`metric` oks needs sigmas, which the keypoint set {keypoint_set.name!r}"
            " lacks. Add them to the descriptor, or use `metric` pck, which needs none."
        )
    elif metric == "pckh" and format != "mpii":
        problem = "`metric` pckh needs annotations of `format` mpii; use pck or oks."
    elif ground_truth_mat is not None and format != "mpii":
        problem = "`ground_truth_mat` belongs to `format` mpii."
    if problem:
        raise ValueError(problem)


def _check_head_sizes(metric, examples, annotations):
    if metric == "pckh" and any(
        (example.head_sizes <= 0).any() for example in examples
    ):
        raise ValueError(
            f"`metric` pckh needs the head size of every person, which {annotations}"
            " does not give. Pass `ground_truth_mat` with the official gt_valid.mat."
        )
