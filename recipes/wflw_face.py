"""WFLW, face landmarks.

The errors are relative to the outer corners of the eyes, times 100.
Data: a folder with images/ and face_landmarks_wflw_{train,test}.csv, as the official
face code arranges it.
Run: hrnet train wflw_face --data-dir DIR --weights HRNETV2.pth --out RUN
"""

from hrnet_tf.tasks.landmarks.recipe import official_recipe
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.training.recipe_files import choose_variant
from hrnet_tf.typing import PathLike

VARIANTS = {
    "w18": {
        "published": "4.60 NME",
        "notes": "large pose 7.86, illumination 4.57, occlusion 5.42, blur 5.36,"
        " make-up 4.26, expression 4.78",
        "preset": "hrnet_w18",
        "image_size": (256, 256),
    },
}


def recipe(
    variant: str = "w18",
    preset: str | None = None,
    batch_size: int = 16,
    epochs: int = 60,
    data_dir: str = "data/wflw",
    loss: str = "mse",
    weights: PathLike | None = None,
    dtype: str | None = None,
    keypoints: str = "wflw",
    skip_bad: bool = False,
) -> Recipe:
    own = choose_variant(VARIANTS, variant, preset=preset)
    return official_recipe(
        name=f"wflw_face_{variant}",
        format="wflw",
        data_dir=data_dir,
        train_file="face_landmarks_wflw_train.csv",
        test_file="face_landmarks_wflw_test.csv",
        settings={"preset": own.preset, "batch_size": batch_size, "epochs": epochs},
        sigma=1.5,
        loss=loss,
        weights=weights,
        dtype=dtype,
        keypoints=keypoints,
        skip_bad=skip_bad,
    )
