"""PASCAL-Context, segmentation.

Official protocol: crops of 480x480 at scales 0.5 to 2.1 of 520 pixels, mirrored at
random, SGD 4e-3 with polynomial decay, L2 1e-4, four GPUs' batch of 16, ImageNet
weights to start from (--weights). With OCR: crops of 520x520, SGD 1e-3 (1e-2 behind the
backbone), and the auxiliary output counts 0.4.
The results are those of val and 59 classes with scales 0.5 to 2 and flip; while
training the test has one scale and no flip. With the background as a class (labels
pascal_context_60) those in the variants' notes were published.
Data: VOCdevkit/VOC2010 with the label maps that `pascal_context.write_labels` makes of
trainval_merged.json.
Run: hrnet train pascal_context/seg_w48 --data-dir DIR \\
    --weights hrnetv2_w48_imagenet.pth --out RUN
"""

from functools import partial

from hrnet_tf.data.augment.segmentation import SegmentationAugmentation
from hrnet_tf.data.formats import pascal_context
from hrnet_tf.tasks.segmentation.recipe import official_sgd, segmentation_recipe
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.training.recipe_files import choose_variant
from hrnet_tf.typing import PathLike

VARIANTS = {
    "seg_w48": {
        "published": "54.1 mIoU",
        "notes": "48.3 with 60 classes",
        "preset": "hrnet_w48",
        "crop_size": (480, 480),
        "learning_rate": 4e-3,
        "head_multiplier": None,
        "protocol": "pascal_context",
        "ocr": False,
    },
    "ocr_w48": {
        "published": "56.2 mIoU",
        "notes": "50.1 with 60 classes",
        "preset": "hrnet_w48",
        "crop_size": (520, 520),
        "learning_rate": 1e-3,
        "head_multiplier": 10.0,
        "protocol": "pascal_context_ocr",
        "ocr": True,
    },
}


def recipe(
    variant: str = "seg_w48",
    preset: str | None = None,
    batch_size: int = 16,
    epochs: int = 200,
    data_dir: str = "data/pascal_ctx/VOCdevkit/VOC2010",
    crop_size: tuple[int, int] | None = None,
    labels: str = "pascal_context_59",
    learning_rate: float | None = None,
    head_multiplier: float | None = None,
    weights: PathLike | None = None,
    dtype: str | None = None,
    skip_bad: bool = False,
) -> Recipe:
    own = choose_variant(
        VARIANTS,
        variant,
        preset=preset,
        crop_size=crop_size,
        learning_rate=learning_rate,
        head_multiplier=head_multiplier,
    )
    # Runs whose whole network learns at one rate do not name it.
    faster = own.head_multiplier and {"head_multiplier": own.head_multiplier}

    def load(split):
        return lambda label_set: pascal_context.load_segmentation(
            data_dir, split, skip_bad
        )

    return segmentation_recipe(
        name=f"pascal_context_{variant}",
        settings={
            "preset": own.preset,
            "batch_size": batch_size,
            "epochs": epochs,
            "data_dir": str(data_dir),
            "learning_rate": own.learning_rate,
            **(faster or {}),
        },
        labels=labels,
        load_train=load("train"),
        load_val=load("val"),
        crop_size=own.crop_size,
        augmentation=SegmentationAugmentation(base_size=520),
        optimizer=partial(
            official_sgd, learning_rate=own.learning_rate, l2=1e-4, **(faster or {})
        ),
        protocol={"protocol": own.protocol, "scales": (1.0,), "flip": False},
        ocr=own.ocr,
        weights=weights,
        dtype=dtype,
        skip_bad=skip_bad,
    )
