"""Recipes of bottom-up pose, from the few constants in which they differ."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hrnet_tf.data.augment.people import PeopleAugmentation
from hrnet_tf.data.fingerprint import fingerprint
from hrnet_tf.data.formats.coco_people import load_people
from hrnet_tf.data.keypoint_sets import load_keypoint_set
from hrnet_tf.data.record_files import verified_bytes
from hrnet_tf.data.sides import tells_sides
from hrnet_tf.losses.tags import CellMSE, TagLoss
from hrnet_tf.models.higher_pose import HigherHRNetPose
from hrnet_tf.tasks.bottom_up import evaluate as evaluation
from hrnet_tf.tasks.bottom_up.picture import sheet
from hrnet_tf.tasks.bottom_up.stream import (
    chosen_examples,
    scenes_stream,
    training_batches,
)
from hrnet_tf.tasks.pose.checks import check_people
from hrnet_tf.tasks.pose.recipe import official_adam
from hrnet_tf.training.network import make_network
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.typing import DType, PathLike, StartingWeights

# Officially people of an image that have tags to learn.
MAX_PEOPLE = 30


def bottom_up_recipe(
    *,
    name: str,
    settings: dict[str, Any],
    keypoints: Any,
    load_train: Callable[..., Any],
    load_val: Callable[..., Any],
    side: int,
    augmentation: PeopleAugmentation,
    optimizer: Callable[..., Any],
    sigma: float = 2.0,
    push: str = "exp",
    tag_weight: float = 1e-3,
    foreground: float = 0.0,
    test_side: int | None = None,
    ground_truth: PathLike | None = None,
    weights: StartingWeights | None = None,
    dtype: DType | None = None,
    evaluate_every: int = 1,
    flip_test: bool | None = None,
    metric: str | None = None,
    same_pictures: str = "warning",
    skip_bad: bool = False,
    **model_arguments: Any,
) -> Recipe:
    """Makes the `Recipe` of a bottom-up pose run.

    Args:
        name: str.
        settings: dict with at least preset, batch_size and epochs: the arguments of
            the recipe's function.
        keypoints: str. A keypoint set's name or descriptor file.
        load_train, load_val: `(keypoint_set) -> list of PeopleExample`.
        side: int, divisible by 64. Views of training are squares of so many pixels.
        augmentation: `PeopleAugmentation`.
        optimizer: `(steps per epoch, epochs) -> keras.optimizers.Optimizer`.
        sigma: float. Standard deviation of the Gaussians in cells.
        push: see `TagLoss`.
        tag_weight: float. Factor of both parts of `TagLoss`.
        foreground: float, see `training_batches`.
        test_side: int, divisible by 32. Pixels of the shorter side of images as they
            are tested; None: as many as views of training have.
        ground_truth: path of the validation annotations; None makes them of the
            validation examples.
        weights: what to start from, see `start_from`: a path or the name of published
            weights, or a pair of it and of what its outputs are; or None.
        dtype: Keras dtype policy, for instance "mixed_bfloat16".
        evaluate_every: int, epochs.
        flip_test: bool. Whether the test averages with mirrored images; None: whether
            the keypoint set tells what changes places in them.
        metric: str or None, see `evaluate.evaluate`.
        same_pictures: str. What it is if training and validation are the same
            pictures: "warning" or "error".
        skip_bad: bool. Whether `load_val` left bad examples out.
        **model_arguments: other arguments of `HigherHRNetPose`, such as
            detection_threshold.
    Raises:
        ValueError: if the keypoint set has no sigmas, or an argument is unknown.
    """
    keypoint_set = load_keypoint_set(keypoints)
    metric = evaluation.checked_metric(metric, keypoint_set)
    flip_test = tells_sides(keypoint_set) if flip_test is None else flip_test
    batch_size, epochs = settings["batch_size"], settings["epochs"]

    @functools.cache
    def val():
        examples = load_val(keypoint_set)
        evaluation.check_examples(metric, examples)
        return examples

    @functools.cache
    def source():
        examples, left_out = chosen_examples(load_train(keypoint_set), MAX_PEOPLE)
        left_out.warn("The training data")
        return examples

    def model():
        return make_network(
            HigherHRNetPose.from_preset,
            settings["preset"],
            weights,
            num_keypoints=keypoint_set.num_keypoints,
            shorter_side=test_side or side,
            keypoint_set=keypoint_set.to_dict(),
            dtype=dtype,
            **model_arguments,
        )

    def train_data(seed, first_epoch, first_step=0):
        # What is wrong with the test shows before an epoch of training.
        val()
        images = scenes_stream(source())
        batches = training_batches(
            images,
            keypoint_set,
            batch_size,
            augmentation,
            side,
            sigma,
            MAX_PEOPLE,
            foreground,
            seed=seed,
            first_epoch=first_epoch,
            epochs=epochs,
            first_step=first_step,
        )
        return batches, images.steps_per_epoch(batch_size)

    def losses():
        return {
            "heatmaps_quarter": CellMSE(),
            "heatmaps_half": CellMSE(),
            "tags": TagLoss(push, tag_weight, tag_weight),
        }

    def evaluate(trained, infer):
        return evaluation.evaluate(
            trained,
            val(),
            metric=metric,
            ground_truth=ground_truth,
            flip_test=flip_test,
            infer=infer,
            skip_bad=skip_bad,
        )

    def check():
        flips = augmentation.flip_probability > 0
        return check_people(source(), val(), keypoint_set, flips, same=same_pictures)

    def find_damaged():
        for example in source():
            verified_bytes(example)

    return Recipe(
        name=name,
        settings=settings,
        augmentation=augmentation,
        data={"keypoint_set": keypoint_set.to_dict()},
        protocol={
            "side": side,
            "sigma": sigma,
            "push": push,
            "tag_weight": tag_weight,
            "foreground": foreground,
            # Of runs before there were two.
            **({} if test_side is None else {"test_side": test_side}),
            "max_people": MAX_PEOPLE,
            "flip_test": flip_test,
            "weights": weights and str(weights),
        },
        check=check,
        fingerprint=lambda: {"train": fingerprint(source()), "val": fingerprint(val())},
        model=model,
        train_data=train_data,
        loss=losses,
        optimizer=lambda steps: optimizer(steps, epochs),
        evaluate=evaluate,
        epochs=epochs,
        batch_size=batch_size,
        pictures=lambda trained, infer: sheet(trained, infer, val()),
        evaluate_every=evaluate_every,
        find_damaged=find_damaged,
        batch_files=lambda *batch: scenes_stream(source()).batch_files(
            batch_size, *batch
        ),
    )


def coco_bottom_up_recipe(
    *,
    data_dir: PathLike,
    settings: dict[str, Any],
    skip_bad: bool = False,
    layout: str = "coco",
    **arguments: Any,
) -> Recipe:
    """Makes a `Recipe` of the official protocol, for COCO or data laid out alike.

    Args:
        data_dir: folder with, for "coco", {train,val}2017/ and
            annotations/person_keypoints_{train,val}2017.json; for "crowdpose" images/
            and json/crowdpose_{trainval,test}.json.
        settings: dict with preset, batch_size and epochs.
        skip_bad: bool. Skips and counts bad examples instead of stopping.
        layout: "coco" or "crowdpose".
        **arguments: name and side; and any others of `bottom_up_recipe`.
    Reference:
        HigherHRNet-Human-Pose-Estimation, experiments/coco/higher_hrnet/*.yaml.
    """
    data_dir = Path(data_dir)

    def files(split):
        if layout == "crowdpose":
            part = {"train": "trainval", "val": "test"}[split]
            return data_dir / "json" / f"crowdpose_{part}.json", data_dir / "images"
        annotations = data_dir / "annotations" / f"person_keypoints_{split}2017.json"
        return annotations, data_dir / f"{split}2017"

    def load(split, keypoint_set):
        return load_people(*files(split), keypoint_set, split, skip_bad)

    return bottom_up_recipe(
        settings={**settings, "data_dir": str(data_dir)},
        load_train=functools.partial(load, "train"),
        load_val=functools.partial(load, "val"),
        ground_truth=files("val")[0],
        skip_bad=skip_bad,
        **{
            "keypoints": layout,
            "augmentation": PeopleAugmentation(),
            "optimizer": functools.partial(
                official_adam, milestones=(200, 260), published_epochs=300
            ),
            **arguments,
        },
    )
