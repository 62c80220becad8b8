"""WFLW, HRNetV2-W18, 256x256: NME 4.60 on the test set.

Published, relative to the outer corners of the eyes, times 100; large pose 7.86,
illumination 4.57, occlusion 5.42, blur 5.36, make-up 4.26, expression 4.78.
Data: a folder with images/ and face_landmarks_wflw_{train,test}.csv, as the official
face code arranges it.
Run: hrnet train recipes/wflw_face_w18.py --data-dir DIR --weights HRNETV2.pth --out RUN
"""

from hrnet_tf.tasks.landmarks.recipe import official_recipe


def recipe(
    preset="hrnet_w18",
    batch_size=16,
    epochs=60,
    data_dir="data/wflw",
    loss="mse",
    weights=None,
    dtype=None,
):
    return official_recipe(
        name="wflw_face_w18",
        format="wflw",
        data_dir=data_dir,
        train_file="face_landmarks_wflw_train.csv",
        test_file="face_landmarks_wflw_test.csv",
        settings={"preset": preset, "batch_size": batch_size, "epochs": epochs},
        sigma=1.5,
        loss=loss,
        weights=weights,
        dtype=dtype,
    )
