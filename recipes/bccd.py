"""Blood cells (BCCD), detection.

Red and white blood cells and platelets: 205 pictures to train on, 87 to choose by and
72 to test on, from random weights. Two boxes of the data have no area and are left out,
so that --skip-bad is on unless it is said otherwise.
Data: the BCCD data set, in PASCAL VOC's layout.
Run: hrnet train bccd/fcos --data-dir DIR --out runs/bccd
"""

from functools import partial
from typing import Any

from hrnet_tf.data.augment.detection import DetectionAugmentation
from hrnet_tf.data.formats import voc_objects
from hrnet_tf.models.classifier import KAIMING_FAN_OUT
from hrnet_tf.models.faster_rcnn import HRNetFasterRCNN
from hrnet_tf.models.fcos import HRNetFCOS
from hrnet_tf.optimizers.with_cosine import muon
from hrnet_tf.tasks.detection.recipe import detection_recipe
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.training.recipe_files import choose_variant
from hrnet_tf.typing import PathLike

# The heads have a quarter of the published channels: of 205 pictures more learn nothing
# more, and take three times as long.
VARIANTS = {
    "fcos": {
        "reached": "0.893 AP50",
        "preset": "hrnet_w18_small_v1",
        "epochs": 40,
        "num_channels": 64,
    },
    "faster_rcnn": {
        "reached": "0.905 AP50",
        "preset": "hrnet_w18_small_v1",
        "epochs": 40,
        "num_channels": 64,
    },
}
MODELS: dict[str, Any] = {"fcos": HRNetFCOS, "faster_rcnn": HRNetFasterRCNN}


def recipe(
    variant: str = "fcos",
    preset: str | None = None,
    batch_size: int = 4,
    epochs: int | None = None,
    data_dir: str = "data/bccd",
    weights: PathLike | None = None,
    dtype: str | None = None,
    objects: str = "bccd",
    skip_bad: bool = True,
) -> Recipe:
    own = choose_variant(VARIANTS, variant, preset=preset, epochs=epochs)

    def load(split, object_set):
        return voc_objects.load_detection(data_dir, split, object_set, skip_bad)

    return detection_recipe(
        name=f"bccd_{variant}",
        settings={
            "preset": own.preset,
            "batch_size": batch_size,
            "epochs": own.epochs,
            "data_dir": str(data_dir),
        },
        objects=objects,
        load_train=partial(load, "train"),
        load_val=partial(load, "val"),
        make_model=MODELS[variant].from_preset,
        augmentation=DetectionAugmentation(
            scales=((288, 216), (416, 312)),
            scale_range=True,
            vertical_flip_probability=0.5,
            crop_size=(256, 320),
            min_visible=0.3,
            brightness=0.2,
            contrast=0.2,
        ),
        image_size=(256, 320),
        optimizer=partial(
            muon, learning_rate=2e-3, warmup_steps=100, global_clipnorm=35.0
        ),
        kernel_initializer=KAIMING_FAN_OUT,
        weights=weights,
        dtype=dtype,
        evaluate_every=5,
        num_channels=own.num_channels,
    )
