"""300W, face landmarks.

The errors are relative to the outer corners of the eyes, times 100.
Data: a folder with images/ and face_landmarks_300w_{train,valid}.csv, as the official
face code arranges it.
Run: hrnet train 300w_face --data-dir DIR --weights HRNETV2.pth --out RUN
"""

from hrnet_tf.tasks.landmarks.recipe import official_recipe
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.training.recipe_files import choose_variant
from hrnet_tf.typing import PathLike

VARIANTS = {
    "w18": {
        "published": "3.34 NME (full set)",
        "notes": "common 2.91, challenge 5.11; 3.85 on its test set",
        "preset": "hrnet_w18",
        "image_size": (256, 256),
    },
}


def recipe(
    variant: str = "w18",
    preset: str | None = None,
    batch_size: int = 16,
    epochs: int = 60,
    data_dir: str = "data/300w",
    loss: str = "mse",
    weights: PathLike | None = None,
    dtype: str | None = None,
    keypoints: str = "300w",
    skip_bad: bool = False,
) -> Recipe:
    own = choose_variant(VARIANTS, variant, preset=preset)
    return official_recipe(
        name=f"300w_face_{variant}",
        format="300w",
        data_dir=data_dir,
        train_file="face_landmarks_300w_train.csv",
        test_file="face_landmarks_300w_valid.csv",
        settings={"preset": own.preset, "batch_size": batch_size, "epochs": epochs},
        sigma=1.0,
        loss=loss,
        weights=weights,
        dtype=dtype,
        keypoints=keypoints,
        skip_bad=skip_bad,
    )
