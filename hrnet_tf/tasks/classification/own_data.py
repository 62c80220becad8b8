"""Classes of the user's own pictures: what is chosen, and the recipe of it."""

import collections
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from hrnet_tf.data.augment.classification import ClassificationAugmentation
from hrnet_tf.data.findings import Finding
from hrnet_tf.data.sides import listed, one_sided
from hrnet_tf.optimizers.with_cosine import adamw
from hrnet_tf.own.choices import (
    Choice,
    Choices,
    Machine,
    check_metric,
    choose_batch,
    choose_epochs,
    choose_size,
)
from hrnet_tf.own.loading import on_own_data
from hrnet_tf.own.network import choose_network
from hrnet_tf.own.pictures import usual_size
from hrnet_tf.own.reading import UserData
from hrnet_tf.own.weights import architecture_of
from hrnet_tf.pictures.sheet import contact_sheet
from hrnet_tf.tasks.base import Table
from hrnet_tf.tasks.classification.checks import check_classes
from hrnet_tf.tasks.classification.recipe import classification_recipe
from hrnet_tf.tasks.sizes import sizes_table
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.words import counted

# Images that are seen in all, after which the score hardly grows.
_SEEN = 30_000


def choose(
    data: "UserData", machine: "Machine", given: dict[str, Any]
) -> tuple[Choice, ...]:
    """Chooses the settings of a run; see `OwnData.choose`."""
    choices = Choices(given)
    names = tuple(data.train.names)
    choices.add(
        "classes", names, f"the {counted(len(names), 'classes')} of {data.train.source}"
    )
    paths = data.paths("train")
    count = len(paths)
    weights = choose_network(choices, machine, count, "images", given)
    preset = choices.value("preset")
    usual = usual_size(paths)
    largest = 224 if machine.num_gpus else 128
    side = min(32 * (min(usual) // 32), largest)
    reason = f"pictures of about {usual[0]}x{usual[1]} px"
    size = choose_size(choices, (side, side), (64, largest), reason)
    head = {"num_classes": len(names)}
    architecture = architecture_of(preset)
    choose_batch(
        choices, 32, count, machine, "HRNetClassifier", architecture, size, **head
    )
    choose_epochs(choices, count, _SEEN // (2 if weights else 1))
    rate = 2e-3 if weights is None else 5e-4
    start = "random weights" if weights is None else "trained weights"
    choices.add("learning_rate", rate, f"AdamW with a cosine, from {start}")
    choices.add(
        "label_smoothing", 0.1, "cross entropy; few pictures are learnt by heart"
    )
    _choose_flips(choices, names)
    choices.add("metric", "top1", "share of pictures that are told right", "none other")
    return choices.finish()


def _choose_flips(choices, names):
    sided = one_sided(names, ())
    written = [name for name in names if len(name) == 1 or name.isdecimal()]
    if sided:
        flips, reason = False, f"{listed(sided)} tell left from right"
    elif len(written) > len(names) / 2:
        flips = False
        reason = "classes such as digits and letters are others in a mirror"
    else:
        flips, reason = True, "no class tells left from right"
    choices.add("flips", flips, reason)


@on_own_data("classification", "classification")
def recipe(
    data: "UserData",
    run: dict[str, Any],
    *,
    classes: Sequence[str],
    flips: bool,
    metric: str,
    label_smoothing: float,
    learning_rate: float,
    weights: str | None,
    **settings: Any,
) -> Recipe:
    """Makes the `Recipe` of a classification of the user's own pictures.

    Args:
        data, run: see `on_own_data`.
        classes: tuple of str.
        flips: bool. Whether pictures are mirrored at random.
        metric: "top1", the one that there is.
        label_smoothing, learning_rate: float.
        weights: str or None. What the body starts from.
        **settings: see `classification_recipe`.
    """
    check_metric(metric, "top1", "Classes are")
    return classification_recipe(
        settings=run,
        examples={name: data.splits[name].examples for name in ("train", "val")},
        names=classes,
        augmentation=ClassificationAugmentation(
            area=(0.7, 1.0),
            aspect=(0.85, 1 / 0.85),
            flip_probability=0.5 if flips else 0.0,
            rotation=12.0,
            brightness=0.2,
            contrast=0.2,
            label_smoothing=label_smoothing,
        ),
        optimizer=functools.partial(
            adamw, learning_rate=learning_rate, weight_decay=0.05, warmup_steps=100
        ),
        weights=weights,
        **settings,
    )


def check(
    data: "UserData", settings: dict[str, Any], deep: bool = False
) -> list[Finding]:
    """Checks pictures before they are trained on; see `OwnData.check`."""
    train, val = data.train.examples, data.val.examples
    return check_classes(train, val, settings["classes"], "error")


def facts(
    data: UserData, settings: dict[str, Any], deep: bool = False
) -> dict[str, Table]:
    """Tables of the classes and sizes; see `OwnData.facts`."""
    names = settings["classes"]
    counts = {
        split: collections.Counter(example.label for example in part.examples)
        for split, part in data.splits.items()
    }
    rows = tuple(
        (name, *(str(count[i]) for count in counts.values()))
        for i, name in enumerate(names)
    )
    return {"Classes": Table(("class", *counts), rows), "Pictures": sizes_table(data)}


def draw(example: Any, settings: dict[str, Any]) -> np.ndarray:
    """Draws an example with the name of its class."""
    name = settings["classes"][example.label]
    return contact_sheet([example.image_path], captions=[name])
