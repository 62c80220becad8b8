"""AFLW, HRNetV2-W18, 256x256: NME 1.57 (full), 1.46 (frontal).

Published, relative to the annotated box size, times 100.
Data: a folder with images/ and face_landmarks_aflw_{train,test}.csv, as the official
face code arranges it.
Run: hrnet train recipes/aflw_face_w18.py --data-dir DIR --weights HRNETV2.pth --out RUN
"""

from hrnet_tf.tasks.landmarks.recipe import official_recipe


def recipe(
    preset="hrnet_w18",
    batch_size=16,
    epochs=60,
    data_dir="data/aflw",
    loss="mse",
    weights=None,
    dtype=None,
):
    return official_recipe(
        name="aflw_face_w18",
        format="aflw",
        data_dir=data_dir,
        train_file="face_landmarks_aflw_train.csv",
        test_file="face_landmarks_aflw_test.csv",
        settings={"preset": preset, "batch_size": batch_size, "epochs": epochs},
        learning_rate=2e-4,
        sigma=1.5,
        loss=loss,
        weights=weights,
        dtype=dtype,
    )
