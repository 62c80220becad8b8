"""Pictures of several people of the user's own: what is chosen, and the recipe."""

import dataclasses
import functools
import math
from typing import Any

import numpy as np

from hrnet_tf.data.augment.people import PeopleAugmentation
from hrnet_tf.data.keypoint_sets import KeypointSet
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
from hrnet_tf.own.pictures import usual_size
from hrnet_tf.own.reading import UserData
from hrnet_tf.own.records import check_pictures
from hrnet_tf.own.weights import architecture_of
from hrnet_tf.tasks.bottom_up.own_people import METRIC, scenes_of
from hrnet_tf.tasks.bottom_up.recipe import bottom_up_recipe
from hrnet_tf.tasks.pose.own_data import choose_sides
from hrnet_tf.tasks.pose.own_people import choose_keypoints
from hrnet_tf.training.recipe import Recipe

# Pictures that are seen in all, after which the score hardly grows.
_SEEN = 30_000
# The shorter side of pictures in the network, px, by whether there is a GPU.
_LARGEST = {True: 512, False: 256}
# Where nobody tells the sigmas of OKS: that of all keypoints, about COCO's of a hip.
_SIGMA = 0.1
# OKS is exp(-d^2 / (8 sigma^2)), d being relative to the root of the person's area.
_LOOSE, _STRICT = (_SIGMA * (-8 * math.log(level)) ** 0.5 for level in (0.5, 0.95))


def choose(
    data: "UserData", machine: "Machine", given: dict[str, Any]
) -> tuple[Choice, ...]:
    """Chooses the settings of a run; see `OwnData.choose`."""
    choices = Choices(given)
    keypoint_set, told = _choose_keypoints(choices, data, given)
    paths = data.paths("train")
    count = len(paths)
    weights = choose_network(choices, machine, count, "pictures", given)
    side = _choose_side(choices, paths, data.train.examples, machine)
    head = {"num_keypoints": keypoint_set.num_keypoints}
    architecture = architecture_of(choices.value("preset"))
    model, size = "HigherHRNetPose", (side, side)
    choose_batch(choices, 8, count, machine, model, architecture, size, **head)
    choose_epochs(choices, count, _SEEN // (2 if weights else 1))
    sigma = 1.5 if side <= 256 else 2.0
    choices.add("sigma", sigma, f"width of the heatmaps' peaks, for {side} px")
    rate = 5e-3 if weights is None else 1e-3
    start = "random weights" if weights is None else "trained weights"
    choices.add("learning_rate", rate, f"Muon with a cosine, from {start}")
    reason = "cells on keypoints count more than the many others: learns faster"
    weighted = choices.add("foreground", 20.0, reason)
    threshold = 0.3 if weighted else 0.1
    reason = "height of peaks that count; higher where cells on keypoints weigh more"
    choices.add("detection_threshold", threshold, reason)
    choices.add("tag_weight", 0.1, "what tells people apart, beside such heatmaps")
    choose_sides(choices, data, keypoint_set, given)
    text = "AP by the similarity OKS, of all people of a picture"
    if not told:
        text += (
            f"; nothing tells its sigmas: {_SIGMA} for each keypoint, so that a person"
            f" counts as found (OKS 0.5) with all keypoints {_LOOSE:.0%} of the root of"
            f" the area off, and in the strictest level (0.95) {_STRICT:.0%}; not to be"
            " compared with scores by other sigmas"
        )
    choices.add("metric", METRIC, text, "sigmas of --keypoints")
    return choices.finish()


def _choose_keypoints(choices, data, given):
    """The keypoint set, with sigmas, and whether somebody told these."""
    keypoint_set = choose_keypoints(choices, data, given.get("keypoints"))
    if keypoint_set.sigmas is not None:
        return keypoint_set, True
    sigmas = (_SIGMA,) * keypoint_set.num_keypoints
    keypoint_set = dataclasses.replace(keypoint_set, sigmas=sigmas)
    reason = choices.reason("keypoints")
    choices.put("keypoints", keypoint_set.to_dict(), reason, "--keypoints NAME|FILE")
    return keypoint_set, False


def _choose_side(choices, paths, examples, machine):
    """The shorter side of pictures in the network, by theirs and the people's."""
    height, width = usual_size(paths)
    largest = _LARGEST[bool(machine.num_gpus)]
    side = int(np.clip(64 * round(min(height, width) / 64), 64, largest))
    scales = np.array([side / min(e.height, e.width) for e in examples])
    longer = np.repeat(scales, [e.num_people for e in examples])
    longer = longer * np.concatenate([e.boxes[:, 2:].max(1) for e in examples])
    reason = (
        f"the shorter side of pictures of about {height}x{width} px; half of the people"
        f" have {np.median(longer):.0f} px and more there"
    )
    side = choices.add("side", side, reason)
    if not isinstance(side, int) or side % 64 or side < 64:
        raise ValueError(
            f"`side` is divisible by 64, such as 256. Received: side={side!r}."
        )
    return side


@on_own_data("bottom_up", "pose")
def recipe(
    data: "UserData",
    run: dict[str, Any],
    *,
    keypoints: dict[str, Any],
    flips: bool,
    metric: str,
    learning_rate: float,
    skip_bad: bool = False,
    **settings: Any,
) -> Recipe:
    """Makes the `Recipe` of bottom-up poses of the user's own.

    Args:
        data, run: see `on_own_data`.
        keypoints: dict of a `KeypointSet` with sigmas.
        flips: bool. Whether pictures are mirrored at random.
        metric: "oks", the one that there is.
        learning_rate: float, the highest of a cosine.
        skip_bad: bool. Whether outlines that cannot be drawn are left out.
        **settings: see `bottom_up_recipe`.
    """
    check_metric(metric, METRIC, "People of whole pictures are")
    check_pictures(data.train, "a bottom-up training")
    return bottom_up_recipe(
        settings=run,
        keypoints=KeypointSet.from_dict(keypoints),
        load_train=lambda _: scenes_of(data.train, skip_bad),
        # Of which a test takes the people alone.
        load_val=lambda _: data.val.examples,
        augmentation=PeopleAugmentation(
            rotation=20,
            scale=(0.75, 1.25),
            translation=20,
            flip_probability=0.5 if flips else 0.0,
            mirrors="pixels",
            brightness=0.2,
            contrast=0.2,
        ),
        optimizer=functools.partial(muon, learning_rate=learning_rate, warmup_steps=50),
        metric=metric,
        skip_bad=skip_bad,
        **settings,
    )
