"""Landmarks of the user's own data: what is chosen for them, and the recipe of it."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from hrnet_tf.data.augment.affine import PoseAugmentation
from hrnet_tf.data.findings import Finding
from hrnet_tf.data.keypoint_sets import KeypointSet
from hrnet_tf.metrics.nme import normalizing_lengths
from hrnet_tf.optimizers.with_cosine import muon
from hrnet_tf.own.choices import (
    Choice,
    Choices,
    Machine,
    check_metric,
    choose_batch,
    choose_epochs,
)
from hrnet_tf.own.loading import on_own_data
from hrnet_tf.own.network import choose_network
from hrnet_tf.own.reading import UserData
from hrnet_tf.own.weights import architecture_of
from hrnet_tf.tasks.landmarks.evaluate import normalizer
from hrnet_tf.tasks.landmarks.recipe import landmarks_recipe
from hrnet_tf.tasks.pose.checks import check_people
from hrnet_tf.tasks.pose.own_data import (
    choose_crop,
    choose_learning,
    choose_sides,
    choose_sigma,
)
from hrnet_tf.tasks.pose.own_people import choose_keypoints
from hrnet_tf.training.recipe import Recipe

# Examples that are seen in all, after which the error hardly falls.
_SEEN = 65_000


def choose(
    data: "UserData", machine: "Machine", given: dict[str, Any]
) -> tuple[Choice, ...]:
    """Chooses the settings of a run; see `OwnData.choose`."""
    choices = Choices(given)
    keypoint_set = choose_keypoints(choices, data, given.get("keypoints"))
    train = data.train.examples
    faces = sum(example.num_people for example in train)
    weights = choose_network(choices, machine, faces, "faces", given)
    preset = choices.value("preset")
    size = choose_crop(choices, train, machine, largest=256)
    head = {"num_keypoints": keypoint_set.num_keypoints}
    architecture = architecture_of(preset)
    choose_batch(
        choices, 16, faces, machine, "HRNetLandmarks", architecture, size, **head
    )
    choose_epochs(choices, faces, _SEEN // (2 if weights else 1))
    choose_learning(choices, weights)
    choose_sigma(choices, keypoint_set, size)
    choose_sides(choices, data, keypoint_set, given)
    sizes = np.concatenate([example.head_sizes for example in data.val.examples])
    text = f"normalised mean error, relative to the {normalizer(keypoint_set, sizes)}"
    choices.add("metric", "nme", text, "pck_reference of --keypoints")
    return choices.finish()


@on_own_data("landmarks", "pose")
def recipe(
    data: "UserData",
    run: dict[str, Any],
    *,
    keypoints: dict[str, Any],
    flips: bool,
    metric: str,
    learning_rate: float,
    weights: str | None,
    **settings: Any,
) -> Recipe:
    """Makes the `Recipe` of landmarks of the user's own.

    Args:
        data, run: see `on_own_data`.
        keypoints: dict of a `KeypointSet`.
        flips: bool. Whether pictures are mirrored at random.
        metric: "nme", the one that there is.
        learning_rate: float, the highest of a cosine.
        weights: str or None. What the body starts from.
        **settings: see `landmarks_recipe`.
    """
    check_metric(metric, "nme", "Landmarks are")
    keypoint_set = KeypointSet.from_dict(keypoints)
    return landmarks_recipe(
        settings=run,
        keypoints=keypoint_set,
        load_train=lambda _: data.train.examples,
        load_val=lambda _: data.val.examples,
        records_dir=data.train.records,
        augmentation=PoseAugmentation(
            scale=0.2,
            rotation=15,
            half_body_probability=0.0,
            flip_probability=0.5 if flips else 0.0,
            brightness=0.2,
            contrast=0.2,
        ),
        optimizer=functools.partial(muon, learning_rate=learning_rate),
        momentum=0.9,
        lengths=functools.partial(lengths, keypoint_set=keypoint_set),
        weights=weights,
        **settings,
    )


def lengths(examples: Sequence[Any], keypoint_set: KeypointSet) -> np.ndarray:
    """Returns what errors of faces are relative to, float64 `[N]`, px."""
    points, sizes, boxes = (
        np.concatenate([getattr(example, field) for example in examples])
        for field in ("keypoints", "head_sizes", "boxes")
    )
    return normalizing_lengths(points, keypoint_set, sizes, boxes=boxes)


def check(
    data: "UserData", settings: dict[str, Any], deep: bool = False
) -> list[Finding]:
    """Checks faces before they are trained on; see `OwnData.check`."""
    keypoint_set = KeypointSet.from_dict(settings["keypoints"])
    measure = functools.partial(lengths, keypoint_set=keypoint_set)
    train, val = data.train.examples, data.val.examples
    return check_people(train, val, keypoint_set, settings["flips"], measure, "error")
