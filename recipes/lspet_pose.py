"""LSP Extended, top-down pose.

Leeds Sports Pose Extended, from random weights. Trained with the cross entropy over the
spatial softmax, which learns many times faster than the squared error where there is
little data and no pretraining. The result is relative to the size of the torso.
Data: a folder with images/ and annotations/person_keypoints_{train,val}.json.
Run: hrnet train lspet_pose --data-dir DIR --out runs/lspet
"""

from functools import partial
from pathlib import Path

from hrnet_tf.data.augment.affine import PoseAugmentation
from hrnet_tf.data.formats import coco
from hrnet_tf.optimizers.with_cosine import muon
from hrnet_tf.tasks.pose.recipe import pose_recipe
from hrnet_tf.training.recipe import Recipe
from hrnet_tf.training.recipe_files import choose_variant
from hrnet_tf.typing import PathLike

VARIANTS = {
    "w18_small": {
        "reached": "0.585 PCK@0.2",
        "preset": "hrnet_w18_small_v1",
        "image_size": (128, 128),
    },
}


def recipe(
    variant: str = "w18_small",
    preset: str | None = None,
    batch_size: int = 16,
    epochs: int = 60,
    data_dir: str = "data/lspet",
    loss: str = "cross_entropy",
    weights: PathLike | None = None,
    dtype: str | None = None,
    keypoints: str = "lsp",
    skip_bad: bool = False,
) -> Recipe:
    own = choose_variant(VARIANTS, variant, preset=preset)

    def load(split, keypoint_set):
        annotations = Path(data_dir) / "annotations" / f"person_keypoints_{split}.json"
        images = Path(data_dir) / "images"
        return coco.load_pose(annotations, images, keypoint_set, split, skip_bad)

    return pose_recipe(
        name=f"lspet_pose_{variant}",
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
        sigma=0.7,
        augmentation=PoseAugmentation(
            scale=0.25,
            rotation=30,
            half_body_probability=0.0,
            brightness=0.2,
            contrast=0.2,
        ),
        optimizer=partial(muon, learning_rate=5e-3, warmup_steps=200),
        loss=loss,
        representation="v2",
        weights=weights,
        dtype=dtype,
        skip_bad=skip_bad,
        # The test is looked at once: it chooses neither the epoch nor a setting.
        evaluate_every=epochs,
    )
