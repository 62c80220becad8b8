"""Recipes of face landmarks, from the few constants in which they differ."""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from hrnet_tf.data.augment.affine import PoseAugmentation
from hrnet_tf.data.formats import faces
from hrnet_tf.metrics.nme import normalizing_lengths
from hrnet_tf.models.landmarks import HRNetLandmarks
from hrnet_tf.tasks.landmarks import evaluate as evaluation
from hrnet_tf.tasks.pose.recipe import official_adam, pose_recipe
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.training.recipe import Recipe


# The protocol of all four data sets.
AUGMENTATION = PoseAugmentation(
    scale=0.25, rotation=30, half_body_probability=0.0, distribution="uniform"
)
MOMENTUM = 0.99


def landmarks_recipe(
    *,
    settings: dict[str, Any],
    load_val: Callable[..., Any],
    every_map: bool = False,
    momentum: float = MOMENTUM,
    **arguments: Any,
) -> "Recipe":
    """Makes the `Recipe` of a run on face landmarks, which is ranked by 1 - NME.

    Args:
        settings: dict with at least preset, batch_size and epochs.
        load_val: `(keypoint_set) -> list of PoseExample`.
        every_map: bool. True trains every map alike, as the official code does: those
            of landmarks outside the crop or without a label are to be empty. False
            leaves them out.
        momentum: float. How slowly the batch normalisation's averages move; a short
            run needs less than the official 0.99.
        **arguments: name, keypoints, load_train, image_size, sigma, optimizer; and
            any others of `pose_recipe`.
    Raises:
        ValueError: if an argument is out of its range.
    """

    def load_measured(keypoint_set):
        examples = load_val(keypoint_set)
        # What is wrong with the test shows before an epoch of training.
        labels = np.concatenate([example.keypoints for example in examples])
        sizes = np.concatenate([example.head_sizes for example in examples])
        boxes = np.concatenate([example.boxes for example in examples])
        normalizing_lengths(labels, keypoint_set, sizes, boxes=boxes)
        return examples

    recipe = pose_recipe(
        settings={**settings, "momentum": momentum, "every_map": every_map},
        load_val=load_measured,
        make_model=functools.partial(HRNetLandmarks.from_preset, momentum=momentum),
        test=evaluation.evaluate,
        representation="v2",
        **{"augmentation": AUGMENTATION, **arguments},
    )
    if not every_map:
        return recipe

    def train_data(seed, first_epoch, first_step=0):
        batches, steps = recipe.train_data(seed, first_epoch, first_step)
        return batches.map(_weigh_every_map, num_parallel_calls=1), steps

    return dataclasses.replace(recipe, train_data=train_data)


def official_recipe(
    *,
    format: str,
    data_dir: PathLike,
    train_file: str,
    test_file: str,
    settings: dict[str, Any],
    learning_rate: float = 1e-4,
    loss: str = "mse",
    keypoints: Any = None,
    skip_bad: bool = False,
    **arguments: Any,
) -> "Recipe":
    """Makes a `Recipe` of the official protocol.

    The crops differ from the official ones in two ways: pixels and labels are both
    mirrored by `width - 1 - x` (officially labels by `width - x`), and they are sampled
    bilinearly in one step, where the official code antialiases large faces.

    Args:
        format: str, one of `faces.FORMATS` that is a data set's.
        data_dir: folder with the annotations, and the images in images/.
        train_file, test_file: str, names of the annotation files.
        settings: dict with preset, batch_size and epochs.
        learning_rate: float, before the steps at epochs 30 and 50 of 60.
        loss: see `pose_recipe`. The squared error goes with the official targets.
        keypoints: str or None, see `pose_recipe`; None: the format's. Another set of as
            many landmarks may have its own names, pairs and reference.
        skip_bad: bool. Skips and counts bad examples instead of stopping.
        **arguments: name and sigma; and any others of `landmarks_recipe`.
    Reference:
        HRNet-Facial-Landmark-Detection, experiments/*.yaml.
    """
    data_dir = Path(data_dir)

    def load(file, keypoint_set):
        return faces.load_faces(
            data_dir / file, data_dir / "images", keypoint_set, format, skip_bad
        )

    return landmarks_recipe(
        keypoints=keypoints or format,
        settings={
            **settings,
            "data_dir": str(data_dir),
            "learning_rate": learning_rate,
        },
        load_train=lambda keypoint_set: _without_those_above(
            load(train_file, keypoint_set)
        ),
        load_val=functools.partial(load, test_file),
        image_size=(256, 256),
        optimizer=functools.partial(
            official_adam,
            learning_rate=learning_rate,
            milestones=(30, 50),
            published_epochs=60,
        ),
        every_map=True,
        loss=loss,
        convention="face" if loss == "mse" else "official",
        **arguments,
    )


def _weigh_every_map(images, heatmaps, weights):
    # The official loss is the plain mean of the squares; ours is half of it.
    return images, heatmaps, tf.fill(tf.shape(weights), 2.0)


def _without_those_above(examples):
    """Takes the label of landmarks at or above the image's upper border.

    The official code leaves their target maps empty; in its test they count.
    """
    shown = []
    for example in examples:
        keypoints = example.keypoints.copy()
        keypoints[keypoints[..., 1] <= 0, 2] = 0
        shown.append(dataclasses.replace(example, keypoints=keypoints))
    return shown
