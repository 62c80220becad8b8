"""COCO keypoints, bottom-up pose (HigherHRNet).

Official protocol: Adam 1e-3, steps of a tenth at epochs 200 and 260 of 300, four GPUs'
batch of 48 (40 for W48), random views (rotation 30, scale 0.75 to 1.5 of the shorter
side, 40 pixels), ImageNet weights to start from (--weights). The results are those of
all images of val2017 with flip test at one scale; the notes have those of the scales
0.5, 1 and 2. W48 was trained in float16 (--dtype mixed_float16 on GPUs).
Data: a folder in COCO's layout: {train,val}2017/, annotations/.
Run: hrnet train coco_bottom_up/w32_512 --data-dir DIR \\
    --weights hrnet_w32_imagenet.pth --out RUN
"""

from hrnet_tf.tasks.bottom_up.recipe import coco_bottom_up_recipe
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.training.recipe_files import choose_variant
from hrnet_tf.typing import PathLike

VARIANTS = {
    "w32_512": {
        "published": "67.1 AP",
        "notes": "scales 69.9",
        "preset": "hrnet_w32",
        "side": 512,
        "batch_size": 48,
    },
    "w32_640": {
        "published": "68.5 AP",
        "notes": "scales 70.6",
        "preset": "hrnet_w32",
        "side": 640,
        "batch_size": 48,
    },
    "w48_640": {
        "published": "69.9 AP",
        "notes": "scales 72.1",
        "preset": "hrnet_w48",
        "side": 640,
        "batch_size": 40,
    },
}


def recipe(
    variant: str = "w32_512",
    preset: str | None = None,
    batch_size: int | None = None,
    epochs: int = 300,
    data_dir: str = "data/coco",
    weights: PathLike | None = None,
    dtype: str | None = None,
    keypoints: str = "coco",
    metric: str | None = None,
    skip_bad: bool = False,
) -> Recipe:
    own = choose_variant(VARIANTS, variant, preset=preset, batch_size=batch_size)
    return coco_bottom_up_recipe(
        name=f"coco_bottom_up_{variant}",
        settings={
            "preset": own.preset,
            "batch_size": own.batch_size,
            "epochs": epochs,
        },
        data_dir=data_dir,
        side=own.side,
        weights=weights,
        dtype=dtype,
        keypoints=keypoints,
        metric=metric,
        skip_bad=skip_bad,
    )
