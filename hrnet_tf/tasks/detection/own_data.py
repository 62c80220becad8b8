"""Objects of the user's own data: what is chosen for them, and the recipe of it."""

import functools
from typing import Any

import numpy as np

from hrnet_tf.data.augment.detection import DetectionAugmentation
from hrnet_tf.data.object_sets import ObjectSet
from hrnet_tf.data.sides import listed, one_sided
from hrnet_tf.models.cascade_rcnn import HRNetCascadeRCNN
from hrnet_tf.models.classifier import KAIMING_FAN_OUT
from hrnet_tf.models.faster_rcnn import HRNetFasterRCNN
from hrnet_tf.models.fcos import HRNetFCOS
from hrnet_tf.optimizers.with_cosine import muon
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
from hrnet_tf.own.reading import UserData
from hrnet_tf.own.weights import architecture_of, model_of
from hrnet_tf.tasks.detection.own_objects import (
    choose_objects,
    fitted,
    network_scale,
    sides_of,
    with_classes,
)
from hrnet_tf.tasks.detection.recipe import detection_recipe
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.words import counted

DETECTORS: dict[str, Any] = {
    "fcos": HRNetFCOS,
    "faster_rcnn": HRNetFasterRCNN,
    "cascade_rcnn": HRNetCascadeRCNN,
}
# Pictures that are seen in all, after which the score hardly grows.
_SEEN = 16_000
# Fewer pictures do not need the published channels, or two stages.
_MANY = 5000
_FEW_CHANNELS, _PUBLISHED_CHANNELS = 64, 256
# The longest side of the network's input, px, by whether there is a GPU.
_LARGEST = {True: 1024, False: 416}
# Of objects in the network's input, px: where half are smaller, pictures stay larger.
_WANTED_SIDE = 16.0
_MOST_BOXES = 500


def choose(
    data: "UserData", machine: "Machine", given: dict[str, Any]
) -> tuple[Choice, ...]:
    """Chooses the settings of a run; see `OwnData.choose`."""
    choices = Choices(given)
    object_set = choose_objects(choices, data, given.get("objects"))
    examples = with_classes(data.train, object_set)
    count = len(examples)
    weights = choose_network(choices, machine, count, "pictures", given)
    preset = choices.value("preset")
    detector = _choose_detector(choices, machine, count, weights)
    channels = choices.value("num_channels")
    size = _choose_size(choices, examples, machine)
    head = {"num_classes": object_set.num_classes, "num_channels": channels}
    model = DETECTORS[detector].__name__
    usual = 8 if machine.num_gpus else 4
    architecture = architecture_of(preset)
    choose_batch(choices, usual, count, machine, model, architecture, size, **head)
    choose_epochs(choices, count, _SEEN // (2 if weights else 1), 12, 150)
    rate = 2e-3 if weights is None else 1e-3
    start = "random weights" if weights is None else "trained weights"
    choices.add("learning_rate", rate, f"Muon with a cosine, from {start}")
    _choose_objects_of_pictures(choices, examples)
    _choose_flips(choices, object_set)
    text = "COCO's: mean over the classes, and over overlaps from 0.5 to 0.95"
    choices.add("metric", "AP", text, "none other")
    return choices.finish()


def _choose_detector(choices, machine, count, weights):
    """The kind of the network, and how wide its head is."""
    kind, known = (None, {}) if weights is None else model_of(weights)
    names = {model.__name__: name for name, model in DETECTORS.items()}
    pictures = counted(count, "pictures")
    if kind in names:
        detector, reason = names[kind], f"that of {weights}"
    elif machine.num_gpus and count >= _MANY:
        detector = "faster_rcnn"
        reason = (
            f"for {pictures}; published on COCO with 1.6 AP more than fcos (W18, 1x)"
        )
    else:
        detector = "fcos"
        why = f"for {pictures}" if machine.num_gpus else "there is no GPU"
        reason = f"a single stage trains fastest: {why}; exports to all formats"
    option = f"--set detector={'|'.join(DETECTORS)}"
    detector = choices.add("detector", detector, reason, option)
    if detector not in DETECTORS:
        raise ValueError(
            f"There is no detector {detector!r}. Pass one of {', '.join(DETECTORS)} as"
            " --set detector=..."
        )
    channels, reason = _FEW_CHANNELS, f"a quarter of the published: {pictures}"
    if kind in names and names[kind] == detector:
        channels = known.get("num_channels", _PUBLISHED_CHANNELS)
        reason = f"those of {weights}"
    elif machine.num_gpus and count >= _MANY:
        channels, reason = _PUBLISHED_CHANNELS, f"as published: {pictures}"
    channels = choices.add("num_channels", channels, f"of the head, {reason}")
    if not isinstance(channels, int) or channels < 32 or channels % 32:
        raise ValueError(
            "`num_channels` is divisible by 32, the groups of FCOS' normalisation, such"
            f" as 64. Received: num_channels={channels!r}."
        )
    return detector


def _choose_size(choices, examples, machine):
    """The size of the input, by those of the pictures and of the objects."""
    sizes = np.array([(example.height, example.width) for example in examples])
    usual = tuple(np.median(sizes, axis=0).astype(int).tolist())
    wanted = np.array(_oriented(sizes, usual), float)
    largest = _LARGEST[bool(machine.num_gpus)]
    reason = f"pictures of about {usual[0]}x{usual[1]} px"
    scale = min(1.0, largest / wanted.max())
    sides = sides_of(examples).min(1)
    if len(sides):
        size = (int(wanted[0] * scale), int(wanted[1] * scale))
        half = float(np.median(sides * network_scale(examples, size)))
        if half < _WANTED_SIDE and scale < 1:
            # A half more on each side, for twice the time.
            largest = int(32 * (1.5 * largest // 32))
            scale = min(1.0, largest / wanted.max())
            size = (int(wanted[0] * scale), int(wanted[1] * scale))
            half = float(np.median(sides * network_scale(examples, size)))
            reason += ", larger because objects are small"
        reason += f"; half of the objects have sides of {half:.0f} px and more there"
    return choose_size(choices, tuple(wanted * scale), (64, largest), reason)


def _oriented(sizes, usual):
    """The usual size; square where some pictures are high and others wide."""
    wide = float((sizes[:, 1] > sizes[:, 0]).mean())
    high = float((sizes[:, 1] < sizes[:, 0]).mean())
    return (max(usual),) * 2 if min(wide, high) > 0.2 else usual


def _choose_objects_of_pictures(choices, examples):
    """How many objects of a picture are learned, and what of pictures without any."""
    counts = np.array([e.num_objects for e in examples])
    most = int(counts.max(initial=0))
    boxes = int(np.clip(most, 100, _MOST_BOXES))
    reason = f"a picture has {most} objects at the most"
    choices.add("max_boxes", boxes, reason)
    empty = sum(not (~example.ignored).any() for example in examples)
    if not empty:
        kept, reason = False, "every picture has an object"
    elif 2 * empty <= len(examples):
        pictures = counted(empty, "pictures without an object are")
        kept, reason = True, f"{pictures} learned as background"
    else:
        kept = False
        reason = f"{empty} of {len(examples)} pictures have none: not labelled yet?"
    choices.add("keep_empty", kept, reason)


def _choose_flips(choices, object_set):
    alone = one_sided(object_set.classes, ())
    if alone:
        flips, reason = False, f"{listed(alone)} tell left from right"
    else:
        flips, reason = True, "no class tells left from right"
    choices.add("flips", flips, reason)
    reason = "pictures are taken to have an upside; those from above have none"
    choices.add("vertical_flips", False, reason)


@on_own_data("detection", "detection")
def recipe(
    data: "UserData",
    run: dict[str, Any],
    *,
    objects: dict[str, Any],
    detector: str,
    flips: bool,
    vertical_flips: bool,
    metric: str,
    image_size: tuple[int, int],
    learning_rate: float,
    skip_bad: bool = False,
    **settings: Any,
) -> Recipe:
    """Makes the `Recipe` of a detection of the user's own objects.

    Args:
        data, run: see `on_own_data`.
        objects: dict of an `ObjectSet`.
        detector: str, a key of `DETECTORS`.
        flips, vertical_flips: bool. Whether pictures are mirrored at random, left and
            right, and up and down.
        metric: "AP", the one that there is.
        image_size: (height, width), px, that pictures are fitted into.
        learning_rate: float, the highest of a cosine.
        skip_bad: not used: the data are read.
        **settings: see `detection_recipe`.
    """
    check_metric(metric, "AP", "Detectors are")
    image_size = tuple(image_size)  # type: ignore[assignment]
    data = fitted(data, {"objects": objects})
    shorter, longer = sorted(image_size)
    return detection_recipe(
        settings={**run, "detector": detector},
        objects=ObjectSet.from_dict(objects),
        load_train=lambda _: data.train.examples,
        load_val=lambda _: data.val.examples,
        records_dir=data.train.records,
        make_model=DETECTORS[detector].from_preset,
        augmentation=DetectionAugmentation(
            scales=(
                (round(0.9 * longer), round(0.9 * shorter)),
                (round(1.3 * longer), round(1.3 * shorter)),
            ),
            scale_range=True,
            flip_probability=0.5 if flips else 0.0,
            vertical_flip_probability=0.5 if vertical_flips else 0.0,
            crop_size=image_size,
            min_visible=0.3,
            brightness=0.2,
            contrast=0.2,
        ),
        image_size=image_size,
        optimizer=functools.partial(
            muon, learning_rate=learning_rate, warmup_steps=100, global_clipnorm=35.0
        ),
        kernel_initializer=KAIMING_FAN_OUT,
        **settings,
    )
