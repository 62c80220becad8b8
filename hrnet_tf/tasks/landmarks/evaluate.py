"""The official test of face landmarks: crops, decoding, normalised mean error."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hrnet_tf.metrics.nme import nme, normalizing_lengths
from hrnet_tf.pictures.plots import write_figure
from hrnet_tf.tasks import graphs
from hrnet_tf.tasks.base import Report, Table
from hrnet_tf.tasks.pose.evaluate import keypoint_set_of, predict_people
from hrnet_tf.typing import PathLike, Progress
from hrnet_tf.words import count_text

if TYPE_CHECKING:
    from hrnet_tf.data.keypoint_sets import KeypointSet
    from hrnet_tf.data.schema import PoseExample
    from hrnet_tf.models.base import HRNetModel


def evaluate(
    model: "HRNetModel",
    examples: "Sequence[PoseExample]",
    reference: Sequence[Any] | str | None = None,
    flip_test: bool | None = None,
    integer_pixels: bool = False,
    batch_size: int = 32,
    infer: Callable[..., Any] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Tests a landmark model as the official code does.

    Args:
        model: `HRNetLandmarks` (or `HRNetPose`) with its keypoint set.
        examples: list of `PoseExample`, the annotated faces. `head_sizes` holds the
            box sizes of data sets that are measured by them.
        reference: pair of landmarks, names or indices, whose distance errors are
            relative to; None takes the keypoint set's, or the box sizes where it has
            none: those of `head_sizes` or, where they are not known, of the boxes.
        flip_test: bool or None. True averages with the mirrored crop's heatmaps. None:
            False, as in the official test; or what was exported.
        integer_pixels: bool. True cuts the predictions to whole pixels and adds one,
            as the official code does on its way from heatmap to image: needed for its
            exact numbers, a little worse than the predictions themselves.
        batch_size, infer, progress: see `predict_people`.
    Returns:
        `Report`, see `make_report`.
    Raises:
        ValueError: if the model carries no keypoint set, or the lengths that errors
            are relative to are not known.
    """
    keypoint_set = keypoint_set_of(model)
    labels = np.concatenate([example.keypoints for example in examples])
    sizes = np.concatenate([example.head_sizes for example in examples])
    # What is wrong with the labels shows before the work.
    boxes = np.concatenate([example.boxes for example in examples])
    lengths = normalizing_lengths(labels, keypoint_set, sizes, reference, boxes)
    flip_test = graphs.flip_test_of(model, flip_test, False)
    started = time.perf_counter()
    faces = predict_people(model, examples, flip_test, batch_size, infer, progress)
    seconds = time.perf_counter() - started
    points = np.trunc(faces.points) + 1 if integer_pixels else faces.points
    outcome = nme(points, labels, lengths)
    per_point = map(float, outcome.per_point)
    return make_report(
        outcome.numbers(),
        len(labels) / seconds,
        per_point=dict(zip(keypoint_set.names, per_point, strict=True)),
        errors=tuple(map(float, outcome.per_face)),
        normalizer=normalizer(keypoint_set, sizes, reference),
        flip_test=flip_test,
        integer_pixels=integer_pixels,
        num_people=len(labels),
        num_images=len(examples),
        num_unscored=outcome.num_excluded,
    )


def make_report(
    numbers: dict[str, float], images_per_second: float, **facts: Any
) -> Report:
    """Makes the `Report` of a test, which is ranked by 1 - NME.

    Args:
        numbers: dict of float. NME, FR@0.08, FR@0.10 and AUC@0.10, all as shares
            (papers print NME and FR times 100).
        images_per_second: float. Faces' crops through decoding, network and codec.
        **facts: per_point: dict of float, the NME of each landmark by name; errors:
            tuple of `N` float, the NME of each face, NaN for one left out; normalizer:
            str, what errors are relative to; flip_test; integer_pixels; num_people and
            num_images: faces and images; num_unscored: faces left out, as a reference
            landmark is not labelled.
    """
    table = Table(
        columns=("metric", "share", "x 100"),
        rows=tuple(
            (name, f"{value:.4f}", f"{100 * value:.2f}")
            for name, value in numbers.items()
        ),
        bold=list(numbers).index("NME"),
    )
    faces = count_text(facts["num_people"], "face", "faces")
    if facts["num_unscored"]:
        left = facts["num_unscored"]
        faces += f" ({left} not scored: no reference landmarks labelled)"
    images = count_text(facts["num_images"], "image", "images")
    flip = "with" if facts["flip_test"] else "without"
    pixels = ", whole pixels" if facts["integer_pixels"] else ""
    line = (
        f"{faces} in {images}, errors relative to the {facts['normalizer']}, {flip}"
        f" flip test{pixels}, {images_per_second:.1f} faces/s"
    )
    return Report(
        numbers=numbers,
        main_name="NME",
        images_per_second=images_per_second,
        facts=facts,
        lower_is_better=True,
        shown=(table, line),
    )


def normalizer(
    keypoint_set: "KeypointSet", sizes: Any = (), reference: Sequence[Any] | None = None
) -> str:
    """Returns in words (str) what errors are relative to.

    Args:
        keypoint_set: `KeypointSet`.
        sizes: array `[N]` of the box sizes that a file tells, 0 where it does not.
        reference: see `evaluate`.
    """
    pair = keypoint_set.pck_reference if reference is None else reference
    if pair is None:
        return "box size" if np.any(sizes) else "square root of the box's area"
    names = [keypoint_set.names[keypoint_set.index(name)] for name in pair]
    return f"distance of {names[0]} and {names[1]}"


def plot_errors(
    reports: dict[str, Report], path: PathLike, limit: float = 0.15
) -> None:
    """Plots the share of faces within each error, a curve for each report, as a PNG.

    Args:
        reports: dict of name to `Report`.
        path: str or Path of the PNG file.
        limit: float. The largest error shown.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.4), dpi=120, layout="constrained")
    axes = figure.subplots()
    for name, report in reports.items():
        errors = np.array(report.errors)
        errors = np.sort(errors[np.isfinite(errors)])
        shares = np.arange(len(errors) + 1) / len(errors)
        label = f"{name}: NME {report.numbers['NME']:.4f}"
        ends = [0.0, *errors, max(limit, errors[-1])]
        axes.step(ends, [*shares, 1.0], where="post", label=label)
    axes.axvline(0.1, color="0.6", linestyle=":", linewidth=1.2)
    axes.set(
        xlim=(0, limit),
        ylim=(0, 1.01),
        title="Cumulative error distribution",
        xlabel="Normalised mean error of a face",
        ylabel="Share of faces",
    )
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, loc="lower right", framealpha=0.8)
    write_figure(figure, Path(path))


def plot_tests(reports: dict[str, Report], folder: PathLike) -> None:
    """Draws the errors of several tests as errors.png in a folder."""
    plot_errors(reports, Path(folder) / "errors.png")
