"""Small LiteRT files."""

import keras

import hrnet_tf
from hrnet_tf.data.keypoint_sets import COCO


def export_pose(path):
    """Writes an untrained pose model of 64x64 as a LiteRT file; returns its path."""
    keras.utils.set_random_seed(0)
    model = hrnet_tf.HRNetPose.from_preset(
        "hrnet_test",
        load_weights=False,
        image_size=(64, 64),
        keypoint_set=COCO.to_dict(),
        kernel_initializer="he_normal",
    )
    return hrnet_tf.export_litert(model, path)
