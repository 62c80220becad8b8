"""ImageNet-1k classification, HRNet-W*-C, 224x224.

Official protocol: SGD 0.05 with Nesterov momentum 0.9 and L2 1e-4 on all weights,
steps of a tenth at epochs 30, 60 and 90 of 100, four GPUs' batch of 128, random crops
and mirroring. Published top-1 / top-5 of one centre crop, percent:

    hrnet_w18_small_v1  72.3 / 90.7      hrnet_w40  78.9 / 94.5
    hrnet_w18_small_v2  75.1 / 92.4      hrnet_w44  78.9 / 94.4
    hrnet_w18           76.8 / 93.4      hrnet_w48  79.3 / 94.5
    hrnet_w30           78.2 / 94.2      hrnet_w64  79.5 / 94.6
    hrnet_w32           78.5 / 94.2

With cosine decay, CutMix and 300 epochs W18 has 77.9 and W48 81.1 (cutmix=1.0,
schedule="cosine", epochs=300).
Data: a folder with train/<synset>/ and val/<synset>/, or val/ and val_labels.txt with
"file label" lines; or "tfds:imagenet2012".
Run: hrnet train recipes/imagenet_hrnet.py --preset hrnet_w18 --data-dir DIR --out RUN
"""

from functools import partial

from hrnet_tf.data.augment.classification import ClassificationAugmentation
from hrnet_tf.tasks.classification.recipe import (
    classification_recipe,
    cosine_sgd,
    official_sgd,
)

SCHEDULES = {"steps": official_sgd, "cosine": cosine_sgd}


def recipe(
    preset="hrnet_w18",
    batch_size=128,
    epochs=100,
    data_dir="data/imagenet",
    weights=None,
    dtype=None,
    skip_bad=False,
    learning_rate=None,
    schedule="steps",
    rand_augment=0,
    mixup=0.0,
    cutmix=0.0,
    label_smoothing=0.0,
    class_names=None,
    tfds_dir=None,
):
    if schedule not in SCHEDULES:
        raise ValueError(
            f"schedule must be one of {list(SCHEDULES)}. Received: {schedule!r}."
        )
    # In proportion to the batch, as the official rate belongs to 128 images.
    rate = learning_rate or 0.05 * batch_size / 128
    return classification_recipe(
        name=f"imagenet_{preset}",
        settings={
            "preset": preset,
            "batch_size": batch_size,
            "epochs": epochs,
            "data_dir": str(data_dir),
            "learning_rate": rate,
            "schedule": schedule,
        },
        image_size=(224, 224),
        augmentation=ClassificationAugmentation(
            rand_augment=rand_augment,
            mixup=mixup,
            cutmix=cutmix,
            label_smoothing=label_smoothing,
        ),
        optimizer=partial(SCHEDULES[schedule], learning_rate=rate),
        weights=weights,
        dtype=dtype,
        skip_bad=skip_bad,
        class_names=class_names,
        tfds_dir=tfds_dir,
        reference_batch_size=128 if learning_rate else batch_size,
    )
