"""Files of labelled people: testing a bottom-up model on them."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrnet_tf.data.formats.coco_people import load_people
from hrnet_tf.pictures.tested import tested_pictures
from hrnet_tf.tasks.bottom_up import evaluate as evaluation
from hrnet_tf.tasks.bottom_up.picture import draw_beside
from hrnet_tf.tasks.pose.labelled import checked_keypoint_set, one_file
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.models.base import HRNetModel
    from hrnet_tf.tasks.base import Report


FORMATS: dict[str, Callable[..., Any]] = {"coco": load_people}


def test_files(
    model: "HRNetModel",
    images: PathLike,
    progress: Callable[..., Any],
    source: PathLike = "The model",
    out: PathLike | None = None,
    *,
    annotations: Sequence[PathLike] = (),
    format: str = "coco",
    metric: str | None = None,
    keypoints: PathLike | None = None,
    flip_test: bool | None = None,
    scales: Sequence[float] | None = None,
    shorter_side: int | None = None,
    limit: int | None = None,
    pictures: int = 12,
    skip_bad: bool = False,
) -> "dict[str, Report]":
    """Tests a bottom-up model on annotated people, in all images of the file.

    Args:
        model: `HigherHRNetPose`.
        images: path of the image folder.
        progress: `(description, unit)` to a context of a callable (done, total).
        source: path the model came from, for messages.
        out: path of what will be written, or None; in a folder pictures are drawn.
        annotations: list of one path, the annotation file, COCO's or CrowdPose's.
        format: "coco", which CrowdPose's files are in too.
        metric: see `evaluate.evaluate`.
        keypoints: name or descriptor file of the keypoint set; None takes the model's.
        flip_test, scales, shorter_side, limit: see `BottomUpInference`.
        pictures: int. So many images are drawn, labelled and found, if `out` is a
            folder.
        skip_bad: bool. Warns of bad examples instead of raising.
    Returns:
        dict of one `Report`, by the annotation file's name without ending.
    Raises:
        ValueError: if the arguments contradict each other or the data are bad.
    """
    if format not in FORMATS:
        raise ValueError(
            f"`format` must be one of {', '.join(FORMATS)} for a bottom-up model."
            f" Received: {format!r}."
        )
    file = one_file(annotations, source)
    keypoint_set = checked_keypoint_set(model, source, keypoints)
    metric = evaluation.checked_metric(metric, keypoint_set)
    with progress("checking images", "images") as tick:
        examples = load_people(
            file, images, keypoint_set, "val", skip_bad, progress=tick
        )
    draw = functools.partial(draw_beside, keypoint_set=keypoint_set)
    on_found = tested_pictures(out, draw, pictures, len(examples))
    with progress("finding people", "images") as tick:
        report = evaluation.evaluate(
            model,
            examples,
            metric=metric,
            ground_truth=file,
            flip_test=flip_test,
            scales=scales,
            shorter_side=shorter_side,
            limit=limit,
            progress=tick,
            skip_bad=skip_bad,
            on_found=on_found,
        )
    return {Path(file).stem: report}
