"""COCO keypoints, HRNet-W48, 384x288: 76.3 AP with detector boxes (published).

Official protocol: Adam 1e-3, steps of a tenth at epochs 170 and 200 of 210, four
GPUs' batch of 96, squared error, ImageNet weights to start from (--weights).
With convention="dark" or "udp" the targets, crops and decoding are DARK's or UDP's;
OpenMMLab's networks so trained, by its own schedule, have 77.2 and 77.3 AP.
Data: a folder in COCO's layout: {train,val}2017/, annotations/.
Run: hrnet train recipes/coco_pose_w48_384x288.py --data-dir DIR \\
    --weights hrnet_w48_imagenet.pth --out RUN
"""

from hrnet_tf.tasks.pose.recipe import coco_pose_recipe


def recipe(
    preset="hrnet_w48",
    batch_size=96,
    epochs=210,
    data_dir="data/coco",
    loss="mse",
    convention="official",
    weights=None,
    dtype=None,
    keypoints="coco",
):
    return coco_pose_recipe(
        name="coco_pose_w48_384x288",
        settings={"preset": preset, "batch_size": batch_size, "epochs": epochs},
        data_dir=data_dir,
        image_size=(384, 288),
        sigma=3.0,
        loss=loss,
        convention=convention,
        weights=weights,
        dtype=dtype,
        keypoints=keypoints,
    )
