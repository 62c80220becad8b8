"""The embedded data set of drawn people, HRNet-W18-small-v1, 128x96: the demo.

Data: made by `hrnet_tf.data.synthetic.generate_people` (`make demo` does it).
Run: hrnet train recipes/synthetic_pose_w18_small.py --data-dir demo/data --out RUN
"""

from hrnet_tf.data.augment.affine import PoseAugmentation
from hrnet_tf.optimizers.muon import FIRST_AND_LAST, Muon
from hrnet_tf.optimizers.schedules import cosine_decay
from hrnet_tf.tasks.pose.recipe import coco_pose_recipe


def optimizer(steps_per_epoch, epochs):
    schedule = cosine_decay(5e-3, epochs, steps_per_epoch, warmup_steps=100)
    return Muon(schedule, exclude_layers=FIRST_AND_LAST)


def recipe(
    preset="hrnet_w18_small_v1",
    batch_size=16,
    epochs=6,
    data_dir="demo/data",
    loss="cross_entropy",
    weights=None,
    dtype=None,
    keypoints="coco",
):
    return coco_pose_recipe(
        name="synthetic_pose_w18_small",
        settings={"preset": preset, "batch_size": batch_size, "epochs": epochs},
        data_dir=data_dir,
        image_size=(128, 96),
        sigma=1.2,
        representation="v2",
        augmentation=PoseAugmentation(
            scale=0.1, rotation=10, rotation_probability=0.5, half_body_probability=0.0
        ),
        optimizer=optimizer,
        loss=loss,
        weights=weights,
        dtype=dtype,
        keypoints=keypoints,
        evaluate_every=3,
    )
