"""Cityscapes, HRNetV2-W18-small-v1: 70.3 mIoU on val, single scale (published).

W18-small-v2 (preset hrnet_w18_small_v2) reaches 76.2 in the same way.
Official protocol: crops of 512x1024 at scales 0.5 to 2.1, mirrored at random, SGD 1e-2
with polynomial decay, L2 5e-4, weighted classes, four GPUs' batch of 12, ImageNet
weights to start from (--weights).
Data: the folder with leftImg8bit/ and gtFine/.
Run: hrnet train recipes/cityscapes_seg_w18_small.py --data-dir DIR \\
    --weights hrnet_w18_small_v1_imagenet.pth --out RUN
"""

from functools import partial

from hrnet_tf.data.augment.segmentation import SegmentationAugmentation
from hrnet_tf.data.formats import cityscapes
from hrnet_tf.tasks.segmentation.recipe import official_sgd, segmentation_recipe


def recipe(
    preset="hrnet_w18_small_v1",
    batch_size=12,
    epochs=484,
    data_dir="data/cityscapes",
    crop_size=(512, 1024),
    labels="cityscapes",
    learning_rate=1e-2,
    weights=None,
    dtype=None,
    skip_bad=False,
):
    def load(split):
        return lambda label_set: cityscapes.load_segmentation(
            data_dir, split, label_set, skip_bad
        )

    return segmentation_recipe(
        name="cityscapes_seg_w18_small",
        settings={
            "preset": preset,
            "batch_size": batch_size,
            "epochs": epochs,
            "data_dir": str(data_dir),
            "learning_rate": learning_rate,
        },
        labels=labels,
        load_train=load("train"),
        load_val=load("val"),
        crop_size=crop_size,
        augmentation=SegmentationAugmentation(base_size=2048),
        optimizer=partial(official_sgd, learning_rate=learning_rate),
        # Whole images of 1024x2048 take much memory.
        protocol={"protocol": "whole", "batch_size": 1},
        weights=weights,
        dtype=dtype,
        skip_bad=skip_bad,
    )
