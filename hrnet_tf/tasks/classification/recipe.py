"""Recipes of classification, from the few constants in which they differ."""

import functools
import types
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import keras

from hrnet_tf.data.fingerprint import files_fingerprint, fingerprint
from hrnet_tf.data.formats import image_folder, tfds
from hrnet_tf.models.classifier import CROP_FRACTION
from hrnet_tf.optimizers import schedules
from hrnet_tf.optimizers.sgd import TorchSGD
from hrnet_tf.tasks.classification import evaluate as evaluation
from hrnet_tf.tasks.classification.checks import check_classes
from hrnet_tf.tasks.classification.networks import classification_network
from hrnet_tf.tasks.classification.picture import sheet
from hrnet_tf.tasks.classification.stream import (
    classified_stream,
    training_batches,
)
from hrnet_tf.training.network import make_network
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.typing import DType, PathLike, StartingWeights

if TYPE_CHECKING:
    from hrnet_tf.data.augment.classification import ClassificationAugmentation


def classification_recipe(
    *,
    name: str,
    settings: dict[str, Any],
    image_size: tuple[int, int],
    augmentation: "ClassificationAugmentation",
    optimizer: Callable[..., Any],
    crop_fraction: float = CROP_FRACTION,
    class_names: PathLike | None = None,
    tfds_dir: PathLike | None = None,
    skip_bad: bool = False,
    weights: StartingWeights | None = None,
    dtype: DType | None = None,
    evaluate_every: int = 1,
    reference_batch_size: int | None = None,
    examples: dict[str, Any] | None = None,
    names: Sequence[str] | None = None,
    same_pictures: str = "warning",
) -> Recipe:
    """Makes the `Recipe` of a classification run.

    Args:
        name: str.
        settings: dict with at least preset, batch_size, epochs and data_dir: the
            arguments of the recipe's function. data_dir is a folder with train/ and
            val/ (see `data.formats.image_folder`) or "tfds:NAME".
        image_size: (height, width) of the crops.
        augmentation: `ClassificationAugmentation`.
        optimizer: `(steps per epoch, epochs) -> keras.optimizers.Optimizer`.
        crop_fraction: float, of the test and the trained model; see `HRNetClassifier`.
        class_names: path of a text file that names the classes, or None for the
            folders' names; see `image_folder.read_class_names`.
        tfds_dir: path of TensorFlow Datasets' folder, or None.
        skip_bad: bool. Skips and counts unusable images instead of stopping.
        weights: what to start from, see `start_from`: a path or the name of published
            weights, or a pair of it and of what its outputs are; or None.
        dtype: Keras dtype policy, for instance "mixed_bfloat16".
        evaluate_every: int, epochs.
        examples: dict of "train" and "val" to lists of `ClassificationExample`, instead
            of those of data_dir; or None.
        names: tuple of str. The classes of `examples`.
        same_pictures: str. What it is if training and validation are the same
            pictures: "warning" or "error".
        reference_batch_size: int or None. The batch that the optimizer's rate is stated
            for; None for the default of the recipe's function.
    """
    batch_size, epochs = settings["batch_size"], settings["epochs"]
    data: Any
    if examples is None:
        data = _Data(settings["data_dir"], class_names, tfds_dir, skip_bad)
    else:
        data = types.SimpleNamespace(
            source=examples.get, class_names=tuple(names or ())
        )

    def model():
        return make_network(
            classification_network,
            settings["preset"],
            weights,
            num_classes=len(data.class_names),
            image_size=tuple(image_size),
            class_names=data.class_names,
            crop_fraction=crop_fraction,
            dtype=dtype,
        )

    def train_data(seed, first_epoch, first_step=0):
        # What is wrong with the test shows before an epoch of training.
        data.source("val")
        classified = classified_stream(data.source("train"))
        batches = training_batches(
            classified,
            len(data.class_names),
            tuple(image_size),
            batch_size,
            augmentation,
            seed=seed,
            first_epoch=first_epoch,
            epochs=epochs,
            first_step=first_step,
        )
        return batches, classified.steps_per_epoch(batch_size)

    def evaluate(trained, infer):
        return evaluation.evaluate(
            trained,
            data.source("val"),
            crop_fraction=crop_fraction,
            batch_size=min(batch_size, 32),
            infer=infer,
        )

    return Recipe(
        name=name,
        settings=settings,
        augmentation=augmentation,
        protocol={
            "image_size": list(image_size),
            "crop_fraction": crop_fraction,
            "weights": weights and str(weights),
        },
        check=lambda: check_classes(
            data.source("train"), data.source("val"), data.class_names, same_pictures
        ),
        fingerprint=lambda: {
            split: _fingerprint(data.source(split)) for split in ("train", "val")
        },
        model=model,
        train_data=train_data,
        loss=functools.partial(cross_entropy, augmentation),
        optimizer=lambda steps: optimizer(steps, epochs),
        evaluate=evaluate,
        epochs=epochs,
        batch_size=batch_size,
        pictures=lambda trained, infer: sheet(
            trained, infer, data.source("val"), crop_fraction
        ),
        evaluate_every=evaluate_every,
        batch_files=lambda *batch: classified_stream(data.source("train")).batch_files(
            batch_size, *batch
        ),
        reference_batch_size=reference_batch_size,
    )


def cross_entropy(augmentation: "ClassificationAugmentation") -> keras.losses.Loss:
    """Returns the loss for the labels that an augmentation makes."""
    if augmentation.soft_labels:
        return keras.losses.CategoricalCrossentropy(from_logits=True)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def official_sgd(
    steps_per_epoch: int,
    epochs: int,
    learning_rate: float = 0.05,
    milestones: Sequence[int] = (30, 60, 90),
    l2: float = 1e-4,
) -> TorchSGD:
    """SGD as the official code sets it: Nesterov, L2 on all, steps of a tenth.

    In a run of another length than 100 epochs the milestones keep their share of it.

    Reference:
        HRNet-Image-Classification, experiments/*.yaml and tools/train.py.
    """
    milestones = [max(1, round(milestone * epochs / 100)) for milestone in milestones]
    schedule = schedules.step_decay(learning_rate, milestones, steps_per_epoch)
    return TorchSGD(schedule, momentum=0.9, nesterov=True, l2=l2)


def cosine_sgd(
    steps_per_epoch: int, epochs: int, learning_rate: float = 0.05, l2: float = 1e-4
) -> TorchSGD:
    """The same with a cosine instead of steps, as for the official stronger weights."""
    schedule = schedules.cosine_decay(learning_rate, epochs, steps_per_epoch)
    return TorchSGD(schedule, momentum=0.9, nesterov=True, l2=l2)


class _Data:
    """The splits of a folder or of a data set of TensorFlow Datasets."""

    def __init__(self, data_dir, class_names, tfds_dir, skip_bad):
        self.data_dir = str(data_dir)
        self.skip_bad = skip_bad
        self._names_file = class_names
        self._tfds_dir = tfds_dir
        self.source = functools.cache(self._source)

    @functools.cached_property
    def folders(self):
        return image_folder.class_folders(f"{self.data_dir}/train")

    @functools.cached_property
    def class_names(self):
        is_tfds = tfds.is_tfds(self.data_dir)
        folders = self.source("train").class_names if is_tfds else self.folders
        if self._names_file is None:
            return folders
        return image_folder.read_class_names(self._names_file, folders)

    def _source(self, split):
        if tfds.is_tfds(self.data_dir):
            return tfds.load_tfds(self.data_dir, split, self._tfds_dir)
        return image_folder.load_split(
            self.data_dir, split, self.folders, self.skip_bad
        )


def _fingerprint(source):
    """What tells images from others: see `data.fingerprint`."""
    if isinstance(source, list):
        return fingerprint(source)
    facts = {"name": source.name, "split": source.split, "images": source.num_images}
    return files_fingerprint([path for path, *_ in source.shards], **facts)
