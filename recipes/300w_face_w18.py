"""300W, HRNetV2-W18, 256x256: NME 3.34 (full), 2.91 (common), 5.11 (challenge).

Published, relative to the outer corners of the eyes, times 100; 3.85 on its test set.
Data: a folder with images/ and face_landmarks_300w_{train,valid}.csv, as the official
face code arranges it.
Run: hrnet train recipes/300w_face_w18.py --data-dir DIR --weights HRNETV2.pth --out RUN
"""

from hrnet_tf.tasks.landmarks.recipe import official_recipe


def recipe(
    preset="hrnet_w18",
    batch_size=16,
    epochs=60,
    data_dir="data/300w",
    loss="mse",
    weights=None,
    dtype=None,
):
    return official_recipe(
        name="300w_face_w18",
        format="300w",
        data_dir=data_dir,
        train_file="face_landmarks_300w_train.csv",
        test_file="face_landmarks_300w_valid.csv",
        settings={"preset": preset, "batch_size": batch_size, "epochs": epochs},
        sigma=1.0,
        loss=loss,
        weights=weights,
        dtype=dtype,
    )
