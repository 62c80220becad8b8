"""ImageNet-1k, classification.

Official protocol: SGD 0.05 with Nesterov momentum 0.9 and L2 1e-4 on all weights,
steps of a tenth at epochs 30, 60 and 90 of 100, four GPUs' batch of 128, random crops
and mirroring. The variants of stronger training have cosine decay, CutMix and 300
epochs. The results are percent of one centre crop of 224x224.
Data: a folder with train/<synset>/ and val/<synset>/, or val/ and val_labels.txt with
"file label" lines; or "tfds:imagenet2012".
Run: hrnet train imagenet/w18 --data-dir DIR --out RUN
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from hrnet_tf.data.augment.classification import ClassificationAugmentation
from hrnet_tf.tasks.classification.recipe import (
    classification_recipe,
    cosine_sgd,
    official_sgd,
)
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.training.recipe_files import choose_variant
from hrnet_tf.typing import PathLike

SCHEDULES: dict[str, Callable[..., Any]] = {"steps": official_sgd, "cosine": cosine_sgd}
# Of the variants that do not say otherwise.
PLAIN = {"epochs": 100, "schedule": "steps", "cutmix": 0.0}
VARIANTS = {
    "w18": {
        "published": "76.8 top-1, 93.4 top-5",
        "preset": "hrnet_w18",
        "image_size": (224, 224),
        "old_names": ("imagenet_hrnet",),
    },
    "w18_small_v1": {
        "published": "72.3 top-1, 90.7 top-5",
        "preset": "hrnet_w18_small_v1",
        "image_size": (224, 224),
    },
    "w18_small_v2": {
        "published": "75.1 top-1, 92.4 top-5",
        "preset": "hrnet_w18_small_v2",
        "image_size": (224, 224),
    },
    "w30": {
        "published": "78.2 top-1, 94.2 top-5",
        "preset": "hrnet_w30",
        "image_size": (224, 224),
    },
    "w32": {
        "published": "78.5 top-1, 94.2 top-5",
        "preset": "hrnet_w32",
        "image_size": (224, 224),
    },
    "w40": {
        "published": "78.9 top-1, 94.5 top-5",
        "preset": "hrnet_w40",
        "image_size": (224, 224),
    },
    "w44": {
        "published": "78.9 top-1, 94.4 top-5",
        "preset": "hrnet_w44",
        "image_size": (224, 224),
    },
    "w48": {
        "published": "79.3 top-1, 94.5 top-5",
        "preset": "hrnet_w48",
        "image_size": (224, 224),
    },
    "w64": {
        "published": "79.5 top-1, 94.6 top-5",
        "preset": "hrnet_w64",
        "image_size": (224, 224),
    },
    "w18_cutmix": {
        "published": "77.9 top-1",
        "preset": "hrnet_w18",
        "image_size": (224, 224),
        "epochs": 300,
        "schedule": "cosine",
        "cutmix": 1.0,
    },
    "w48_cutmix": {
        "published": "81.1 top-1",
        "preset": "hrnet_w48",
        "image_size": (224, 224),
        "epochs": 300,
        "schedule": "cosine",
        "cutmix": 1.0,
    },
}


def recipe(
    variant: str = "w18",
    preset: str | None = None,
    batch_size: int = 128,
    epochs: int | None = None,
    data_dir: str = "data/imagenet",
    weights: PathLike | None = None,
    dtype: str | None = None,
    skip_bad: bool = False,
    learning_rate: float | None = None,
    schedule: str | None = None,
    rand_augment: int = 0,
    mixup: float = 0.0,
    cutmix: float | None = None,
    label_smoothing: float = 0.0,
    class_names: PathLike | None = None,
    tfds_dir: PathLike | None = None,
) -> Recipe:
    own = choose_variant(
        VARIANTS,
        variant,
        PLAIN,
        preset=preset,
        epochs=epochs,
        schedule=schedule,
        cutmix=cutmix,
    )
    if own.schedule not in SCHEDULES:
        raise ValueError(
            f"schedule must be one of {list(SCHEDULES)}. Received: {schedule!r}."
        )
    # In proportion to the batch, as the official rate belongs to 128 images.
    rate = learning_rate or 0.05 * batch_size / 128
    return classification_recipe(
        name=f"imagenet_{own.preset}",
        settings={
            "preset": own.preset,
            "batch_size": batch_size,
            "epochs": own.epochs,
            "data_dir": str(data_dir),
            "learning_rate": rate,
            "schedule": own.schedule,
        },
        image_size=own.image_size,
        augmentation=ClassificationAugmentation(
            rand_augment=rand_augment,
            mixup=mixup,
            cutmix=own.cutmix,
            label_smoothing=label_smoothing,
        ),
        optimizer=partial(SCHEDULES[own.schedule], learning_rate=rate),
        weights=weights,
        dtype=dtype,
        skip_bad=skip_bad,
        class_names=class_names,
        tfds_dir=tfds_dir,
        reference_batch_size=128 if learning_rate else batch_size,
    )
