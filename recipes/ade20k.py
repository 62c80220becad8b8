"""ADE20K, segmentation.

Official protocol: crops of 520x520 at scales 0.5 to 2.1 of 520 pixels, mirrored at
random, SGD 2e-2 with polynomial decay, L2 1e-4, hard pixels alone in the main output,
the auxiliary one counts 0.4, four GPUs' batch of 16, ImageNet weights to start from
(--weights). The result is that of val, at a single scale.
Data: ADEChallengeData2016 with images/ and annotations/.
Run: hrnet train ade20k --data-dir DIR \\
    --weights hrnetv2_w48_imagenet.pth --out RUN
"""

from functools import partial

from hrnet_tf.data.augment.segmentation import SegmentationAugmentation
from hrnet_tf.data.formats import ade20k
from hrnet_tf.tasks.segmentation.recipe import official_sgd, segmentation_recipe
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.training.recipe_files import choose_variant
from hrnet_tf.typing import PathLike

VARIANTS = {
    "ocr_w48": {
        "published": "44.5 mIoU",
        "notes": "45.5 with scales 0.5 to 2 and flip",
        "preset": "hrnet_w48",
        "crop_size": (520, 520),
        "ocr": True,
    },
}


def recipe(
    variant: str = "ocr_w48",
    preset: str | None = None,
    batch_size: int = 16,
    epochs: int = 120,
    data_dir: str = "data/ADEChallengeData2016",
    crop_size: tuple[int, int] | None = None,
    labels: str = "ade20k",
    learning_rate: float = 2e-2,
    weights: PathLike | None = None,
    dtype: str | None = None,
    skip_bad: bool = False,
) -> Recipe:
    own = choose_variant(VARIANTS, variant, preset=preset, crop_size=crop_size)

    def load(split):
        return lambda label_set: ade20k.load_segmentation(data_dir, split, skip_bad)

    return segmentation_recipe(
        name=f"ade20k_{variant}",
        settings={
            "preset": own.preset,
            "batch_size": batch_size,
            "epochs": epochs,
            "data_dir": str(data_dir),
            "learning_rate": learning_rate,
        },
        labels=labels,
        load_train=load("train"),
        load_val=load("val"),
        crop_size=own.crop_size,
        augmentation=SegmentationAugmentation(base_size=520),
        optimizer=partial(official_sgd, learning_rate=learning_rate, l2=1e-4),
        protocol={"protocol": "ade20k", "scales": (1.0,), "flip": False},
        ocr=own.ocr,
        ohem=True,
        weights=weights,
        dtype=dtype,
        skip_bad=skip_bad,
    )
