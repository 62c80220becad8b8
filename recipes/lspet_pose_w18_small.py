"""Leeds Sports Pose Extended, HRNet-W18-small-v1, 128x128, from random weights.

Trained with the cross entropy over the spatial softmax, which learns many times
faster than the squared error where there is little data and no pretraining.
Data: a folder with images/ and annotations/person_keypoints_{train,val}.json.
Run: hrnet train recipes/lspet_pose_w18_small.py --data-dir DIR --out runs/lspet
"""

from functools import partial
from pathlib import Path

from hrnet_tf.data.augment.affine import PoseAugmentation
from hrnet_tf.data.formats import coco
from hrnet_tf.optimizers.adam import AdamW
from hrnet_tf.optimizers.schedules import cosine_decay
from hrnet_tf.tasks.pose.recipe import pose_recipe


def optimizer(steps_per_epoch, epochs):
    schedule = cosine_decay(1.5e-3, epochs, steps_per_epoch, warmup_steps=200)
    return AdamW(schedule, weight_decay=0.01, epsilon=1e-8)


def recipe(
    preset="hrnet_w18_small_v1",
    batch_size=16,
    epochs=40,
    data_dir="data/lspet",
    loss="cross_entropy",
    weights=None,
    dtype=None,
    keypoints="lsp",
):
    def load(split, keypoint_set):
        annotations = Path(data_dir) / "annotations" / f"person_keypoints_{split}.json"
        images = Path(data_dir) / "images"
        return coco.load_pose(annotations, images, keypoint_set, split)

    return pose_recipe(
        name="lspet_pose_w18_small",
        settings={
            "preset": preset,
            "batch_size": batch_size,
            "epochs": epochs,
            "data_dir": str(data_dir),
        },
        keypoints=keypoints,
        load_train=partial(load, "train"),
        load_val=partial(load, "val"),
        image_size=(128, 128),
        sigma=1.5,
        augmentation=PoseAugmentation(
            scale=0.25,
            rotation=30,
            half_body_probability=0.0,
            brightness=0.2,
            contrast=0.2,
        ),
        optimizer=optimizer,
        loss=loss,
        representation="v2",
        weights=weights,
        dtype=dtype,
        evaluate_every=10,
    )
