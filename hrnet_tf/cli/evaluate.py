"""`hrnet evaluate`."""

import enum
from pathlib import Path
from typing import Annotated

import typer

from hrnet_tf.cli import common, sources
from hrnet_tf.cli.options import (
    AnnotationFormat,
    Annotations,
    Debug,
    Format,
    Images,
    SkipBad,
    flag,
)

GROUND_TRUTH = "ground-truth"


class Metric(str, enum.Enum):
    oks = "oks"
    pckh = "pckh"
    pck = "pck"


ModelOption = Annotated[
    Path,
    typer.Option(
        metavar="MODEL.keras",
        show_default=False,
        help="Model to test, such as the best.keras of `hrnet train`.",
    ),
]
BoxesOption = Annotated[
    str,
    typer.Option(
        metavar=f"{GROUND_TRUTH}|FILE",
        help="Where the people are: in the annotated boxes, or in a detector's"
        " (a COCO result file: image_id, category_id 1, bbox, score), as in the"
        " published AP on COCO.",
    ),
]
MetricOption = Annotated[
    Metric | None,
    typer.Option(
        help="oks: COCO's AP and AR (0 to 1). pckh: MPII's PCKh@0.5 (percent). pck:"
        " keypoints within 0.2 of the distance between the two reference joints"
        " of the keypoint set, such as the torso (0 to 1).",
        show_default="the keypoint set's",
    ),
]
KeypointsOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|FILE",
        help="Keypoint set: coco, mpii, lsp, or a descriptor (.json or .py).",
        show_default="the model's own",
    ),
]
GroundTruthMatOption = Annotated[
    Path | None,
    typer.Option(
        metavar="gt_valid.mat",
        help="Official head boxes of MPII's valid.json, which pckh needs.",
        show_default=False,
    ),
]
NoFlipTestOption = Annotated[
    bool,
    flag(
        "--no-flip-test",
        "Do not average with the mirrored image: twice as fast, a little worse.",
    ),
]
BatchSizeOption = Annotated[
    int, typer.Option(metavar="N", help="People that are run at once.", min=1)
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        metavar="REPORT.json",
        help="File to write the numbers to.",
        show_default=False,
    ),
]


@common.command()
def evaluate(
    model: ModelOption,
    annotations: Annotations,
    images: Images,
    boxes: BoxesOption = GROUND_TRUTH,
    metric: MetricOption = None,
    keypoints: KeypointsOption = None,
    format: AnnotationFormat = Format.coco,
    ground_truth_mat: GroundTruthMatOption = None,
    no_flip_test: NoFlipTestOption = False,
    batch_size: BatchSizeOption = 32,
    skip_bad: SkipBad = False,
    out: OutOption = None,
    debug: Debug = False,
):
    """Test a model on annotated images, as the official code does.

    Every person is cut out by its box, and its keypoints are compared with the
    annotated ones.

    Examples:
      hrnet evaluate --model runs/coco/best.keras --images data/coco/val2017 \\
          --annotations data/coco/annotations/person_keypoints_val2017.json
      hrnet evaluate --model runs/mpii/best.keras --images data/mpii/images \\
          --annotations data/mpii/annot/valid.json --format mpii \\
          --ground-truth-mat data/mpii/annot/gt_valid.mat
    """
    with common.spinner("loading the model"):
        from hrnet_tf.evaluation import pose
        from hrnet_tf.models.loading import load_model

        loaded = load_model(model)
    keypoint_set = _keypoint_set(loaded, model, keypoints)
    sources.check_keypoints(keypoint_set, format)
    metric = metric.value if metric else pose.default_metric(keypoint_set)
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
            loaded,
            examples,
            metric=metric,
            ground_truth=annotations if metric == "oks" else None,
            boxes=boxes if detected else "ground truth",
            flip_test=not no_flip_test,
            batch_size=batch_size,
            progress=tick,
            skip_bad=skip_bad,
        )
    _print_report(report, common.console())
    if out is not None:
        report.save(out)


def _keypoint_set(model, path, keypoints):
    """The keypoint set to test with, which the model then carries."""
    from hrnet_tf.data.keypoint_sets import load_keypoint_set
    from hrnet_tf.evaluation.pose import keypoint_set_of
    from hrnet_tf.models.pose import HRNetPose
    from hrnet_tf.models.simple_baseline import SimpleBaselinePose

    if not isinstance(model, (HRNetPose, SimpleBaselinePose)):
        raise ValueError(
            f"{path} holds a {type(model).__name__}, which finds no keypoints; expected"
            " an HRNetPose."
        )
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

    from hrnet_tf.evaluation.pose import MAIN_NUMBER, PCK_THRESHOLD

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
