"""Drawn people, top-down pose.

The demo. The result is that of held-out pictures with ground-truth boxes.
Data: made by `hrnet_tf.data.synthetic.generate_people` (`hrnet demo` does it).
Run: hrnet train synthetic_pose --data-dir demo/data --out RUN
"""

from functools import partial

from hrnet_tf.data.augment.affine import PoseAugmentation
from hrnet_tf.optimizers.with_cosine import muon
from hrnet_tf.tasks.pose.recipe import coco_pose_recipe
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.training.recipe_files import choose_variant
from hrnet_tf.typing import PathLike

VARIANTS = {
    "w18_small": {
        "reached": "0.686 AP",
        "preset": "hrnet_w18_small_v1",
        "image_size": (128, 96),
    },
}


def recipe(
    variant: str = "w18_small",
    preset: str | None = None,
    batch_size: int = 16,
    epochs: int = 6,
    data_dir: str = "demo/data",
    loss: str = "cross_entropy",
    weights: PathLike | None = None,
    dtype: str | None = None,
    keypoints: str = "coco",
    skip_bad: bool = False,
) -> Recipe:
    own = choose_variant(VARIANTS, variant, preset=preset)
    return coco_pose_recipe(
        name=f"synthetic_pose_{variant}",
        settings={"preset": own.preset, "batch_size": batch_size, "epochs": epochs},
        data_dir=data_dir,
        image_size=own.image_size,
        sigma=1.2,
        representation="v2",
        augmentation=PoseAugmentation(
            scale=0.1, rotation=10, rotation_probability=0.5, half_body_probability=0.0
        ),
        optimizer=partial(muon, learning_rate=5e-3, warmup_steps=100),
        loss=loss,
        weights=weights,
        dtype=dtype,
        keypoints=keypoints,
        skip_bad=skip_bad,
        evaluate_every=3,
    )
