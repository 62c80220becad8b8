"""COFW, HRNetV2-W18, 256x256: NME 3.45, FR@0.10 0.20 percent on the test set.

Published, relative to the outer corners of the eyes, times 100.
Data: a folder with COFW_{train,test}_color.mat; the images are written to images/.
Run: hrnet train recipes/cofw_face_w18.py --data-dir DIR --weights HRNETV2.pth --out RUN
"""

from hrnet_tf.tasks.landmarks.recipe import official_recipe


def recipe(
    preset="hrnet_w18",
    batch_size=16,
    epochs=60,
    data_dir="data/cofw",
    loss="mse",
    weights=None,
    dtype=None,
):
    return official_recipe(
        name="cofw_face_w18",
        format="cofw",
        data_dir=data_dir,
        train_file="COFW_train_color.mat",
        test_file="COFW_test_color.mat",
        settings={"preset": preset, "batch_size": batch_size, "epochs": epochs},
        sigma=1.5,
        loss=loss,
        weights=weights,
        dtype=dtype,
    )
