"""CrowdPose, bottom-up pose (HigherHRNet).

Official protocol: that of COCO with CrowdPose's 14 keypoints, trained on train and val
together, tested on test with flip test at one scale; the notes have the result of the
scales 0.5, 1 and 2. ImageNet weights to start from (--weights).
Data: a folder with images/ and json/crowdpose_{trainval,test}.json.
Run: hrnet train crowdpose_bottom_up/w48_640 --data-dir DIR \\
    --weights hrnet_w48_imagenet.pth --out RUN
"""

from hrnet_tf.tasks.bottom_up.recipe import coco_bottom_up_recipe
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.training.recipe_files import choose_variant
from hrnet_tf.typing import PathLike

VARIANTS = {
    "w48_640": {
        "published": "65.9 AP",
        "notes": "easy 73.3, medium 66.5, hard 57.9; scales 67.6",
        "preset": "hrnet_w48",
        "side": 640,
        "batch_size": 40,
    },
    "w32_640": {"preset": "hrnet_w32", "side": 640, "batch_size": 48},
    "w32_512": {"preset": "hrnet_w32", "side": 512, "batch_size": 48},
}


def recipe(
    variant: str = "w48_640",
    preset: str | None = None,
    batch_size: int | None = None,
    epochs: int = 300,
    data_dir: str = "data/crowdpose",
    weights: PathLike | None = None,
    dtype: str | None = None,
    keypoints: str = "crowdpose",
    metric: str | None = None,
    skip_bad: bool = False,
) -> Recipe:
    own = choose_variant(VARIANTS, variant, preset=preset, batch_size=batch_size)
    return coco_bottom_up_recipe(
        name=f"crowdpose_bottom_up_{variant}",
        settings={
            "preset": own.preset,
            "batch_size": own.batch_size,
            "epochs": epochs,
        },
        data_dir=data_dir,
        layout="crowdpose",
        side=own.side,
        weights=weights,
        dtype=dtype,
        keypoints=keypoints,
        metric=metric,
        skip_bad=skip_bad,
    )
