"""Testing a bottom-up model on people of the user's own data."""

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hrnet_tf.own.choices import check_metric
from hrnet_tf.pictures.tested import tested_pictures
from hrnet_tf.tasks.bottom_up import evaluate as evaluation
from hrnet_tf.tasks.bottom_up.own_people import METRIC
from hrnet_tf.tasks.bottom_up.picture import draw_beside
from hrnet_tf.tasks.pose.labelled import checked_keypoint_set
from hrnet_tf.tasks.pose.own_test import in_order
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.data.formats.tools.base import LabelledData
    from hrnet_tf.models.base import HRNetModel
    from hrnet_tf.tasks.base import Report


def test_own(
    model: "HRNetModel",
    data: "LabelledData",
    progress: Callable[..., Any],
    source: PathLike = "The model",
    out: PathLike | None = None,
    *,
    metric: str | None = None,
    keypoints: PathLike | None = None,
    flip_test: bool | None = None,
    scales: Sequence[float] | None = None,
    shorter_side: int | None = None,
    limit: int | None = None,
    pictures: int = 12,
    skip_bad: bool = False,
) -> "Report":
    """Tests a bottom-up model on the user's own data, as training tests it.

    Args:
        model, progress, source, out, metric, keypoints, flip_test, scales,
            shorter_side, limit, pictures: see `labelled.test_files`.
        data: `LabelledData` of people.
        skip_bad: not used: the test takes people alone.
    Returns:
        `Report`.
    Raises:
        ValueError: if the keypoints are not the model's, or have no sigmas.
    """
    keypoint_set = checked_keypoint_set(model, source, keypoints)
    check_metric(metric or METRIC, METRIC, "People of data of your own are")
    evaluation.checked_metric(METRIC, keypoint_set)
    examples = in_order(data, keypoint_set, source)
    draw = functools.partial(draw_beside, keypoint_set=keypoint_set)
    on_found = tested_pictures(out, draw, pictures, len(examples))
    with progress("finding people", "images") as tick:
        return evaluation.evaluate(
            model,
            examples,
            metric=METRIC,
            flip_test=flip_test,
            scales=scales,
            shorter_side=shorter_side,
            limit=limit,
            progress=tick,
            skip_bad=skip_bad,
            on_found=on_found,
        )
