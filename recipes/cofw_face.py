"""COFW, face landmarks.

The errors are relative to the outer corners of the eyes, times 100.
Data: a folder with COFW_{train,test}_color.mat; the images are written to images/.
Run: hrnet train cofw_face --data-dir DIR --weights HRNETV2.pth --out RUN
"""

from hrnet_tf.tasks.landmarks.recipe import official_recipe
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.training.recipe_files import choose_variant
from hrnet_tf.typing import PathLike

VARIANTS = {
    "w18": {
        "published": "3.45 NME",
        "notes": "FR@0.10 0.20 percent",
        "preset": "hrnet_w18",
        "image_size": (256, 256),
    },
}


def recipe(
    variant: str = "w18",
    preset: str | None = None,
    batch_size: int = 16,
    epochs: int = 60,
    data_dir: str = "data/cofw",
    loss: str = "mse",
    weights: PathLike | None = None,
    dtype: str | None = None,
    keypoints: str = "cofw",
    skip_bad: bool = False,
) -> Recipe:
    own = choose_variant(VARIANTS, variant, preset=preset)
    return official_recipe(
        name=f"cofw_face_{variant}",
        format="cofw",
        data_dir=data_dir,
        train_file="COFW_train_color.mat",
        test_file="COFW_test_color.mat",
        settings={"preset": own.preset, "batch_size": batch_size, "epochs": epochs},
        sigma=1.5,
        loss=loss,
        weights=weights,
        dtype=dtype,
        keypoints=keypoints,
        skip_bad=skip_bad,
    )
