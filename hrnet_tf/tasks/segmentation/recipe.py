"""Recipes of segmentation, from the few constants in which they differ."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hrnet_tf.data.fingerprint import fingerprint
from hrnet_tf.data.formats.label_checks import check_labels, count_values
from hrnet_tf.data.label_sets import load_label_set
from hrnet_tf.io import read_image
from hrnet_tf.losses.lovasz import LovaszCrossEntropy
from hrnet_tf.losses.segmentation import OHEMCrossEntropy, SegmentationCrossEntropy
from hrnet_tf.optimizers import schedules
from hrnet_tf.optimizers.muon import FIRST_AND_LAST, Muon
from hrnet_tf.optimizers.sgd import TorchSGD
from hrnet_tf.tasks.segmentation import evaluate as evaluation
from hrnet_tf.tasks.segmentation.checks import check_maps
from hrnet_tf.tasks.segmentation.networks import segmentation_network
from hrnet_tf.tasks.segmentation.picture import sheet
from hrnet_tf.tasks.segmentation.stream import labelled_stream, training_batches
from hrnet_tf.training.network import make_network
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.typing import DType, StartingWeights

if TYPE_CHECKING:
    from hrnet_tf.data.augment.segmentation import SegmentationAugmentation


# The official weight of the auxiliary output of object-contextual networks.
AUX_WEIGHT = 0.4
# In each image; 131072 officially, for each of four GPUs with four images.
OHEM_PIXELS = 32768
# The weights behind the backbone, of both kinds of segmenters.
HEAD_PATHS = r"^(mixer|head|aux_mixer|aux_head|ocr_conv|object_context)/"


def segmentation_recipe(
    *,
    name: str,
    settings: dict[str, Any],
    labels: Any,
    load_train: Callable[..., Any],
    load_val: Callable[..., Any],
    crop_size: tuple[int, int],
    augmentation: "SegmentationAugmentation",
    optimizer: Callable[..., Any],
    protocol: str | dict[str, Any] = "whole",
    ocr: bool = False,
    ohem: bool = False,
    lovasz: float = 0.0,
    class_weights: Sequence[float] | str | None = None,
    weights: StartingWeights | None = None,
    dtype: DType | None = None,
    evaluate_every: int = 1,
    skip_bad: bool = False,
    same_pictures: str = "warning",
    **model_arguments: Any,
) -> Recipe:
    """Makes the `Recipe` of a segmentation run.

    Args:
        name: str.
        settings: dict with at least preset, batch_size and epochs: the arguments of
            the recipe's function.
        labels: str. A label set's name or descriptor file.
        load_train, load_val: `(label_set) -> list of SegmentationExample`.
        crop_size: (height, width) of the training crops.
        augmentation: `SegmentationAugmentation`.
        optimizer: `(steps per epoch, epochs) -> keras.optimizers.Optimizer`.
        protocol: str or dict. The test while training: a name of
            `evaluation.segmentation_protocols`, or arguments of `evaluate`.
        ocr: bool. True trains an `HRNetOCRSegmenter`, with its auxiliary output.
        ohem: bool. True trains the (main) output on hard pixels alone.
        lovasz: float. Weight of the Lovász-Softmax loss, which is added to the (main)
            output's cross entropy over all pixels.
        class_weights: floats of the classes; "log" for 1 / ln(1.1 + share of the
            training pixels); None for the label set's own.
        weights: what to start from, see `start_from`: a path or the name of published
            weights, or a pair of it and of what its outputs are; or None.
        dtype: Keras dtype policy, for instance "mixed_bfloat16".
        evaluate_every: int, epochs.
        skip_bad: bool. Skips and counts unusable examples instead of stopping.
        same_pictures: str. What it is if training and validation are the same
            pictures: "warning" or "error".
        **model_arguments: arguments of the model, such as `kernel_initializer`.
    """
    if isinstance(class_weights, str) and class_weights != "log":
        raise ValueError(
            "class_weights must be numbers, None or 'log'."
            f" Received: class_weights={class_weights!r}."
        )
    if ohem and lovasz:
        raise ValueError(
            "The Lovász-Softmax loss is of all pixels. Pass ohem or lovasz, not both."
        )
    label_set = load_label_set(labels)
    batch_size, epochs = settings["batch_size"], settings["epochs"]
    load = functools.cache(
        lambda source: check_labels(source(label_set), label_set, skip_bad)
    )

    def model():
        return make_network(
            segmentation_network,
            settings["preset"],
            weights,
            ocr=ocr,
            num_classes=label_set.num_classes,
            label_set=label_set.to_dict(),
            dtype=dtype,
            **model_arguments,
        )

    def train_data(seed, first_epoch, first_step=0):
        # What is wrong with the test shows before an epoch of training.
        load(load_val)
        examples, _ = load(load_train)
        labelled = labelled_stream(examples)
        batches = training_batches(
            labelled,
            label_set,
            tuple(crop_size),
            batch_size,
            augmentation,
            seed=seed,
            first_epoch=first_epoch,
            epochs=epochs,
            first_step=first_step,
        )
        if ocr:
            batches = batches.map(lambda x, y: (x, {"aux": y, "main": y}))
        return batches, labelled.steps_per_epoch(batch_size)

    def loss():
        found = class_weights
        if found is None:
            found = label_set.class_weights
        elif isinstance(found, str):
            found = log_weights(load(load_train)[1])
        plain = functools.partial(
            SegmentationCrossEntropy,
            class_weights=found,
            interpolation="bilinear_align_corners" if ocr else "bilinear",
        )
        hard = functools.partial(
            OHEMCrossEntropy, min_kept_per_image=OHEM_PIXELS, **plain.keywords
        )
        smooth = functools.partial(
            LovaszCrossEntropy, lovasz_weight=lovasz, **plain.keywords
        )
        main = hard if ohem else smooth if lovasz else plain
        return {"aux": plain(), "main": main()} if ocr else main()

    def evaluate(trained, infer):
        rules = {"protocol": protocol} if isinstance(protocol, str) else protocol
        return evaluation.evaluate(trained, load(load_val)[0], infer=infer, **rules)

    def check():
        train, val = load(load_train), load(load_val)
        flips = augmentation.flip_probability > 0
        counts = train[1], val[1]
        return check_maps(train[0], val[0], label_set, flips, counts, same_pictures)

    def find_damaged():
        for example in load(load_train)[0]:
            read_image(example.image_path)
            count_values(example, label_set)

    return Recipe(
        name=name,
        settings=settings,
        augmentation=augmentation,
        data={"label_set": label_set.to_dict()},
        protocol={
            "crop_size": list(crop_size),
            "test": protocol,
            "weights": weights and str(weights),
        },
        check=check,
        fingerprint=lambda: {
            split: fingerprint(examples, pixels=pixels)
            for split, (examples, pixels) in (
                ("train", load(load_train)),
                ("val", load(load_val)),
            )
        },
        model=model,
        train_data=train_data,
        loss=loss,
        loss_weights={"aux": AUX_WEIGHT, "main": 1.0} if ocr else None,
        optimizer=lambda steps: optimizer(steps, epochs),
        evaluate=evaluate,
        epochs=epochs,
        batch_size=batch_size,
        pictures=lambda trained, infer: sheet(trained, infer, load(load_val)[0]),
        evaluate_every=evaluate_every,
        find_damaged=find_damaged,
        batch_files=lambda *batch: labelled_stream(load(load_train)[0]).batch_files(
            batch_size, *batch
        ),
    )


def log_weights(pixel_counts: Sequence[int]) -> tuple[float, ...]:
    """Class weights 1 / ln(1.1 + share), from the pixels of each class.

    Args:
        pixel_counts: sequence of `C` ints.
    Returns:
        A tuple of `C` floats; about 1.3 for a class of everything, 10 for none.
    Reference:
        ENet (arXiv 1606.02147), with another constant.
    """
    total = sum(pixel_counts)
    return tuple(1 / math.log(1.1 + float(n) / float(total)) for n in pixel_counts)


def official_sgd(
    steps_per_epoch: int,
    epochs: int,
    learning_rate: float = 1e-2,
    l2: float = 5e-4,
    head_multiplier: float = 1.0,
) -> TorchSGD:
    """SGD as the official code sets it: momentum, L2 on all, polynomial decay.

    Args:
        steps_per_epoch, epochs: int.
        learning_rate: float, of the first step.
        l2: float. PyTorch's `weight_decay`.
        head_multiplier: float. All weights behind the backbone learn so many times as
            fast; 10 for the networks of PASCAL-Context and COCO-Stuff in the
            object-contextual branch (NONBACKBONE_MULT).
    Reference:
        HRNet-Semantic-Segmentation, experiments/*/*.yaml and tools/train.py.
    """
    schedule = schedules.polynomial_decay(learning_rate, epochs, steps_per_epoch)
    multipliers = None if head_multiplier == 1 else {HEAD_PATHS: head_multiplier}
    return TorchSGD(schedule, momentum=0.9, l2=l2, rate_multipliers=multipliers)


def poly_muon(
    steps_per_epoch: int,
    epochs: int,
    learning_rate: float = 5e-3,
    weight_decay: float = 0.01,
) -> Muon:
    """Muon with polynomial decay, for training from random weights."""
    schedule = schedules.polynomial_decay(learning_rate, epochs, steps_per_epoch)
    return Muon(schedule, weight_decay=weight_decay, exclude_layers=FIRST_AND_LAST)
