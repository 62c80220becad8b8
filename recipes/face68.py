"""Faces with 68 points, face landmarks.

From random weights. Trained with the cross entropy over the spatial softmax, which
learns many times faster than the squared error where there is little data and no
pretraining.
Data: a folder with images/ and annotations/face_landmarks_{train,val}.json in COCO's
format, the points in iBUG's order (that of 300W and dlib).
Run: hrnet train face68 --data-dir DIR --out runs/face68
"""

from functools import partial
from pathlib import Path

from hrnet_tf.data.augment.affine import PoseAugmentation
from hrnet_tf.data.formats import faces
from hrnet_tf.optimizers.with_cosine import muon
from hrnet_tf.tasks.landmarks.recipe import landmarks_recipe
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.training.recipe_files import choose_variant
from hrnet_tf.typing import PathLike

VARIANTS = {
    "w18": {
        "reached": "0.038 NME",
        "preset": "hrnet_w18_small_v1",
        "image_size": (128, 128),
    },
}


def recipe(
    variant: str = "w18",
    preset: str | None = None,
    batch_size: int = 16,
    epochs: int = 20,
    data_dir: str = "data/face68",
    loss: str = "cross_entropy",
    weights: PathLike | None = None,
    dtype: str | None = None,
    keypoints: str = "300w",
    sigma: float = 0.7,
    skip_bad: bool = False,
) -> Recipe:
    own = choose_variant(VARIANTS, variant, preset=preset)

    def load(split, keypoint_set):
        annotations = Path(data_dir) / "annotations" / f"face_landmarks_{split}.json"
        images = Path(data_dir) / "images"
        return faces.load_json(annotations, images, keypoint_set, skip_bad)

    return landmarks_recipe(
        name=f"face68_{variant}",
        settings={
            "preset": own.preset,
            "batch_size": batch_size,
            "epochs": epochs,
            "data_dir": str(data_dir),
        },
        keypoints=keypoints,
        load_train=partial(load, "train"),
        load_val=partial(load, "val"),
        image_size=own.image_size,
        sigma=sigma,
        augmentation=PoseAugmentation(
            scale=0.2,
            rotation=15,
            half_body_probability=0.0,
            # The labels of this data set lie about 1.2 pixels to the right of where
            # they would be symmetrical: networks that see mirrored faces learn the
            # middle, and are wrong by that much.
            flip_probability=0.0,
            brightness=0.2,
            contrast=0.2,
        ),
        optimizer=partial(muon, learning_rate=5e-3, warmup_steps=200),
        loss=loss,
        momentum=0.9,
        skip_bad=skip_bad,
        weights=weights,
        dtype=dtype,
        # The test is looked at once: it chooses neither the epoch nor a setting.
        evaluate_every=epochs,
    )
