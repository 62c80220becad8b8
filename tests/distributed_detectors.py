"""Trains small detectors on one device or two; writes losses and weights.

Run as `python distributed_detectors.py OUT.npz DEVICES KIND ...`.
"""

import dataclasses
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import detection_cases as cases
import keras
import numpy as np
import tensorflow as tf
from distributed_cases import make_strategy

import hrnet_tf
from hrnet_tf.lowlevel import accelerate

MODELS = {
    "faster": hrnet_tf.HRNetFasterRCNN,
    "cascade": hrnet_tf.HRNetCascadeRCNN,
    "fcos": hrnet_tf.HRNetFCOS,
}
# More places than anchors and proposals: all are taken.
EVERYTHING = {"anchor_samples": 4000, "roi_samples": 320, "roi_positives": 0.5}
# As few as can be; FCOS normalises 32 groups.
CHANNELS = {"faster": 8, "cascade": 8, "fcos": 32}


def batches():
    """Three batches of four images: of one, no, three and six objects."""
    rng = np.random.default_rng(0)
    for _ in range(3):
        images = rng.uniform(0, 255, (4, *cases.IMAGE_SIZE, 3)).astype(np.float32)
        yield images, cases.make_labels(rng, (1, 0, 3, 6))


def drawn_proposals(outputs, image_sizes, training=False):
    """The same boxes for all images.

    At first all scores are the same but for rounding, which would decide which
    proposals there are.
    """
    boxes = cases.draw_boxes(np.random.default_rng(1), (300,))
    count = tf.shape(image_sizes)[0]
    return tf.tile(boxes[None], [count, 1, 1]), tf.ones([count, 300])


def main(out, devices, *kinds):
    strategy = make_strategy(devices)
    found = {}
    for kind in kinds:
        keras.utils.set_random_seed(3)
        with strategy.scope():
            model = MODELS[kind].from_preset(
                "hrnet_test",
                load_weights=False,
                # Else each normalisation exchanges values.
                frozen_statistics=True,
                num_classes=4,
                num_channels=CHANNELS[kind],
            )
            if kind != "fcos":
                rule = model.training_rule
                model.training_rule = dataclasses.replace(rule, **EVERYTHING)
                model.proposals = drawn_proposals
            accelerate(model)
            model.compile(keras.optimizers.SGD(1e-3), jit_compile=False)
        data = [*batches()]
        data = tf.data.Dataset.from_tensor_slices(
            keras.tree.map_structure(lambda *x: np.concatenate(x), *data)
        ).batch(4)
        for epoch in range(2):
            log = model.fit(data, verbose=0).history
            for name, values in log.items():
                found[f"{kind}/{name}/{epoch}"] = np.array(values)
        # Of the last batch one replica has more.
        tested = model.evaluate(data.unbatch().take(7).batch(4), return_dict=True)
        found |= {f"{kind}/test/{name}": value for name, value in tested.items()}
    np.savez(out, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
