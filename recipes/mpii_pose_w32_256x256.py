"""MPII, HRNet-W32, 256x256: 90.3 PCKh@0.5 on the validation set (published).

Official protocol: as for COCO, but rotation 30, scale 0.25 and no half bodies.
With convention="dark" the targets and decoding are DARK's; OpenMMLab's network so
trained, by its own schedule, has 90.4.
Data: a folder with images/ and annot/{train,valid}.json and annot/gt_valid.mat, as
the official repository arranges it.
Run: hrnet train recipes/mpii_pose_w32_256x256.py --data-dir DIR --out RUN
"""

from functools import partial
from pathlib import Path

from hrnet_tf.data.augment.affine import PoseAugmentation
from hrnet_tf.data.formats import mpii
from hrnet_tf.tasks.pose.recipe import official_adam, pose_recipe


def recipe(
    preset="hrnet_w32",
    batch_size=128,
    epochs=210,
    data_dir="data/mpii",
    loss="mse",
    convention="official",
    weights=None,
    dtype=None,
):
    annotations, images = Path(data_dir) / "annot", Path(data_dir) / "images"

    def load(name, mat, keypoint_set):
        return mpii.load_pose(annotations / f"{name}.json", images, mat)

    return pose_recipe(
        name="mpii_pose_w32_256x256",
        settings={
            "preset": preset,
            "batch_size": batch_size,
            "epochs": epochs,
            "data_dir": str(data_dir),
        },
        keypoints="mpii",
        load_train=partial(load, "train", None),
        load_val=partial(load, "valid", annotations / "gt_valid.mat"),
        image_size=(256, 256),
        sigma=2.0,
        augmentation=PoseAugmentation(
            scale=0.25, rotation=30, half_body_probability=0.0
        ),
        optimizer=official_adam,
        loss=loss,
        convention=convention,
        weights=weights,
        dtype=dtype,
    )
