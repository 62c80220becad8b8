"""Label maps of the user's own: what is chosen for them, and the recipe of it."""

import functools
from typing import Any

from hrnet_tf.data.augment.segmentation import SegmentationAugmentation
from hrnet_tf.data.label_set import LabelSet
from hrnet_tf.data.sides import listed, one_sided
from hrnet_tf.models.classifier import KAIMING_FAN_OUT
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
from hrnet_tf.tasks.segmentation.own_classes import choose_labels
from hrnet_tf.tasks.segmentation.recipe import poly_muon, segmentation_recipe
from hrnet_tf.training.recipe import Recipe

# Crops that are seen in all, after which the score hardly grows.
_SEEN = 22_000
# Share of a picture's sides that a crop has.
_CROP = 0.72


def choose(
    data: "UserData", machine: "Machine", given: dict[str, Any]
) -> tuple[Choice, ...]:
    """Chooses the settings of a run; see `OwnData.choose`."""
    choices = Choices(given)
    label_set = choose_labels(choices, data, given.get("labels"))
    paths = data.paths("train")
    count = len(paths)
    weights = choose_network(choices, machine, count, "pictures", given)
    preset = choices.value("preset")
    usual = usual_size(paths)
    largest = 768 if machine.num_gpus else 384
    size = choose_size(
        choices,
        [_CROP * side for side in usual],
        (64, largest),
        f"three quarters of pictures of about {usual[0]}x{usual[1]} px",
        "crop_size",
    )
    choices.add("base_size", max(usual), "the longer side of pictures at scale 1")
    head = {"num_classes": label_set.num_classes}
    architecture = architecture_of(preset)
    choose_batch(
        choices, 8, count, machine, "HRNetSegmenter", architecture, size, **head
    )
    choose_epochs(choices, count, _SEEN // (2 if weights else 1))
    rate = 5e-3 if weights is None else 1e-3
    start = "random weights" if weights is None else "trained weights"
    choices.add("learning_rate", rate, f"Muon, falling to 0, from {start}")
    choices.add("lovasz", 1.0, "cross entropy, and a loss that is close to mIoU")
    weighting = "rare classes count more"
    choices.add("class_weights", label_set.class_weights or "log", weighting)
    _choose_flips(choices, label_set)
    choices.add("metric", "mIoU", "mean over the classes, whole pictures", "none other")
    return choices.finish()


def _choose_flips(choices, label_set):
    alone = one_sided(label_set.classes, label_set.flip_pairs)
    if alone:
        flips, reason = False, f"{listed(alone)} have no partner in flip_pairs"
    elif label_set.flip_pairs:
        shown = listed([f"{a} - {b}" for a, b in label_set.flip_pairs], 3)
        flips, reason = True, f"classes change places: {shown}"
    else:
        flips, reason = True, "no class tells left from right"
    choices.add("flips", flips, reason)


@on_own_data("segmentation", "segmentation")
def recipe(
    data: "UserData",
    run: dict[str, Any],
    *,
    labels: dict[str, Any],
    flips: bool,
    metric: str,
    base_size: int,
    learning_rate: float,
    weights: str | None,
    **settings: Any,
) -> Recipe:
    """Makes the `Recipe` of a segmentation of the user's own pictures.

    Args:
        data, run: see `on_own_data`.
        labels: dict of a `LabelSet`.
        flips: bool. Whether pictures are mirrored at random.
        metric: "mIoU", the one that there is.
        base_size: int, px, see `SegmentationAugmentation`.
        learning_rate: float, of the first step.
        weights: str or None. What the body starts from.
        **settings: see `segmentation_recipe`.
    """
    check_metric(metric, "mIoU", "Segmentations are")
    label_set = LabelSet.from_dict(labels)
    return segmentation_recipe(
        settings=run,
        labels=label_set,
        load_train=lambda _: data.train.examples,
        load_val=lambda _: data.val.examples,
        augmentation=SegmentationAugmentation(
            base_size=base_size,
            min_scale=0.6,
            max_scale=1.6,
            flip_probability=0.5 if flips else 0.0,
            brightness=0.3,
            contrast=0.3,
        ),
        optimizer=functools.partial(poly_muon, learning_rate=learning_rate),
        momentum=0.9,
        kernel_initializer=KAIMING_FAN_OUT,
        weights=weights,
        **settings,
    )
