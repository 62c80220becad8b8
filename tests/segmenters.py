"""Small segmenters and pictures, and a network that is easily computed by hand."""

import keras
import numpy as np
import tensorflow as tf

from hrnet_tf.data.label_sets import LabelSet
from hrnet_tf.models.ocr_segmenter import HRNetOCRSegmenter
from hrnet_tf.models.segmenter import HRNetSegmenter

LABELS = LabelSet(
    "shapes",
    ("ground", "left", "right", "sky"),
    palette=((120, 80, 40), (0, 160, 0), (220, 60, 0), (90, 160, 255)),
    label_ids=(7, 11, 12, 23),
    ignored_ids=(0, 255),
    flip_pairs=(("left", "right"),),
)


def make_segmenter(ocr=False, **options):
    """Builds a segmenter; every call gives the same weights."""
    keras.utils.set_random_seed(0)
    options = {
        "num_classes": LABELS.num_classes,
        "label_set": LABELS.to_dict(),
        # The official one leaves nearly nothing of an untrained network's outputs.
        "kernel_initializer": "he_normal",
        **options,
    }
    model_class = HRNetOCRSegmenter if ocr else HRNetSegmenter
    return model_class.from_preset("hrnet_test", **options)


def draw_image(height, width, seed=0):
    """Returns a smooth random picture, uint8 `[H, W, 3]`."""
    small = np.random.default_rng(seed).integers(0, 256, (7, 9, 3)).astype(np.float32)
    large = tf.image.resize(small, (height, width), "bicubic")
    return np.clip(np.round(large), 0, 255).astype(np.uint8)


class BlockNetwork:
    """Logits of each block of 4x4 pixels: a random linear map of its pixels."""

    def __init__(self):
        shape = (4, 4, 3, LABELS.num_classes)
        kernel = np.random.default_rng(0).normal(0, 0.12, shape)
        self.kernel = kernel.astype(np.float32)

    def __call__(self, images):
        """As a model: from pixels `[B, H, W, 3]` to logits of blocks."""
        images = tf.cast(images, tf.float32) / 255
        bottom, right = -images.shape[1] % 4, -images.shape[2] % 4
        images = tf.pad(images, [[0, 0], [0, bottom], [0, right], [0, 0]])
        return tf.nn.conv2d(images, self.kernel, 4, "VALID")

    def by_hand(self, image):
        """The same in NumPy, from `[H, W, 3]`."""
        height, width = (-(-side // 4) for side in image.shape[:2])
        padded = np.zeros((4 * height, 4 * width, 3))
        padded[: image.shape[0], : image.shape[1]] = image / 255
        blocks = padded.reshape(height, 4, width, 4, 3)
        return np.einsum("iajbc,abck->ijk", blocks, self.kernel)


def bilinear(maps, size, align_corners=False):
    """Resizes `[h, w, C]` to `[height, width, C]` in NumPy, axis by axis."""
    for axis, target in enumerate(size):
        length = maps.shape[axis]
        places = np.arange(target)
        if align_corners:
            places = places * ((length - 1) / max(target - 1, 1))
        else:
            places = (places + 0.5) * length / target - 0.5
        places = places.clip(0, length - 1)
        low = np.floor(places).astype(int)
        high = np.minimum(low + 1, length - 1)
        weights = np.zeros((target, length))
        np.add.at(weights, (np.arange(target), low), 1 - (places - low))
        np.add.at(weights, (np.arange(target), high), places - low)
        maps = np.moveaxis(np.tensordot(weights, maps, (1, axis)), 0, axis)
    return maps


def whole_logits(network, image, align_corners=False, flip=False):
    """What a network says of a whole image, filled up to sides divisible by 32.

    Args:
        network: function from an image `[H, W, 3]` to logits of cells `[h, w, C]`.
    """
    height, width = image.shape[:2]
    padded = np.pad(image, [(0, -height % 32), (0, -width % 32), (0, 0)])
    cells = network(padded)
    if flip:
        mirrored = network(padded[:, ::-1])[:, ::-1, list(LABELS.flip_indices)]
        cells = (cells + mirrored) / 2
    return bilinear(cells, padded.shape[:2], align_corners)[:height, :width]
