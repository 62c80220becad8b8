"""COCO keypoints, top-down pose.

Official protocol: Adam 1e-3, steps of a tenth at epochs 170 and 200 of 210, four
GPUs' batch of 128 (96 for W48 at 384x288), squared error, ImageNet weights to start
from (--weights). Lite-HRNet's own, naive and wider ones, too: random weights, Adam 2e-3
warmed up over 500 steps, eight GPUs' batch, rotation 30 and scale 0.25. The results are
those with the boxes of the official detector.
With convention="dark" or "udp" the targets, crops and decoding are DARK's or UDP's; the
variants name what OpenMMLab's networks so trained, by its own schedule, have.
Data: a folder in COCO's layout: {train,val}2017/, annotations/.
Run: hrnet train coco_pose/w32_256x192 --data-dir DIR \\
    --weights hrnet_w32_imagenet.pth --out RUN
"""

from functools import partial

from hrnet_tf.data.augment.affine import PoseAugmentation
from hrnet_tf.tasks.pose.recipe import coco_pose_recipe, official_adam
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.training.recipe_files import choose_variant
from hrnet_tf.typing import PathLike

VARIANTS = {
    "w32_256x192": {
        "published": "74.4 AP",
        "notes": "DARK 75.7, UDP 76.2",
        "preset": "hrnet_w32",
        "image_size": (256, 192),
        "sigma": 2.0,
        "batch_size": 128,
    },
    "w32_384x288": {
        "published": "75.8 AP",
        "notes": "DARK 76.6, UDP 76.8",
        "preset": "hrnet_w32",
        "image_size": (384, 288),
        "sigma": 3.0,
        "batch_size": 128,
    },
    "w48_256x192": {
        "published": "75.1 AP",
        "notes": "DARK 76.4, UDP 76.8",
        "preset": "hrnet_w48",
        "image_size": (256, 192),
        "sigma": 2.0,
        "batch_size": 128,
    },
    "w48_384x288": {
        "published": "76.3 AP",
        "notes": "DARK 77.2, UDP 77.3",
        "preset": "hrnet_w48",
        "image_size": (384, 288),
        "sigma": 3.0,
        "batch_size": 96,
    },
    "lite_18_256x192": {
        "published": "64.8 AP",
        "preset": "lite_hrnet_18",
        "image_size": (256, 192),
        "sigma": 2.0,
        "batch_size": 512,
        "is_lite": True,
    },
    "lite_18_384x288": {
        "published": "67.6 AP",
        "preset": "lite_hrnet_18",
        "image_size": (384, 288),
        "sigma": 3.0,
        "batch_size": 256,
        "is_lite": True,
    },
    "lite_30_256x192": {
        "published": "67.2 AP",
        "preset": "lite_hrnet_30",
        "image_size": (256, 192),
        "sigma": 2.0,
        "batch_size": 512,
        "is_lite": True,
    },
    "lite_30_384x288": {
        "published": "70.4 AP",
        "preset": "lite_hrnet_30",
        "image_size": (384, 288),
        "sigma": 3.0,
        "batch_size": 256,
        "is_lite": True,
    },
    "naive_18_256x192": {
        "published": "62.8 AP",
        "preset": "naive_lite_hrnet_18",
        "image_size": (256, 192),
        "sigma": 2.0,
        "batch_size": 512,
        "is_lite": True,
    },
    "wider_18_256x192": {
        "published": "66.0 AP",
        "preset": "wider_naive_lite_hrnet_18",
        "image_size": (256, 192),
        "sigma": 2.0,
        "batch_size": 512,
        "is_lite": True,
    },
}

LITE = {
    "augmentation": PoseAugmentation(scale=0.25, rotation=30),
    "optimizer": partial(official_adam, learning_rate=2e-3, warmup_steps=500),
}


def recipe(
    variant: str = "w32_256x192",
    preset: str | None = None,
    batch_size: int | None = None,
    epochs: int = 210,
    data_dir: str = "data/coco",
    loss: str = "mse",
    convention: str = "official",
    weights: PathLike | None = None,
    dtype: str | None = None,
    keypoints: str = "coco",
    skip_bad: bool = False,
) -> Recipe:
    own = choose_variant(
        VARIANTS,
        variant,
        {"is_lite": False},
        preset=preset,
        batch_size=batch_size,
    )
    return coco_pose_recipe(
        name=f"coco_pose_{variant}",
        settings={
            "preset": own.preset,
            "batch_size": own.batch_size,
            "epochs": epochs,
        },
        data_dir=data_dir,
        image_size=own.image_size,
        sigma=own.sigma,
        loss=loss,
        convention=convention,
        weights=weights,
        dtype=dtype,
        keypoints=keypoints,
        skip_bad=skip_bad,
        **(LITE if own.is_lite else {}),
    )
