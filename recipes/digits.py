"""Digits, classification: shown by hands, or written.

From random weights.
Data: a folder with train/<digit>/ and val/<digit>/ of pictures, of hands for w18_small;
for written of single digits, dark on light with a margin, such as
benchmarks/digit_pictures.py writes.
Run: hrnet train digits --data-dir DIR --out RUN
"""

from functools import partial

from hrnet_tf.data.augment.classification import ClassificationAugmentation
from hrnet_tf.optimizers.with_cosine import adamw
from hrnet_tf.tasks.classification.recipe import classification_recipe
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.training.recipe_files import choose_variant
from hrnet_tf.typing import PathLike

VARIANTS = {
    "w18_small": {
        "reached": "0.998 top-1",
        "preset": "hrnet_w18_small_v1",
        "image_size": (96, 96),
    },
    # Small enough to come with the package.
    "written": {
        "reached": "1.000 top-1",
        "preset": "hrnet_w18_small_v1:head_width=4",
        "image_size": (64, 64),
    },
}


def recipe(
    variant: str = "w18_small",
    preset: str | None = None,
    batch_size: int = 32,
    epochs: int = 18,
    data_dir: str = "data/signdigits",
    weights: PathLike | None = None,
    dtype: str | None = None,
    skip_bad: bool = False,
    image_size: tuple[int, int] | None = None,
) -> Recipe:
    own = choose_variant(VARIANTS, variant, preset=preset, image_size=image_size)
    return classification_recipe(
        name=f"digits_{variant}",
        settings={
            "preset": own.preset,
            "batch_size": batch_size,
            "epochs": epochs,
            "data_dir": str(data_dir),
        },
        image_size=own.image_size,
        # One hand shows all the digits, so that there are no mirrored ones.
        augmentation=ClassificationAugmentation(
            area=(0.7, 1.0),
            aspect=(0.85, 1 / 0.85),
            flip_probability=0.0,
            rotation=12.0,
            brightness=0.2,
            contrast=0.2,
            label_smoothing=0.1,
        ),
        optimizer=partial(
            adamw, learning_rate=2e-3, weight_decay=0.05, warmup_steps=100
        ),
        weights=weights,
        dtype=dtype,
        skip_bad=skip_bad,
        evaluate_every=2,
    )
