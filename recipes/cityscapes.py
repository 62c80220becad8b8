"""Cityscapes, segmentation.

Official protocol: crops of 512x1024 at scales 0.5 to 2.1, mirrored at random, SGD 1e-2
with polynomial decay, L2 5e-4, weighted classes, four GPUs' batch of 12, ImageNet
weights to start from (--weights). With OCR the auxiliary output counts 0.4. The results
are those of val, at a single scale.
Data: the folder with leftImg8bit/ and gtFine/.
Run: hrnet train cityscapes/seg_w48 --data-dir DIR \\
    --weights hrnetv2_w48_imagenet.pth --out RUN
"""

from functools import partial

from hrnet_tf.data.augment.segmentation import SegmentationAugmentation
from hrnet_tf.data.formats import cityscapes
from hrnet_tf.tasks.segmentation.recipe import official_sgd, segmentation_recipe
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.training.recipe_files import choose_variant
from hrnet_tf.typing import PathLike

VARIANTS = {
    "seg_w48": {
        "published": "81.1 mIoU",
        "preset": "hrnet_w48",
        "crop_size": (512, 1024),
        "ocr": False,
    },
    "seg_w18_small": {
        "published": "70.3 mIoU",
        "preset": "hrnet_w18_small_v1",
        "crop_size": (512, 1024),
        "ocr": False,
    },
    "seg_w18_small_v2": {
        "published": "76.2 mIoU",
        "preset": "hrnet_w18_small_v2",
        "crop_size": (512, 1024),
        "ocr": False,
    },
    "ocr_w48": {
        "published": "81.6 mIoU",
        "preset": "hrnet_w48",
        "crop_size": (512, 1024),
        "ocr": True,
    },
}


def recipe(
    variant: str = "seg_w48",
    preset: str | None = None,
    batch_size: int = 12,
    epochs: int = 484,
    data_dir: str = "data/cityscapes",
    crop_size: tuple[int, int] | None = None,
    labels: str = "cityscapes",
    learning_rate: float = 1e-2,
    weights: PathLike | None = None,
    dtype: str | None = None,
    skip_bad: bool = False,
) -> Recipe:
    own = choose_variant(VARIANTS, variant, preset=preset, crop_size=crop_size)

    def load(split):
        return lambda label_set: cityscapes.load_segmentation(
            data_dir, split, label_set, skip_bad
        )

    return segmentation_recipe(
        name=f"cityscapes_{variant}",
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
        augmentation=SegmentationAugmentation(base_size=2048),
        optimizer=partial(official_sgd, learning_rate=learning_rate),
        # Whole images of 1024x2048 take much memory.
        protocol={"protocol": "whole", "batch_size": 1},
        ocr=own.ocr,
        weights=weights,
        dtype=dtype,
        skip_bad=skip_bad,
    )
