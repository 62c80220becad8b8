"""MPII, top-down pose.

Official protocol: as for COCO, but rotation 30, scale 0.25 and no half bodies.
With convention="dark" the targets and decoding are DARK's; OpenMMLab's network so
trained, by its own schedule, has 90.4. Lite-HRNet's own: random weights, Adam 2e-3
warmed up over 500 steps, eight GPUs' batch.
Data: a folder with images/ and annot/{train,valid}.json and annot/gt_valid.mat, as
the official repository arranges it.
Run: hrnet train mpii_pose --data-dir DIR --weights hrnet_w32_imagenet.pth --out RUN
"""

from functools import partial
from pathlib import Path

from hrnet_tf.data.augment.affine import PoseAugmentation
from hrnet_tf.data.formats import mpii
from hrnet_tf.tasks.pose.labelled import check_keypoints
from hrnet_tf.tasks.pose.recipe import official_adam, pose_recipe
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.training.recipe_files import choose_variant
from hrnet_tf.typing import PathLike

VARIANTS = {
    "w32_256x256": {
        "published": "90.3 PCKh@0.5",
        "preset": "hrnet_w32",
        "image_size": (256, 256),
        "batch_size": 128,
    },
    "lite_18_256x256": {
        "published": "85.4 PCKh@0.5",
        "preset": "lite_hrnet_18",
        "image_size": (256, 256),
        "batch_size": 256,
        "is_lite": True,
    },
    "lite_30_256x256": {
        "published": "87.0 PCKh@0.5",
        "preset": "lite_hrnet_30",
        "image_size": (256, 256),
        "batch_size": 256,
        "is_lite": True,
    },
}

lite_adam = partial(official_adam, learning_rate=2e-3, warmup_steps=500)


def recipe(
    variant: str = "w32_256x256",
    preset: str | None = None,
    batch_size: int | None = None,
    epochs: int = 210,
    data_dir: str = "data/mpii",
    loss: str = "mse",
    convention: str = "official",
    weights: PathLike | None = None,
    dtype: str | None = None,
    keypoints: str = "mpii",
    skip_bad: bool = False,
) -> Recipe:
    own = choose_variant(
        VARIANTS,
        variant,
        {"is_lite": False},
        preset=preset,
        batch_size=batch_size,
    )
    annotations, images = Path(data_dir) / "annot", Path(data_dir) / "images"

    def load(name, mat, keypoint_set):
        check_keypoints(keypoint_set, "mpii")
        return mpii.load_pose(annotations / f"{name}.json", images, mat, skip_bad)

    return pose_recipe(
        name=f"mpii_pose_{variant}",
        settings={
            "preset": own.preset,
            "batch_size": own.batch_size,
            "epochs": epochs,
            "data_dir": str(data_dir),
        },
        keypoints=keypoints,
        load_train=partial(load, "train", None),
        load_val=partial(load, "valid", annotations / "gt_valid.mat"),
        image_size=own.image_size,
        sigma=2.0,
        augmentation=PoseAugmentation(
            scale=0.25, rotation=30, half_body_probability=0.0
        ),
        optimizer=lite_adam if own.is_lite else official_adam,
        loss=loss,
        convention=convention,
        weights=weights,
        dtype=dtype,
        skip_bad=skip_bad,
    )
