"""Drawn people, segmentation of their body parts.

The embedded data set, for comparisons of networks. The result is that of held-out
pictures.
Data: made by `hrnet_tf.data.synthetic.generate_people` (`hrnet demo` does it).
Run: hrnet train synthetic_parts --data-dir demo/data --out RUN
"""

from functools import partial
from pathlib import Path

from hrnet_tf.data.augment.segmentation import SegmentationAugmentation
from hrnet_tf.data.formats import label_folder
from hrnet_tf.data.label_set import LabelSet
from hrnet_tf.data.synthetic.body import PART_NAMES
from hrnet_tf.models.classifier import KAIMING_FAN_OUT
from hrnet_tf.tasks.segmentation.recipe import poly_muon, segmentation_recipe
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.training.recipe_files import choose_variant
from hrnet_tf.typing import PathLike

VARIANTS = {
    "w18_small": {
        "preset": "hrnet_w18_small_v1",
        "crop_size": (224, 224),
    },
}

PAIRS = tuple(
    (name, name.replace("left", "right"))
    for name in PART_NAMES
    if name.startswith("left")
)
LABELS = LabelSet("synthetic_parts", PART_NAMES, flip_pairs=PAIRS)


def recipe(
    variant: str = "w18_small",
    preset: str | None = None,
    batch_size: int = 8,
    epochs: int = 6,
    data_dir: str = "demo/data",
    weights: PathLike | None = None,
    dtype: str | None = None,
    labels: str | LabelSet = LABELS,
    skip_bad: bool = False,
) -> Recipe:
    own = choose_variant(VARIANTS, variant, preset=preset)

    def load(split, label_set):
        data = Path(data_dir)
        return label_folder.load_segmentation(
            data / f"{split}2017",
            data / "part_masks" / f"{split}2017",
            skip_bad=skip_bad,
        )

    return segmentation_recipe(
        name=f"synthetic_parts_{variant}",
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
            base_size=320, min_scale=0.8, max_scale=1.3
        ),
        optimizer=poly_muon,
        class_weights="log",
        momentum=0.9,
        kernel_initializer=KAIMING_FAN_OUT,
        weights=weights,
        dtype=dtype,
        skip_bad=skip_bad,
        evaluate_every=3,
    )
