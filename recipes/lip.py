"""Look Into Person, segmentation.

Official protocol: images warped to 473x473, crops of that size at scales 0.5 to 1.6,
mirrored at random (the sides change places), SGD 7e-3 with polynomial decay, L2 5e-4,
four GPUs' batch of 40, ImageNet weights to start from (--weights). The result is that
of val, with flip.
Data: the folder with TrainVal_images/ and TrainVal_parsing_annotations/.
Run: hrnet train lip --data-dir DIR --weights hrnetv2_w48_imagenet.pth --out RUN
"""

from functools import partial

from hrnet_tf.data.augment.segmentation import SegmentationAugmentation
from hrnet_tf.data.formats import lip
from hrnet_tf.tasks.segmentation.recipe import official_sgd, segmentation_recipe
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.training.recipe_files import choose_variant
from hrnet_tf.typing import PathLike

VARIANTS = {
    "seg_w48": {
        "published": "55.8 mIoU",
        "preset": "hrnet_w48",
        "crop_size": (473, 473),
    },
}


def recipe(
    variant: str = "seg_w48",
    preset: str | None = None,
    batch_size: int = 40,
    epochs: int = 150,
    data_dir: str = "data/lip",
    crop_size: tuple[int, int] | None = None,
    labels: str = "lip",
    learning_rate: float = 7e-3,
    weights: PathLike | None = None,
    dtype: str | None = None,
    skip_bad: bool = False,
) -> Recipe:
    own = choose_variant(VARIANTS, variant, preset=preset, crop_size=crop_size)

    def load(split):
        return lambda label_set: lip.load_segmentation(data_dir, split, skip_bad)

    return segmentation_recipe(
        name=f"lip_{variant}",
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
        augmentation=SegmentationAugmentation(
            base_size=473, max_scale=1.6, resize_to=(473, 473)
        ),
        optimizer=partial(official_sgd, learning_rate=learning_rate),
        protocol="lip",
        weights=weights,
        dtype=dtype,
        skip_bad=skip_bad,
    )
