"""Testing a model on people of the user's own data."""

import dataclasses
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from hrnet_tf.data.formats.coco_entries import CategoryEntry, order_of
from hrnet_tf.data.sides import listed
from hrnet_tf.tasks.pose import evaluate as evaluation
from hrnet_tf.tasks.pose.labelled import checked_keypoint_set
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.data.formats.tools.base import LabelledData
    from hrnet_tf.data.keypoint_sets import KeypointSet
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
    batch_size: int = 32,
) -> "Report":
    """Tests a pose model on the user's own data, as training tests it.

    Args:
        model, progress, source, metric, keypoints, flip_test, batch_size: see
            `labelled.test_files`.
        data: `LabelledData` of people.
        out: not used.
    Returns:
        `Report`.
    Raises:
        ValueError: if the keypoints are not the model's, or the metric cannot be
            computed.
    """
    keypoint_set = checked_keypoint_set(model, source, keypoints)
    examples = in_order(data, keypoint_set, source)
    metric = metric or evaluation.metric_of(keypoint_set, examples)
    evaluation.checked_metric(metric, keypoint_set)
    if metric == "pckh" and not all(e.head_sizes.all() for e in examples):
        raise ValueError(
            "`metric` pckh needs the head size of every person, which"
            f" {data.source} does not give. Use `metric` pck."
        )
    with progress("finding keypoints", "people") as tick:
        return evaluation.evaluate(
            model,
            examples,
            metric=metric,
            flip_test=flip_test,
            batch_size=batch_size,
            progress=tick,
        )


def in_order(
    data: "LabelledData", keypoint_set: "KeypointSet", source: PathLike
) -> list[Any]:
    """Returns labelled people (`PoseExample`) with the keypoints of a model.

    Args:
        data: `LabelledData`.
        keypoint_set: `KeypointSet`, the model's.
        source: path of the model, for messages.
    Raises:
        ValueError: if the data have other keypoints.
    """
    wanted, found = list(keypoint_set.names), list(data.names)
    if len(found) < len(wanted) and set(found) <= set(wanted):
        # What nobody has labelled is not in the files of some tools.
        absent = [name for name in wanted if name not in found]
        warnings.warn(
            f"{data.source} has no {listed(absent)}, which the model finds: it is not"
            " scored.",
            stacklevel=2,
        )
        places = [found.index(name) if name in found else -1 for name in wanted]
        return [_with(e, _padded(e.keypoints)[:, places]) for e in data.examples]
    if len(found) != len(wanted):
        raise ValueError(
            f"{source} finds {len(wanted)} keypoints ({listed(wanted)}), but"
            f" {data.source} has {len(found)} ({listed(found)}). Test it on data with"
            " the keypoints that it was trained on."
        )
    category = CategoryEntry(name=data.format, keypoints=found)
    try:
        order = order_of(data.source, category, keypoint_set)
    except ValueError as error:
        raise ValueError(
            f"{error} Those of {source} are tested without `keypoints`."
        ) from error
    if order.note:
        warnings.warn(order.note, stacklevel=2)
    if order.indices is None:
        return data.examples
    return [_with(e, e.keypoints[:, order.indices]) for e in data.examples]


def _padded(keypoints):
    """With a keypoint at the end that is not labelled."""
    return np.pad(keypoints, ((0, 0), (0, 1), (0, 0)))


def _with(example, keypoints):
    return dataclasses.replace(example, keypoints=keypoints)
