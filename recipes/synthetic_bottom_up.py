"""Drawn people, bottom-up pose.

One to six people in a picture of the embedded data set, from random weights. The result
is that of held-out pictures.
Data: drawn into --data-dir where there are none, 1,200 and 120 pictures.
Run: hrnet train synthetic_bottom_up --out RUN
"""

from functools import partial
from pathlib import Path

from hrnet_tf.data.augment.people import PeopleAugmentation
from hrnet_tf.data.synthetic import generate_people
from hrnet_tf.optimizers.with_cosine import muon
from hrnet_tf.tasks.bottom_up.recipe import coco_bottom_up_recipe
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.training.recipe_files import choose_variant
from hrnet_tf.typing import PathLike

VARIANTS = {
    "w18_small": {
        "reached": "0.503 AP",
        "preset": "hrnet_w18_small_v1",
        "side": 256,
        "test_side": 192,
    },
}
NUM_TRAIN, NUM_VAL = 1200, 120


def recipe(
    variant: str = "w18_small",
    preset: str | None = None,
    batch_size: int = 8,
    epochs: int = 18,
    data_dir: str = "demo/crowds",
    weights: PathLike | None = None,
    dtype: str | None = None,
    keypoints: str = "coco",
    skip_bad: bool = False,
) -> Recipe:
    own = choose_variant(VARIANTS, variant, preset=preset)
    if not Path(data_dir).exists():
        print(f"Drawing {NUM_TRAIN + NUM_VAL} pictures of people into {data_dir} ...")
        generate_people(data_dir, NUM_TRAIN, NUM_VAL, most_people=6)
    return coco_bottom_up_recipe(
        name=f"synthetic_bottom_up_{variant}",
        settings={"preset": own.preset, "batch_size": batch_size, "epochs": epochs},
        data_dir=data_dir,
        keypoints=keypoints,
        side=own.side,
        test_side=own.test_side,
        # Whole pictures, about as large as in the test: tags follow people's places in
        # the view, and those of parts of pictures tell nothing apart elsewhere.
        augmentation=PeopleAugmentation(
            rotation=10,
            scale=(0.9, 1.15),
            side="long",
            translation=20,
            mirrors="pixels",
        ),
        optimizer=partial(muon, learning_rate=5e-3, warmup_steps=50),
        # Small people on small maps; and tags that weigh as much beside the heatmaps
        # of a higher weight as they do officially.
        sigma=1.5,
        foreground=20.0,
        detection_threshold=0.3,
        tag_weight=0.1,
        weights=weights,
        dtype=dtype,
        skip_bad=skip_bad,
        evaluate_every=9,
    )
