"""CamVid, segmentation.

Its 11 classes, from random weights.
Data: a folder with {train,val,test}/ images and {train,val,test}annot/ label maps.
Run: hrnet train camvid --data-dir DIR --out runs/camvid
"""

from functools import partial
from pathlib import Path

from hrnet_tf.data.augment.segmentation import SegmentationAugmentation
from hrnet_tf.data.formats import label_folder
from hrnet_tf.models.classifier import KAIMING_FAN_OUT
from hrnet_tf.tasks.segmentation.recipe import poly_muon, segmentation_recipe
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.training.recipe_files import choose_variant
from hrnet_tf.typing import PathLike

VARIANTS = {
    "seg_w18_small": {
        "reached": "0.711 mIoU",
        "preset": "hrnet_w18_small_v1",
        "crop_size": (256, 352),
    },
}


def recipe(
    variant: str = "seg_w18_small",
    preset: str | None = None,
    batch_size: int = 8,
    epochs: int = 60,
    data_dir: str = "data/camvid",
    weights: PathLike | None = None,
    dtype: str | None = None,
    labels: str = "camvid",
    skip_bad: bool = False,
) -> Recipe:
    own = choose_variant(VARIANTS, variant, preset=preset)

    def load(split, label_set):
        data = Path(data_dir)
        return label_folder.load_segmentation(
            data / split, data / f"{split}annot", skip_bad=skip_bad
        )

    return segmentation_recipe(
        name=f"camvid_{variant}",
        settings={
            "preset": own.preset,
            "batch_size": batch_size,
            "epochs": epochs,
            "data_dir": str(data_dir),
        },
        labels=labels,
        load_train=partial(load, "train"),
        load_val=partial(load, "val"),
        crop_size=own.crop_size,
        augmentation=SegmentationAugmentation(
            base_size=480, min_scale=0.6, max_scale=1.6, brightness=0.3, contrast=0.3
        ),
        optimizer=poly_muon,
        class_weights="log",
        lovasz=1.0,
        momentum=0.9,
        kernel_initializer=KAIMING_FAN_OUT,
        weights=weights,
        dtype=dtype,
        skip_bad=skip_bad,
        evaluate_every=10,
    )
