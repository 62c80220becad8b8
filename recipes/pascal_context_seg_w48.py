"""PASCAL-Context, HRNetV2-W48: 54.1 mIoU on val, 59 classes (published).

That is with scales 0.5 to 2 and flip; while training the test has one scale and no
flip. With the background as a class (labels pascal_context_60) 48.3 were published.
Official protocol: crops of 480x480 at scales 0.5 to 2.1 of 520 pixels, mirrored at
random, SGD 4e-3 with polynomial decay, L2 1e-4, four GPUs' batch of 16, ImageNet
weights to start from (--weights).
Data: VOCdevkit/VOC2010 with the label maps that `pascal_context.write_labels` makes of
trainval_merged.json.
Run: hrnet train recipes/pascal_context_seg_w48.py --data-dir DIR \\
    --weights hrnetv2_w48_imagenet.pth --out RUN
"""

from functools import partial

from hrnet_tf.data.augment.segmentation import SegmentationAugmentation
from hrnet_tf.data.formats import pascal_context
from hrnet_tf.tasks.segmentation.recipe import official_sgd, segmentation_recipe


def recipe(
    preset="hrnet_w48",
    batch_size=16,
    epochs=200,
    data_dir="data/pascal_ctx/VOCdevkit/VOC2010",
    crop_size=(480, 480),
    labels="pascal_context_59",
    learning_rate=4e-3,
    weights=None,
    dtype=None,
    skip_bad=False,
):
    def load(split):
        return lambda label_set: pascal_context.load_segmentation(
            data_dir, split, skip_bad
        )

    return segmentation_recipe(
        name="pascal_context_seg_w48",
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
        augmentation=SegmentationAugmentation(base_size=520),
        optimizer=partial(official_sgd, learning_rate=learning_rate, l2=1e-4),
        protocol={"protocol": "pascal_context", "scales": (1.0,), "flip": False},
        weights=weights,
        dtype=dtype,
        skip_bad=skip_bad,
    )
