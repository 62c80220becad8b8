"""Recipes of top-down pose, from the few constants in which they differ."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hrnet_tf.data import fingerprint
from hrnet_tf.data.augment.affine import PoseAugmentation
from hrnet_tf.data.formats import coco
from hrnet_tf.data.heatmaps import HeatmapCodec
from hrnet_tf.data.keypoint_sets import load_keypoint_set
from hrnet_tf.data.shards import PoseRecords, open_pose_records, verified_bytes
from hrnet_tf.losses.heatmap import HeatmapMSE, SpatialCrossEntropy
from hrnet_tf.models.presets import split_preset
from hrnet_tf.optimizers import schedules
from hrnet_tf.optimizers.adam import Adam
from hrnet_tf.tasks.pose import evaluate as evaluation
from hrnet_tf.tasks.pose.checks import check_people, check_sides
from hrnet_tf.tasks.pose.networks import heatmap_outputs, pose_network
from hrnet_tf.tasks.pose.picture import sheet
from hrnet_tf.tasks.pose.stream import people_stream, training_batches
from hrnet_tf.training.network import make_network
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.typing import DType, PathLike, StartingWeights

# Each loss trains outputs of one kind.
LOSSES = {
    "mse": (HeatmapMSE, "linear"),
    "cross_entropy": (SpatialCrossEntropy, "spatial_softmax"),
}


def pose_recipe(
    *,
    name: str,
    settings: dict[str, Any],
    keypoints: Any,
    load_train: Callable[..., Any],
    load_val: Callable[..., Any],
    image_size: tuple[int, int],
    sigma: float,
    augmentation: PoseAugmentation,
    optimizer: Callable[..., Any],
    loss: str = "mse",
    convention: str = "official",
    ground_truth: PathLike | None = None,
    records_dir: PathLike | None = None,
    weights: StartingWeights | None = None,
    dtype: DType | None = None,
    representation: str = "v1",
    evaluate_every: int = 1,
    make_model: Callable[..., Any] = pose_network,
    test: Callable[..., Any] | None = None,
    metric: str | None = None,
    lengths: Callable[..., Any] | None = None,
    same_pictures: str = "warning",
    skip_bad: bool = False,
) -> Recipe:
    """Makes the `Recipe` of a top-down pose run.

    Args:
        name: str.
        settings: dict with at least preset, batch_size and epochs: the arguments of
            the recipe's function.
        keypoints: str. A keypoint set's name or descriptor file.
        load_train, load_val: `(keypoint_set) -> list of PoseExample`.
        image_size: (height, width) of the crops.
        sigma: float. Standard deviation of the Gaussians in heatmap cells.
        augmentation: `PoseAugmentation`.
        optimizer: `(steps per epoch, epochs) -> keras.optimizers.Optimizer`.
        loss: "mse" (official) or "cross_entropy" (over the spatial softmax).
        convention: "official", "dark", "udp" or "face", see `HeatmapCodec`; with the
            cross entropy "official".
        ground_truth: path of the validation annotations, for OKS; None makes them of
            the validation examples.
        records_dir: path. If the folder exists, its records are trained on instead of
            `load_train`.
        weights: what to start from, see `start_from`: a path or the name of published
            weights, or a pair of it and of what its outputs are; or None.
        dtype: Keras dtype policy, for instance "mixed_bfloat16".
        representation: "v1" or "v2", see `HRNetPose`; other networks have one.
        evaluate_every: int, epochs.
        make_model: `(preset, load_weights, **arguments of HRNetPose) -> model`.
        test: `(model, examples, infer, batch_size) -> report`, or None for the
            official test of poses.
        metric: str or None, of the official test; None takes the keypoint set's.
        lengths: `(examples) -> array [N]` of the lengths that errors are relative to in
            `test`, see `check_people`; or None.
        same_pictures: str. What it is if training and validation are the same
            pictures: "warning" or "error".
        skip_bad: bool. Whether `load_val` left bad examples out, which the official
            test then does not count.
    Raises:
        ValueError: if the loss or the convention is unknown, or they contradict each
            other.
    """
    if loss not in LOSSES:
        raise ValueError(
            f"loss must be one of {list(LOSSES)}. Received: loss={loss!r}."
        )
    loss_class, activation = LOSSES[loss]
    keypoint_set = load_keypoint_set(keypoints)
    batch_size, epochs = settings["batch_size"], settings["epochs"]
    height, width = image_size
    codec = HeatmapCodec(
        (height, width),
        # An ablation of the network may say another one.
        stride=split_preset(settings["preset"])[1].get("heatmap_stride", 4),
        sigma=sigma,
        activation=activation,
        convention=convention,
    )
    outputs = heatmap_outputs(settings["preset"])
    has_records = records_dir is not None and Path(records_dir).is_dir()
    val_source = functools.cache(functools.partial(load_val, keypoint_set))
    if test is None and evaluation.checked_metric(metric, keypoint_set) == "pck":
        lengths = functools.partial(evaluation.pck_lengths, keypoint_set=keypoint_set)

    def model():
        return make_network(
            make_model,
            settings["preset"],
            weights,
            num_keypoints=keypoint_set.num_keypoints,
            image_size=tuple(image_size),
            heatmap_activation=activation,
            heatmap_sigma=sigma,
            heatmap_convention=convention,
            keypoint_set=keypoint_set.to_dict(),
            representation=representation,
            dtype=dtype,
        )

    @functools.cache
    def train_source():
        if not has_records:
            return load_train(keypoint_set)
        source = open_pose_records(records_dir)
        _check_keypoints(records_dir, source.keypoint_set, keypoint_set)
        return source

    def train_data(seed, first_epoch, first_step=0):
        # What is wrong with the test shows before an epoch of training.
        val_source()
        people = people_stream(train_source(), keypoint_set.num_keypoints)
        batches = training_batches(
            people,
            codec,
            keypoint_set,
            batch_size,
            augmentation,
            seed=seed,
            first_epoch=first_epoch,
            epochs=epochs,
            first_step=first_step,
        )
        if outputs:
            # All heatmaps of a network learn the same.
            batches = batches.map(
                lambda x, y, weights: (
                    x,
                    dict.fromkeys(outputs, y),
                    dict.fromkeys(outputs, weights),
                )
            )
        return batches, people.steps_per_epoch(batch_size)

    run_test = test or functools.partial(
        evaluation.evaluate,
        metric=metric,
        ground_truth=ground_truth,
        skip_bad=skip_bad,
    )

    def evaluate(trained, infer):
        return run_test(
            trained, val_source(), infer=infer, batch_size=min(batch_size, 32)
        )

    def check():
        flips = augmentation.flip_probability > 0
        if has_records:
            return check_sides(keypoint_set, flips)
        return check_people(
            train_source(), val_source(), keypoint_set, flips, lengths, same_pictures
        )

    def find_damaged():
        if not has_records:
            for example in load_train(keypoint_set):
                verified_bytes(example)

    return Recipe(
        name=name,
        settings=settings,
        augmentation=augmentation,
        data={"keypoint_set": keypoint_set.to_dict(), "records": has_records},
        protocol={
            **dataclasses.asdict(codec),
            "loss": loss,
            "weights": weights and str(weights),
        },
        check=check,
        fingerprint=lambda: {
            "train": _fingerprint(train_source()),
            "val": _fingerprint(val_source()),
        },
        model=model,
        train_data=train_data,
        loss=lambda: {n: loss_class() for n in outputs} or loss_class(),
        optimizer=lambda steps: optimizer(steps, epochs),
        evaluate=evaluate,
        epochs=epochs,
        batch_size=batch_size,
        pictures=lambda trained, infer: sheet(trained, infer, val_source()),
        evaluate_every=evaluate_every,
        find_damaged=find_damaged,
        batch_files=lambda *batch: people_stream(
            train_source(), keypoint_set.num_keypoints
        ).batch_files(batch_size, *batch),
    )


def coco_pose_recipe(
    *,
    data_dir: PathLike,
    settings: dict[str, Any],
    loss: str = "mse",
    skip_bad: bool = False,
    **arguments: Any,
) -> Recipe:
    """Makes a `Recipe` of COCO's protocol, for any data in COCO's layout.

    Args:
        data_dir: folder with {train,val}2017/ and
            annotations/person_keypoints_{train,val}2017.json; records are taken from
            its folder records/train if that exists.
        settings: dict with preset, batch_size and epochs.
        loss: see `pose_recipe`. The cross entropy is for training from random weights.
        skip_bad: bool. Skips and counts bad examples instead of stopping.
        **arguments: name, image_size and sigma; and any others of `pose_recipe`.
    Reference:
        deep-high-resolution-net.pytorch, experiments/coco/hrnet/*.yaml.
    """
    data_dir = Path(data_dir)

    def annotations(split):
        return data_dir / "annotations" / f"person_keypoints_{split}2017.json"

    def load(split, keypoint_set):
        images = data_dir / f"{split}2017"
        return coco.load_pose(annotations(split), images, keypoint_set, split, skip_bad)

    return pose_recipe(
        settings={**settings, "data_dir": str(data_dir)},
        loss=loss,
        load_train=functools.partial(load, "train"),
        load_val=functools.partial(load, "val"),
        ground_truth=annotations("val"),
        records_dir=data_dir / "records" / "train",
        skip_bad=skip_bad,
        **{
            "keypoints": "coco",
            "augmentation": PoseAugmentation(),
            "optimizer": official_adam,
            **arguments,
        },
    )


def official_adam(
    steps_per_epoch: int,
    epochs: int,
    learning_rate: float = 1e-3,
    milestones: Sequence[int] = (170, 200),
    published_epochs: int = 210,
    warmup_steps: int = 0,
) -> Adam:
    """Adam as the official code sets it: no weight decay, steps of a tenth.

    In a run of another length than the published one the milestones keep their share.

    Reference:
        deep-high-resolution-net.pytorch, experiments/coco/hrnet/*.yaml.
    """
    milestones = [max(1, round(m * epochs / published_epochs)) for m in milestones]
    schedule = schedules.step_decay(
        learning_rate, milestones, steps_per_epoch, warmup_steps=warmup_steps
    )
    # PyTorch's epsilon, and Adam's of the paper; Keras has 1e-7.
    return Adam(schedule, epsilon=1e-8)


def _check_keypoints(records_dir, found, wanted):
    if found.names != wanted.names:
        raise ValueError(
            f"The records in {records_dir} hold the keypoint set {found.name!r}"
            f" ({found.num_keypoints} keypoints); the recipe trains {wanted.name!r}"
            f" ({wanted.num_keypoints}). Write records for it with `hrnet records"
            f" --keypoints {wanted.name}`, or remove that folder."
        )


def _fingerprint(source):
    """What tells people from others: see `data.fingerprint`."""
    if not isinstance(source, PoseRecords):
        return fingerprint.fingerprint(source)
    facts = {"people": source.num_people, "labels": source.content}
    return fingerprint.files_fingerprint(source.paths, **facts)
