"""COCO, detection and instance segmentation.

Official protocol: SGD 0.02 for 16 images (in proportion for others), steps of a tenth,
images within 1333x800, ImageNet weights to start from (--weights), normalisation with
the statistics of these. The results are those published for such training, box AP on
val2017; "multi-scale" is what training at several scales with shared normalisation
reaches. Of W48's Mask R-CNN the two columns of the published table are exchanged; they
are told here as they must be. COCO's own training file holds two boxes without a
height, which are left out: --skip-bad is on unless it is said otherwise.
Data: a folder in COCO's layout: {train,val}2017/, annotations/instances_*.json.
Run: hrnet train coco_detection/faster_rcnn_w18_1x --data-dir DIR \\
    --weights hrnet_w18_imagenet.pth --out RUN
"""

from functools import partial
from pathlib import Path
from typing import Any

from hrnet_tf.data.augment.detection import DetectionAugmentation
from hrnet_tf.data.formats import coco_objects
from hrnet_tf.models.cascade_rcnn import HRNetCascadeRCNN
from hrnet_tf.models.faster_rcnn import HRNetFasterRCNN
from hrnet_tf.models.fcos import HRNetFCOS
from hrnet_tf.tasks.detection.recipe import detection_recipe, official_sgd
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.training.recipe_files import choose_variant
from hrnet_tf.typing import PathLike

VARIANTS = {
    "faster_rcnn_w18_1x": {
        "published": "36.1 AP",
        "notes": "multi-scale 37.6",
        "preset": "hrnet_w18",
        "epochs": 12,
        "milestones": (8, 11),
    },
    "faster_rcnn_w18_2x": {
        "published": "38.1 AP",
        "notes": "multi-scale 39.4",
        "preset": "hrnet_w18",
        "epochs": 24,
        "milestones": (20, 23),
    },
    "faster_rcnn_w32_1x": {
        "published": "39.5 AP",
        "notes": "multi-scale 41.0",
        "preset": "hrnet_w32",
        "epochs": 12,
        "milestones": (8, 11),
    },
    "faster_rcnn_w32_2x": {
        "published": "40.8 AP",
        "notes": "multi-scale 42.6",
        "preset": "hrnet_w32",
        "epochs": 24,
        "milestones": (20, 23),
    },
    "faster_rcnn_w40_1x": {
        "published": "40.4 AP",
        "preset": "hrnet_w40",
        "epochs": 12,
        "milestones": (8, 11),
    },
    "faster_rcnn_w40_2x": {
        "published": "41.4 AP",
        "preset": "hrnet_w40",
        "epochs": 24,
        "milestones": (20, 23),
    },
    "faster_rcnn_w48_1x": {
        "published": "40.9 AP",
        "preset": "hrnet_w48",
        "epochs": 12,
        "milestones": (8, 11),
    },
    "faster_rcnn_w48_2x": {
        "published": "41.5 AP",
        "preset": "hrnet_w48",
        "epochs": 24,
        "milestones": (20, 23),
    },
    "mask_rcnn_w18_1x": {
        "published": "37.3 AP, masks 34.2",
        "preset": "hrnet_w18",
        "epochs": 12,
        "milestones": (8, 11),
    },
    "mask_rcnn_w18_2x": {
        "published": "39.2 AP, masks 35.7",
        "preset": "hrnet_w18",
        "epochs": 24,
        "milestones": (20, 23),
    },
    "mask_rcnn_w32_1x": {
        "published": "40.7 AP, masks 36.8",
        "preset": "hrnet_w32",
        "epochs": 12,
        "milestones": (8, 11),
    },
    "mask_rcnn_w32_2x": {
        "published": "42.1 AP, masks 37.6",
        "preset": "hrnet_w32",
        "epochs": 24,
        "milestones": (20, 23),
    },
    "mask_rcnn_w48_1x": {
        "published": "42.4 AP, masks 38.1",
        "preset": "hrnet_w48",
        "epochs": 12,
        "milestones": (8, 11),
    },
    "mask_rcnn_w48_2x": {
        "published": "42.9 AP, masks 38.3",
        "preset": "hrnet_w48",
        "epochs": 24,
        "milestones": (20, 23),
    },
    "cascade_rcnn_w18_20e": {
        "published": "41.2 AP",
        "preset": "hrnet_w18",
        "epochs": 20,
        "milestones": (16, 19),
    },
    "cascade_rcnn_w32_20e": {
        "published": "43.7 AP",
        "preset": "hrnet_w32",
        "epochs": 20,
        "milestones": (16, 19),
    },
    "cascade_rcnn_w48_20e": {
        "published": "44.6 AP",
        "preset": "hrnet_w48",
        "epochs": 20,
        "milestones": (16, 19),
    },
    "cascade_mask_rcnn_w18_20e": {
        "published": "41.9 AP, masks 36.4",
        "preset": "hrnet_w18",
        "epochs": 20,
        "milestones": (16, 19),
    },
    "cascade_mask_rcnn_w32_20e": {
        "published": "44.5 AP, masks 38.5",
        "preset": "hrnet_w32",
        "epochs": 20,
        "milestones": (16, 19),
    },
    "cascade_mask_rcnn_w48_20e": {
        "published": "46.0 AP, masks 39.5",
        "preset": "hrnet_w48",
        "epochs": 20,
        "milestones": (16, 19),
    },
    "fcos_w18_1x": {
        "published": "35.2 AP",
        "preset": "hrnet_w18",
        "epochs": 12,
        "milestones": (8, 11),
    },
    "fcos_w18_2x": {
        "published": "38.2 AP",
        "notes": "multi-scale 38.1",
        "preset": "hrnet_w18",
        "epochs": 24,
        "milestones": (20, 23),
    },
    "fcos_w32_1x": {
        "published": "37.7 AP",
        "preset": "hrnet_w32",
        "epochs": 12,
        "milestones": (8, 11),
    },
    "fcos_w32_2x": {
        "published": "40.3 AP",
        "notes": "multi-scale 41.4",
        "preset": "hrnet_w32",
        "epochs": 24,
        "milestones": (20, 23),
    },
}
MODELS: dict[str, Any] = {
    "faster_rcnn": HRNetFasterRCNN,
    "mask_rcnn": HRNetFasterRCNN,
    "cascade_rcnn": HRNetCascadeRCNN,
    "cascade_mask_rcnn": HRNetCascadeRCNN,
    "fcos": HRNetFCOS,
}
# Of which one is drawn for each image.
MULTI_SCALE = ((1000, 600), (1333, 800), (1600, 1000))


def recipe(
    variant: str = "faster_rcnn_w18_1x",
    preset: str | None = None,
    batch_size: int = 16,
    epochs: int | None = None,
    data_dir: str = "data/coco",
    multi_scale: bool = False,
    weights: PathLike | None = None,
    dtype: str | None = None,
    objects: str = "coco",
    skip_bad: bool = True,
) -> Recipe:
    own = choose_variant(VARIANTS, variant, preset=preset)
    data = Path(data_dir)
    kind = variant.partition("_w")[0]
    masks = "mask" in kind

    def load(split, object_set):
        return coco_objects.load_detection(
            data / "annotations" / f"instances_{split}2017.json",
            data / f"{split}2017",
            object_set,
            masks,
            skip_bad,
        )

    rate = 0.01 if kind == "fcos" else 0.02
    return detection_recipe(
        name=f"coco_detection_{variant}",
        settings={
            "preset": own.preset,
            "batch_size": batch_size,
            "epochs": own.epochs if epochs is None else epochs,
            "data_dir": str(data_dir),
        },
        objects=objects,
        load_train=partial(load, "train"),
        load_val=partial(load, "val"),
        make_model=MODELS[kind].from_preset,
        augmentation=DetectionAugmentation(
            scales=MULTI_SCALE if multi_scale else ((1333, 800),)
        ),
        optimizer=partial(
            official_sgd,
            learning_rate=rate * batch_size / 16,
            milestones=own.milestones,
            published_epochs=own.epochs,
        ),
        records_dir=data / "records" / "objects",
        weights=weights,
        dtype=dtype,
        # Officially frozen, but for training at several scales.
        frozen_statistics=not multi_scale,
        masks=masks,
    )
