"""A small pose model, photos and a slow but plain reference."""

import io

import keras
import numpy as np
import pytest
from PIL import Image

from hrnet_tf.data.augment.affine import box_regions, crop_matrix, decode_crop
from hrnet_tf.data.keypoint_sets import COCO
from hrnet_tf.models.pose import HRNetPose

SIZE = (96, 64)


@pytest.fixture(scope="session")
def make_pose():
    """Makes models with the same weights in every call."""

    def make(**kwargs):
        keras.utils.set_random_seed(0)
        options = {
            "image_size": SIZE,
            "keypoint_set": COCO.to_dict(),
            # The official one leaves nearly nothing of an untrained network's outputs.
            "kernel_initializer": "he_normal",
            **kwargs,
        }
        return HRNetPose.from_preset("hrnet_test", **options)

    return make


@pytest.fixture(scope="session")
def pose_model(make_pose):
    return make_pose()


@pytest.fixture(scope="session")
def photo():
    """Makes smooth pictures uint8 `[H, W, 3]`, so that JPEG keeps them well."""

    def make(height, width, seed=0):
        small = np.random.default_rng(seed).integers(0, 256, (9, 11, 3), dtype=np.uint8)
        return np.asarray(Image.fromarray(small).resize((width, height)))

    return make


@pytest.fixture(scope="session")
def encode():
    def make(pixels, kind):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, kind)
        return file.getvalue()

    return make


@pytest.fixture(scope="session")
def decode_by_hand():
    """Reads heatmaps `[h, w, K]` in Python: points in cells and scores."""

    def decode(heatmaps):
        height, width, count = heatmaps.shape
        points, scores = np.zeros((count, 2)), heatmaps.max((0, 1))
        for k in range(count):
            if scores[k] <= 0:
                continue
            values = heatmaps[:, :, k]
            y, x = np.unravel_index(values.argmax(), values.shape)
            points[k] = x, y
            if 1 < x < width - 1 and 1 < y < height - 1:
                right = values[y, x + 1] - values[y, x - 1]
                down = values[y + 1, x] - values[y - 1, x]
                points[k] += 0.25 * np.sign([right, down])
        return points, scores

    return decode


@pytest.fixture(scope="session")
def evaluate_by_hand(pose_model, decode_by_hand):
    """Keypoints `[K, 2]` in pixels of the image, and scores, of one box."""

    def evaluate(encoded, box):
        height, width = SIZE
        center, size = box_regions(np.float32(box), width / height)
        crop = decode_crop(encoded, crop_matrix(center, size[0], 0.0, SIZE), SIZE)
        heatmaps = pose_model.predict_on_batch(crop.numpy()[None])[0]
        cells, scores = decode_by_hand(heatmaps)
        middle = np.array([width, height]) / 2
        pixels = (cells * 4 - middle) * (size[0].numpy() / width) + center
        return pixels, scores

    return evaluate
