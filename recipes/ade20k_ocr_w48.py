"""ADE20K, HRNetV2-W48 + OCR: 44.5 mIoU on val, single scale (published).

With scales 0.5 to 2 and flip 45.5 were published.
Official protocol: crops of 520x520 at scales 0.5 to 2.1 of 520 pixels, mirrored at
random, SGD 2e-2 with polynomial decay, L2 1e-4, hard pixels alone in the main output,
the auxiliary one counts 0.4, four GPUs' batch of 16, ImageNet weights to start from
(--weights).
Data: ADEChallengeData2016 with images/ and annotations/.
Run: hrnet train recipes/ade20k_ocr_w48.py --data-dir DIR \\
    --weights hrnetv2_w48_imagenet.pth --out RUN
"""

from functools import partial

from hrnet_tf.data.augment.segmentation import SegmentationAugmentation
from hrnet_tf.data.formats import ade20k
from hrnet_tf.tasks.segmentation.recipe import official_sgd, segmentation_recipe


def recipe(
    preset="hrnet_w48",
    batch_size=16,
    epochs=120,
    data_dir="data/ADEChallengeData2016",
    crop_size=(520, 520),
    labels="ade20k",
    learning_rate=2e-2,
    weights=None,
    dtype=None,
    skip_bad=False,
):
    def load(split):
        return lambda label_set: ade20k.load_segmentation(data_dir, split, skip_bad)

    return segmentation_recipe(
        name="ade20k_ocr_w48",
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
        protocol={"protocol": "ade20k", "scales": (1.0,), "flip": False},
        ocr=True,
        ohem=True,
        weights=weights,
        dtype=dtype,
        skip_bad=skip_bad,
    )
