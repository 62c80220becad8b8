"""Three training steps of small recipes, on whichever backend Keras has.

Each is a step on the first batch, and the dropout is off.

Run as a script it starts from the weights that `run(..., first=True)` left.
"""

import sys
from functools import partial
from pathlib import Path

import keras
import numpy as np

from hrnet_tf.data.augment.classification import ClassificationAugmentation
from hrnet_tf.data.augment.segmentation import SegmentationAugmentation
from hrnet_tf.data.formats import faces, label_folder
from hrnet_tf.layers.normalized import sublayers
from hrnet_tf.lowlevel import accelerate
from hrnet_tf.models.classifier import KAIMING_FAN_OUT
from hrnet_tf.tasks.classification import recipe as classification
from hrnet_tf.tasks.landmarks.recipe import landmarks_recipe
from hrnet_tf.tasks.pose.recipe import official_adam
from hrnet_tf.tasks.segmentation import recipe as segmentation

SETTINGS = {"preset": "hrnet_test", "batch_size": 4, "epochs": 1}
STEPS = 3


def segmentation_of(folder, **options):
    """A recipe of `drawn_labels` in folder/labels."""
    folder = folder / "labels"

    def load(split, label_set):
        return label_folder.load_segmentation(folder / split, folder / f"{split}annot")

    return segmentation.segmentation_recipe(
        name="shapes",
        settings=SETTINGS,
        labels=folder / "labels.json",
        load_train=partial(load, "train"),
        load_val=partial(load, "val"),
        crop_size=(32, 64),
        augmentation=SegmentationAugmentation(base_size=96),
        optimizer=partial(
            segmentation.official_sgd, learning_rate=2e-3, head_multiplier=10.0
        ),
        kernel_initializer=KAIMING_FAN_OUT,
        **options,
    )


def landmarks_of(folder):
    """A recipe of `drawn_faces` in folder/faces."""
    folder = folder / "faces"

    def load(keypoint_set):
        return faces.load_json(folder / "faces.json", folder, keypoint_set)

    return landmarks_recipe(
        name="faces",
        settings=SETTINGS,
        keypoints="cofw",
        load_train=load,
        load_val=load,
        image_size=(64, 64),
        sigma=1.0,
        optimizer=partial(official_adam, learning_rate=1e-4),
        momentum=0.9,
    )


def classification_of(folder):
    """A recipe of `drawn_shapes` in folder/shapes."""
    return classification.classification_recipe(
        name="shapes",
        # The statistics of a few small maps would magnify every rounding.
        settings={**SETTINGS, "batch_size": 8, "data_dir": str(folder / "shapes")},
        image_size=(64, 64),
        augmentation=ClassificationAugmentation(mixup=0.2, label_smoothing=0.1),
        optimizer=partial(classification.official_sgd, learning_rate=3e-4),
    )


RECIPES = {
    "segmentation": partial(segmentation_of, class_weights=(1.0, 2.0, 3.0)),
    "object_context": partial(segmentation_of, ocr=True, ohem=True),
    "landmarks": landmarks_of,
    "classification": classification_of,
}


class Losses(keras.callbacks.Callback):
    """Collects the mean loss so far, after each step."""

    def __init__(self):
        super().__init__()
        self.values = []

    def on_train_batch_end(self, batch, logs=None):
        self.values.append(float(logs["loss"]))


def run(folder, first):
    """Trains every recipe for three steps.

    Args:
        folder: `Path` with the data of all recipes.
        first: bool. True leaves the weights before the steps in the folder, False
            starts from these.
    Returns:
        dict from the recipes' names to the mean losses up to each step, float64
        `[STEPS]`.
    """
    found = {}
    for name, make in RECIPES.items():
        keras.utils.set_random_seed(0)
        recipe, file = make(folder), folder / f"{name}.weights.h5"
        model = recipe.model()
        accelerate(model)
        if first:
            model.save_weights(file)
        else:
            model.load_weights(file)
        for layer in sublayers(model):
            if isinstance(layer, keras.layers.Dropout):
                # Its random numbers are the backend's own.
                layer.rate = 0.0
        # The same one each time, so that only the steps change the loss.
        batches = recipe.train_data(0, 0)[0].take(1).repeat()
        model.compile(
            recipe.optimizer(STEPS), recipe.loss(), loss_weights=recipe.loss_weights
        )
        losses = Losses()
        model.fit(batches, steps_per_epoch=STEPS, verbose=0, callbacks=[losses])
        found[name] = np.array(losses.values)
    return found


if __name__ == "__main__":
    assert keras.backend.backend() == sys.argv[1]
    data = Path(sys.argv[2])
    np.savez(data / "losses.npz", **run(data, first=False))
