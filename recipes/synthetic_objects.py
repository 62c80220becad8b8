"""Drawn people, detection and instance segmentation.

Boxes and masks of the embedded data set's people, from random weights.
Data: made by `hrnet_tf.data.synthetic.generate_people` (`hrnet demo` does it).
Run: hrnet train synthetic_objects --data-dir demo/data --out RUN
"""

import dataclasses
from functools import partial
from pathlib import Path
from typing import Any

from hrnet_tf.data.augment.detection import DetectionAugmentation
from hrnet_tf.data.formats import coco_objects
from hrnet_tf.models.classifier import KAIMING_FAN_OUT
from hrnet_tf.models.faster_rcnn import HRNetFasterRCNN
from hrnet_tf.models.fcos import HRNetFCOS
from hrnet_tf.optimizers.with_cosine import muon
from hrnet_tf.tasks.detection.recipe import detection_recipe
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.training.recipe_files import choose_variant
from hrnet_tf.typing import PathLike

# Pictures have 240x320 pixels. The heads have a quarter of the published channels, and
# learn from a quarter of the published regions: a picture has few people, and the heads
# of a mask would take nine tenths of the time.
WHOLE = {
    "height": 240,
    "num_channels": 64,
    "epochs": 4,
    "evaluate_every": 2,
    "learning_rate": 3e-3,
}
NUM_REGIONS = 128
VARIANTS = {
    "mask_rcnn": {"reached": "0.626 AP, masks 0.558", "preset": "hrnet_w18_small_v1"},
    "faster_rcnn": {"preset": "hrnet_w18_small_v1"},
    "fcos": {"preset": "hrnet_w18_small_v1"},
    # The detector of the demo: smaller pictures.
    "people_finder": {
        "reached": "0.886 AP50",
        "preset": "hrnet_w18_small_v1",
        "height": 192,
        "epochs": 2,
        "evaluate_every": 2,
        "learning_rate": 5e-3,
    },
}


def _faster_rcnn(preset, **arguments):
    model = HRNetFasterRCNN.from_preset(preset, **arguments)
    model.training_rule = dataclasses.replace(
        model.training_rule, roi_samples=NUM_REGIONS
    )
    return model


MODELS: dict[str, Any] = {
    "mask_rcnn": _faster_rcnn,
    "faster_rcnn": _faster_rcnn,
    "fcos": HRNetFCOS.from_preset,
    "people_finder": HRNetFCOS.from_preset,
}


def recipe(
    variant: str = "mask_rcnn",
    preset: str | None = None,
    batch_size: int = 8,
    epochs: int | None = None,
    data_dir: str = "demo/data",
    weights: PathLike | None = None,
    dtype: str | None = None,
    objects: str = "people",
    skip_bad: bool = False,
) -> Recipe:
    own = choose_variant(VARIANTS, variant, WHOLE, preset=preset, epochs=epochs)
    data = Path(data_dir)
    masks = variant == "mask_rcnn"
    height, width = own.height, own.height * 4 // 3

    def load(split, object_set):
        return coco_objects.load_detection(
            data / "annotations" / f"person_keypoints_{split}2017.json",
            data / f"{split}2017",
            object_set,
            masks,
            skip_bad,
        )

    return detection_recipe(
        name=f"synthetic_objects_{variant}",
        settings={
            "preset": own.preset,
            "batch_size": batch_size,
            "epochs": own.epochs,
            "data_dir": str(data_dir),
            # Nothing else of a run tells it.
            **({"num_regions": NUM_REGIONS} if variant.endswith("rcnn") else {}),
        },
        objects=objects,
        load_train=partial(load, "train"),
        load_val=partial(load, "val"),
        make_model=MODELS[variant],
        augmentation=DetectionAugmentation(scales=((width, height),)),
        # The next sides that the network takes.
        image_size=(-(-height // 32) * 32, width),
        max_boxes=10,
        optimizer=partial(
            muon,
            learning_rate=own.learning_rate,
            warmup_steps=100,
            global_clipnorm=35.0,
        ),
        kernel_initializer=KAIMING_FAN_OUT,
        weights=weights,
        dtype=dtype,
        evaluate_every=own.evaluate_every,
        num_channels=own.num_channels,
        masks=masks,
    )
