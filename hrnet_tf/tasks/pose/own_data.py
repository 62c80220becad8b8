"""Poses of the user's own data: what is chosen for them, and the recipe of it."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from hrnet_tf.data.augment.affine import PoseAugmentation
from hrnet_tf.data.keypoint_sets import KEYPOINT_SETS, KeypointSet
from hrnet_tf.optimizers.with_cosine import muon
from hrnet_tf.own.choices import (
    Choice,
    Choices,
    Machine,
    choose_batch,
    choose_epochs,
    choose_size,
)
from hrnet_tf.own.loading import on_own_data
from hrnet_tf.own.network import choose_network
from hrnet_tf.own.reading import UserData
from hrnet_tf.own.weights import architecture_of, model_of
from hrnet_tf.tasks.pose import evaluate as evaluation
from hrnet_tf.tasks.pose.networks import counted_as
from hrnet_tf.tasks.pose.own_people import (
    choose_flips,
    choose_keypoints,
    shape_of_boxes,
)
from hrnet_tf.tasks.pose.recipe import pose_recipe
from hrnet_tf.training.recipe import Recipe

# Examples that are seen in all, after which the score hardly grows.
_SEEN = 240_000
_PADDING = 1.25
# Width of the heatmaps' peaks, cells for each pixel of the crop.
_SIGMA = 0.7 / 128
# Points that lie close need narrow heatmaps.
_MANY_POINTS = 40


def choose(
    data: "UserData", machine: "Machine", given: dict[str, Any]
) -> tuple[Choice, ...]:
    """Chooses the settings of a run; see `OwnData.choose`."""
    choices = Choices(given)
    keypoint_set = choose_keypoints(choices, data, given.get("keypoints"))
    train = data.train.examples
    people = sum(example.num_people for example in train)
    weights = choose_network(choices, machine, people, "people", given)
    preset = choices.value("preset")
    size = choose_crop(choices, train, machine)
    head: dict[str, Any] = {"num_keypoints": keypoint_set.num_keypoints}
    model, architecture = counted_as(architecture_of(preset))
    if model == "HRNetPose":
        head["representation"] = choose_representation(choices, weights)
    choose_batch(choices, 16, people, machine, model, architecture, size, **head)
    choose_epochs(choices, people, _SEEN // (4 if weights else 1))
    choose_learning(choices, weights)
    choose_sigma(choices, keypoint_set, size)
    choose_sides(choices, data, keypoint_set, given)
    choose_metric(choices, data, keypoint_set)
    return choices.finish()


def choose_representation(choices: "Choices", weights: Any) -> str:
    """Chooses what the head reads, "v1" or "v2"; see `HRNetPose`.

    Args:
        choices: `Choices`.
        weights: what the training starts from, or None.
    """
    value, reason = "v2", "the head reads all streams"
    if weights is not None:
        # The head of another representation would begin anew.
        name, arguments = model_of(weights)
        value = arguments.get("representation", "v1") if name == "HRNetPose" else "v1"
        reason = f"that of {weights}" if name == "HRNetPose" else "the finest stream"
    option = "--set representation=v1|v2"
    return choices.add("representation", value, reason, option)


def choose_sides(
    choices: "Choices",
    data: "UserData",
    keypoint_set: KeypointSet,
    given: dict[str, Any],
) -> bool:
    """Chooses whether training mirrors pictures."""
    told = given.get("keypoints") is not None or data.train.flip_pairs is not None
    # Those of a known set are told, too.
    told |= keypoint_set.name in KEYPOINT_SETS
    return choose_flips(choices, keypoint_set, told or "flip_pairs" in data.fields)


def choose_crop(
    choices: "Choices",
    examples: Sequence[Any],
    machine: "Machine",
    largest: int | None = None,
) -> tuple[int, int]:
    """Chooses the size of the crops by the shapes and sizes of the boxes."""
    sides, aspect, alike = shape_of_boxes(examples)
    longest = float(np.median(sides)) * _PADDING
    largest = largest or (384 if machine.num_gpus else 256)
    # Crops may enlarge people a little: heatmaps have a quarter of their size.
    wanted = float(next((s for s in (128, 192, 256) if s >= 0.75 * longest), 384))
    wanted = min(wanted, float(largest))
    text = f"boxes of about {longest:.0f} px with their margin"
    if not alike or 0.8 <= aspect <= 1.25:
        shape, height, width = "square on the whole", wanted, wanted
    elif aspect < 1:
        shape, height, width = "higher than wide", wanted, 0.75 * wanted
    else:
        shape, height, width = "wider than high", 0.75 * wanted, wanted
    return choose_size(choices, (height, width), (64, largest), f"{text}, {shape}")


def choose_sigma(
    choices: "Choices", keypoint_set: KeypointSet, size: tuple[int, int]
) -> float:
    """Chooses the width of the heatmaps' peaks, after the loss."""
    # Wide enough to tell places within a cell, and else as narrow as the crop allows.
    sigma = max(0.7, round(_SIGMA * max(size), 1))
    reason = f"for crops of {max(size)} px"
    if keypoint_set.num_keypoints > _MANY_POINTS and sigma > 1.0:
        sigma = 1.0
        reason = f"{keypoint_set.num_keypoints} points lie close to each other"
    if choices.value("loss") == "mse":
        # The squared error learns nothing from maps that are empty but for a few cells.
        sigma, reason = max(1.5, sigma), f"{reason}, wider for the squared error"
    return choices.add("sigma", sigma, reason)


def choose_learning(choices: "Choices", weights: str | None) -> None:
    """Chooses the learning rate and the loss."""
    rate = 5e-3 if weights is None else 1e-3
    start = "random weights" if weights is None else "trained weights"
    choices.add("learning_rate", rate, f"Muon with a cosine, from {start}")
    choices.add(
        "loss",
        "cross_entropy",
        "learns faster than the squared error from few data",
        "--loss mse|cross_entropy",
    )


def choose_metric(
    choices: "Choices", data: "UserData", keypoint_set: KeypointSet
) -> str:
    """Chooses what the best epoch is told by."""
    metric = evaluation.metric_of(keypoint_set, data.val.examples)
    reason = evaluation.metric_text(metric, keypoint_set)
    if metric == "pck":
        reason += " (the keypoints have no sigmas for OKS)"
    return choices.add("metric", metric, reason, "--set metric=pck, or sigmas")


@on_own_data("pose", "pose")
def recipe(
    data: "UserData",
    run: dict[str, Any],
    *,
    keypoints: dict[str, Any],
    flips: bool,
    metric: str,
    learning_rate: float,
    weights: str | None,
    image_size: tuple[int, int],
    representation: str | None = None,
    **settings: Any,
) -> Recipe:
    """Makes the `Recipe` of poses of the user's own.

    Args:
        data, run: see `on_own_data`.
        keypoints: dict of a `KeypointSet`.
        flips: bool. Whether pictures are mirrored at random.
        metric: "oks", "pck" or "pckh".
        learning_rate: float, the highest of a cosine.
        weights: str or None. What the training starts from.
        representation: "v1" or "v2", of an HRNet; None: "v2" from random weights, else
            "v1", as files of recipes mean that do not tell.
        image_size, **settings: see `pose_recipe`.
    """
    return pose_recipe(
        settings={**run, "metric": metric},
        keypoints=KeypointSet.from_dict(keypoints),
        load_train=lambda _: data.train.examples,
        load_val=lambda _: data.val.examples,
        records_dir=data.train.records,
        image_size=image_size,
        augmentation=PoseAugmentation(
            scale=0.25,
            rotation=30,
            half_body_probability=0.0,
            flip_probability=0.5 if flips else 0.0,
            brightness=0.2,
            contrast=0.2,
        ),
        optimizer=functools.partial(muon, learning_rate=learning_rate),
        metric=metric,
        representation=representation or ("v2" if weights is None else "v1"),
        weights=weights,
        **settings,
    )
