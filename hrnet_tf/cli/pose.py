"""What `hrnet evaluate` does with a top-down pose model."""

from hrnet_tf.cli import common, sources
from hrnet_tf.cli.options import Format

GROUND_TRUTH = "ground-truth"


def evaluate(
    model,
    model_path,
    annotations,
    images,
    *,
    boxes=GROUND_TRUTH,
    metric=None,
    keypoints=None,
    format=Format.coco,
    ground_truth_mat=None,
    flip_test=True,
    batch_size=32,
    skip_bad=False,
    console=None,
    out=None,
):
    """Tests a pose model on annotated people, and prints the numbers.

    Args:
        model: `HRNetPose` or `SimpleBaselinePose`.
        model_path: path the model came from, for messages.
        annotations: path of the annotation file.
        images: path of the image folder.
        boxes: "ground-truth", or path of a detector's results.
        metric: str, one of `evaluation.pose.METRICS`; None takes the keypoint set's.
        keypoints: name or descriptor file of the keypoint set; None takes the model's.
        format: `Format`.
        ground_truth_mat: path of MPII's gt_valid.mat, or None.
        flip_test, batch_size: see `evaluation.pose.evaluate`.
        skip_bad: bool. Warns of bad examples instead of raising.
        console: rich console, or None for standard output.
        out: path of the report's .json file, or None.
    Returns:
        `PoseReport`.
    Raises:
        ValueError: if the arguments contradict each other or the data are bad.
    """
    from hrnet_tf.tasks.pose import evaluate as pose

    keypoint_set = checked_keypoint_set(model, model_path, keypoints)
    sources.check_keypoints(keypoint_set, format)
    metric = metric or pose.default_metric(keypoint_set)
    detected = boxes != GROUND_TRUTH
    _check_metric(metric, keypoint_set, format, detected, ground_truth_mat)
    if detected:
        examples = sources.load_detections(
            boxes, annotations, images, keypoint_set, skip_bad
        )
    else:
        examples = sources.load_people(
            annotations, images, keypoint_set, format, skip_bad, ground_truth_mat
        )
    _check_head_sizes(metric, examples, annotations)
    with common.progress("finding keypoints", "people") as tick:
        report = pose.evaluate(
            model,
            examples,
            metric=metric,
            ground_truth=annotations if metric == "oks" else None,
            boxes=boxes if detected else "ground truth",
            flip_test=flip_test,
            batch_size=batch_size,
            progress=tick,
            skip_bad=skip_bad,
        )
    _print_report(report, console or common.console())
    if out is not None:
        report.save(out)
    return report


def checked_keypoint_set(model, path, keypoints):
    """The keypoint set to test with, which the model then carries.

    Args:
        model: `HRNetPose` or `SimpleBaselinePose`.
        path: path of the model, for messages.
        keypoints: name or descriptor file, or None for the model's own.
    Raises:
        ValueError: if the model has none, or predicts another number.
    """
    from hrnet_tf.data.keypoint_sets import load_keypoint_set
    from hrnet_tf.tasks.pose.evaluate import keypoint_set_of

    if keypoints is None:
        if model.arguments["keypoint_set"] is None:
            raise ValueError(
                f"{path} does not say which keypoints it predicts. Pass --keypoints."
            )
        return keypoint_set_of(model)
    keypoint_set = load_keypoint_set(keypoints)
    if keypoint_set.num_keypoints != model.num_keypoints:
        raise ValueError(
            f"--keypoints {keypoints} has {keypoint_set.num_keypoints} keypoints, but"
            f" {path} predicts {model.num_keypoints}. Leave --keypoints out, or pass"
            " the set that the model was trained with."
        )
    model.arguments["keypoint_set"] = keypoint_set.to_dict()
    return keypoint_set


def _check_metric(metric, keypoint_set, format, detected, ground_truth_mat):
    """Raises ValueError, before all the work, for what the metric cannot do."""
    problem = None
    if detected and metric != "oks":
        problem = (
            f"--boxes with detections is tested by --metric oks; {metric} compares"
            " annotated people one by one. Use --boxes ground-truth."
        )
    elif metric == "oks" and format is Format.mpii:
        problem = "--metric oks needs annotations of --format coco; use pckh with mpii."
    elif metric == "oks" and keypoint_set.sigmas is None:
        problem = (
            f"--metric oks needs sigmas, which the keypoint set {keypoint_set.name!r}"
            " lacks. Add them to the descriptor, or use --metric pck."
        )
    elif metric == "pckh" and format is not Format.mpii:
        problem = "--metric pckh needs annotations of --format mpii; use pck or oks."
    elif metric == "pck" and keypoint_set.pck_reference is None:
        problem = (
            "--metric pck needs pck_reference, a pair of joints, which the keypoint"
            f" set {keypoint_set.name!r} lacks. Add it to the descriptor."
        )
    elif ground_truth_mat is not None and format is not Format.mpii:
        problem = "--ground-truth-mat belongs to --format mpii."
    if problem:
        raise ValueError(problem)


def _check_head_sizes(metric, examples, annotations):
    if metric == "pckh" and any(
        (example.head_sizes <= 0).any() for example in examples
    ):
        raise ValueError(
            f"--metric pckh needs the head size of every person, which {annotations}"
            " does not give. Pass --ground-truth-mat with the official gt_valid.mat."
        )


def _print_report(report, console):
    from rich.table import Table

    from hrnet_tf.tasks.pose.evaluate import MAIN_NUMBER, PCK_THRESHOLD

    titles = {
        "oks": "0 to 1",
        "pckh": "PCKh@0.5, percent",
        "pck": f"PCK@{PCK_THRESHOLD}, 0 to 1",
    }
    table = Table("metric", titles[report.metric])
    table.columns[1].justify = "right"
    digits = 2 if report.metric == "pckh" else 4
    for name, value in report.numbers.items():
        style = "bold" if name == MAIN_NUMBER[report.metric] else None
        # COCO's -1, and NaN, say that there was nobody to measure it on.
        text = f"{value:.{digits}f}" if value >= 0 else "-"
        table.add_row(name, text, style=style)
    console.print(table)
    flip = "with" if report.flip_test else "without"
    people = common.count_text(report.num_people, "person", "people")
    if report.num_unscored:
        people += f" ({report.num_unscored} not scored: no reference joints labelled)"
    images = common.count_text(report.num_images, "image", "images")
    console.print(
        f"{people} in {images}, boxes: {report.boxes}, {flip} flip test,"
        f" {report.images_per_second:.1f} people/s",
        markup=False,
        soft_wrap=True,
    )
