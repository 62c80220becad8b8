"""AFLW, face landmarks.

The errors are relative to the annotated box size, times 100.
Data: a folder with images/ and face_landmarks_aflw_{train,test}.csv, as the official
face code arranges it.
Run: hrnet train aflw_face --data-dir DIR --weights HRNETV2.pth --out RUN
"""

from hrnet_tf.tasks.landmarks.recipe import official_recipe
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.training.recipe_files import choose_variant
from hrnet_tf.typing import PathLike

VARIANTS = {
    "w18": {
        "published": "1.57 NME (full set)",
        "notes": "frontal 1.46",
        "preset": "hrnet_w18",
        "image_size": (256, 256),
    },
}


def recipe(
    variant: str = "w18",
    preset: str | None = None,
    batch_size: int = 16,
    epochs: int = 60,
    data_dir: str = "data/aflw",
    loss: str = "mse",
    weights: PathLike | None = None,
    dtype: str | None = None,
    keypoints: str = "aflw",
    skip_bad: bool = False,
) -> Recipe:
    own = choose_variant(VARIANTS, variant, preset=preset)
    return official_recipe(
        name=f"aflw_face_{variant}",
        format="aflw",
        data_dir=data_dir,
        train_file="face_landmarks_aflw_train.csv",
        test_file="face_landmarks_aflw_test.csv",
        settings={"preset": own.preset, "batch_size": batch_size, "epochs": epochs},
        learning_rate=2e-4,
        sigma=1.5,
        loss=loss,
        weights=weights,
        dtype=dtype,
        keypoints=keypoints,
        skip_bad=skip_bad,
    )
