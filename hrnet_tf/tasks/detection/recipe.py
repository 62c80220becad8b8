"""Recipes of detection, from the few constants in which they differ."""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hrnet_tf.data import fingerprint
from hrnet_tf.data.augment.detection import DetectionAugmentation
from hrnet_tf.data.detection_records import DetectionRecords, open_detection_records
from hrnet_tf.data.object_sets import ObjectSet, load_object_set
from hrnet_tf.data.record_files import verified_bytes
from hrnet_tf.optimizers import schedules
from hrnet_tf.optimizers.sgd import TorchSGD
from hrnet_tf.tasks.detection import evaluate as evaluation
from hrnet_tf.tasks.detection.checks import check_objects
from hrnet_tf.tasks.detection.picture import sheet
from hrnet_tf.tasks.detection.stream import (
    chosen_examples,
    objects_stream,
    training_batches,
)
from hrnet_tf.training.network import make_network
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.typing import DType, PathLike, StartingWeights


def detection_recipe(
    *,
    name: str,
    settings: dict[str, Any],
    objects: PathLike | ObjectSet,
    load_train: Callable[..., Any],
    load_val: Callable[..., Any],
    make_model: Callable[..., Any],
    augmentation: DetectionAugmentation,
    optimizer: Callable[..., Any],
    image_size: tuple[int, int] | None = None,
    masks: bool = False,
    max_boxes: int = 100,
    keep_empty: bool = False,
    limits: tuple[int, int] | None = None,
    records_dir: PathLike | None = None,
    weights: StartingWeights | None = None,
    dtype: DType | None = None,
    evaluate_every: int = 1,
    same_pictures: str = "warning",
    **model_arguments: Any,
) -> Recipe:
    """Makes the `Recipe` of a detection run.

    The losses are the model's own (`compute_loss`), so that the recipe has none.

    Args:
        name: str.
        settings: dict with at least preset, batch_size and epochs: the arguments of
            the recipe's function.
        objects: an object set's name or descriptor file, or an `ObjectSet`.
        load_train, load_val: `(object_set) -> list of DetectionExample`.
        make_model: `(preset, load_weights, **arguments) -> model`, such as
            `HRNetFasterRCNN.from_preset`.
        augmentation: `DetectionAugmentation`.
        optimizer: `(steps per epoch, epochs) -> keras.optimizers.Optimizer`.
        image_size: (height, width) that images are padded to, and that the model is
            made for; None pads each batch to its largest sides.
        masks: bool. Whether masks are trained too.
        max_boxes: int. Of more objects in an image the smallest are left out.
        keep_empty: bool. Whether images without an object are trained on.
        limits: (longer, shorter) of the test, see `DetectionInference`.
        records_dir: path. If the folder exists, its records are trained on instead of
            `load_train`.
        weights: what to start from, see `start_from`: a path or the name of published
            weights, or a pair of it and of what its outputs are; or None.
        dtype: Keras dtype policy, for instance "mixed_bfloat16".
        evaluate_every: int, epochs.
        same_pictures: str. What it is if training and validation are the same
            pictures: "warning" or "error".
        **model_arguments: other arguments of the model.
    """
    object_set = load_object_set(objects)
    batch_size, epochs = settings["batch_size"], settings["epochs"]
    if masks:
        model_arguments["with_masks"] = True
    source = functools.cache(
        functools.partial(
            _training_source,
            load_train,
            object_set,
            records_dir,
            keep_empty,
            max_boxes,
            masks,
        )
    )
    val = functools.cache(lambda: load_val(object_set))

    def model():
        return make_network(
            make_model,
            settings["preset"],
            weights,
            num_classes=object_set.num_classes,
            class_names=object_set.classes,
            image_size=image_size,
            dtype=dtype,
            **model_arguments,
        )

    def train_data(seed, first_epoch, first_step=0):
        # What is wrong with the test shows before an epoch of training.
        val()
        images = objects_stream(source())
        batches = training_batches(
            images,
            batch_size,
            augmentation,
            image_size=image_size,
            max_boxes=max_boxes,
            masks=masks,
            seed=seed,
            first_epoch=first_epoch,
            epochs=epochs,
            first_step=first_step,
        )
        return batches, images.steps_per_epoch(batch_size)

    def check():
        train = source()
        known = [] if isinstance(train, DetectionRecords) else train
        return check_objects(known, val(), object_set, same_pictures)

    def find_damaged():
        train = source()
        for example in () if isinstance(train, DetectionRecords) else train:
            verified_bytes(example)

    return Recipe(
        name=name,
        settings=settings,
        augmentation=augmentation,
        data={"object_set": object_set.to_dict()},
        protocol={
            "image_size": image_size and list(image_size),
            "max_boxes": max_boxes,
            "keep_empty": keep_empty,
            "limits": limits and list(limits),
            "weights": weights and str(weights),
        },
        check=check,
        fingerprint=lambda: {
            "train": _fingerprint(source()),
            "val": _fingerprint(val()),
        },
        model=model,
        train_data=train_data,
        loss=_no_loss,
        optimizer=lambda steps: optimizer(steps, epochs),
        evaluate=lambda trained, infer: evaluation.evaluate(
            trained, val(), object_set=object_set, limits=limits
        ),
        epochs=epochs,
        batch_size=batch_size,
        pictures=lambda trained, infer: sheet(trained, infer, val()),
        evaluate_every=evaluate_every,
        find_damaged=find_damaged,
        batch_files=lambda *batch: objects_stream(source()).batch_files(
            batch_size, *batch
        ),
    )


def official_sgd(
    steps_per_epoch: int,
    epochs: int,
    batch_size: int = 16,
    milestones: tuple[int, ...] = (8, 11),
    published_epochs: int = 12,
    clip_norm: float | None = 35.0,
    learning_rate: float | None = None,
    warmup_steps: int = 500,
) -> TorchSGD:
    """SGD as the official code sets it: 0.02 for 16 images, steps of a tenth.

    In a run of another length than the published one the milestones keep their share.
    The warm-up is linear from nothing, where the official one begins at a third.

    Args:
        steps_per_epoch, epochs: int.
        batch_size: int. The rate is proportional to it.
        milestones: ints, epochs.
        published_epochs: int.
        clip_norm: float, of all gradients together, or None.
        learning_rate: float, or None for the batch's.
        warmup_steps: int.
    Reference:
        HRNet-Object-Detection, configs/hrnet/*.py.
    """
    milestones = tuple(max(1, round(m * epochs / published_epochs)) for m in milestones)
    rate = 0.02 * batch_size / 16 if learning_rate is None else learning_rate
    schedule = schedules.step_decay(
        rate, milestones, steps_per_epoch, warmup_steps=warmup_steps
    )
    return TorchSGD(schedule, momentum=0.9, l2=1e-4, global_clipnorm=clip_norm)


def _no_loss():
    """None: detectors compute their losses themselves."""
    return None


def _training_source(load_train, object_set, records_dir, keep_empty, max_boxes, masks):
    """What is trained on: records if there are any, else chosen examples."""
    if records_dir is not None and Path(records_dir).is_dir():
        return _checked_records(records_dir, object_set, keep_empty, masks)
    examples, left_out = chosen_examples(load_train(object_set), keep_empty, max_boxes)
    left_out.warn("The training data")
    return examples


def _checked_records(records_dir, object_set, keep_empty, masks):
    records = open_detection_records(records_dir)
    found = records.object_set.classes
    if found != object_set.classes:
        raise ValueError(
            f"The records in {records_dir} hold the classes {list(found[:8])}; the"
            f" recipe trains {list(object_set.classes[:8])}. Write records for it with"
            " `hrnet records --task detection --objects`, or remove that folder."
        )
    if masks and not records.has_masks:
        raise ValueError(
            f"The records in {records_dir} hold no masks, which the recipe trains."
            " Write them again with `hrnet records --task detection --masks`, or remove"
            " that folder."
        )
    return dataclasses.replace(records, keep_empty=keep_empty)


def _fingerprint(source):
    """What tells examples from others: see `data.fingerprint`."""
    if not isinstance(source, DetectionRecords):
        return fingerprint.fingerprint(source)
    facts = {"objects": source.num_objects, "labels": source.content}
    return fingerprint.files_fingerprint(source.paths, **facts)
