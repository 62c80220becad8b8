"""Our sides of whole_job.py: exported files, the model itself, an older predictor."""

import dataclasses
import json
import os
import sys
import time
from pathlib import Path


def photo_boxes(height, width, people, number):
    """Boxes of people, float32 `[people, 4]` (x, y, w, h in px), in a photo.

    Args:
        height, width: int, px.
        people: int.
        number: int, the photo's; the same gives the same boxes.
    """
    import numpy as np

    draw = np.random.default_rng([number, people])
    tall = height * draw.uniform(0.4, 0.9, people)
    wide = np.minimum(tall * draw.uniform(0.3, 0.6, people), 0.9 * width)
    x, y = draw.uniform(0, width - wide), draw.uniform(0, height - tall)
    return np.stack([x, y, wide, tall], 1).astype(np.float32)


def read_photos(paths, people):
    """The bytes of each photo and its boxes, a list of pairs."""
    from PIL import Image

    found = []
    for number, path in enumerate(paths):
        with Image.open(path) as image:
            width, height = image.size
        boxes = photo_boxes(height, width, people, number)
        found.append((Path(path).read_bytes(), boxes))
    return found


def job_steps(side, path, preset, image_size, photos, people, **_):
    """Loads a side, and makes calls of it, see `sides.work`.

    A step is a photo, from its bytes to the keypoints in it. The share of the time that
    is inside the exported file is told as "network", where it can be seen.
    """
    photos = read_photos(photos, people)
    clock = Clock()
    if side == "before":
        predict = _before(preset, image_size)
    else:
        predict = _today(path, clock)

    def run(steps):
        clock.seconds, started = 0.0, time.perf_counter()
        for i in range(steps):
            content, boxes = photos[i % len(photos)]
            found = predict(content, boxes=boxes)
        share = clock.seconds / (time.perf_counter() - started)
        mean = float(found.scores.mean())
        return {"loss": mean, "network": share if clock.seconds else None}

    run(len(photos))
    return None, run, lambda: None


class Clock:
    """Adds up the seconds that functions take."""

    def __init__(self):
        self.seconds = 0.0

    def timed(self, function):
        """Returns the function, whose time is added."""

        def call(*given, **named):
            started = time.perf_counter()
            try:
                return function(*given, **named)
            finally:
                self.seconds += time.perf_counter() - started

        call.__dict__.update(getattr(function, "__dict__", {}))
        return call


def _today(path, clock):
    from hrnet_tf.predict import Predictor, read_model

    model = read_model(path)
    if path.endswith(".keras"):
        return Predictor(model, flip_test=True).predict
    crops = {"crops": clock.timed(model.signature("crops"))}
    timed = dataclasses.replace(model, signatures={**model.signatures, **crops})
    return Predictor(timed).predict


def _before(preset, image_size):
    """The predictor of an older checkout, on a network of random weights."""
    import functools

    import hrnet_tf

    model = _model(preset, image_size)
    kind = getattr(hrnet_tf, "PosePredictor", None) or hrnet_tf.Predictor
    return functools.partial(kind(model).predict, flip_test=True)


def _model(preset, image_size):
    """A network of random weights, of this checkout or an older one."""
    from hrnet_tf import HRNetPose
    from hrnet_tf.data.keypoint_sets import load_keypoint_set
    from hrnet_tf.models.presets import architecture

    known = load_keypoint_set("coco").to_dict()
    options = {"image_size": tuple(image_size), "keypoint_set": known}
    return HRNetPose(
        **architecture(preset), num_keypoints=len(known["names"]), **options
    )


def write_files(folder, kinds, preset, image_size):
    """Writes a pose model of random weights in formats, see `sides.kept_files`."""
    import keras
    from keras_inference import draw_weights, num_parameters, write_kinds

    keras.utils.set_random_seed(0)
    model = _model(preset, image_size)
    draw_weights(model)
    given = {"flip_test": True}
    paths = write_kinds(model, folder, kinds, image_size, ["Keras"], given, {})
    return num_parameters(model), paths


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    print(json.dumps(write_files(**json.loads(sys.argv[1]))), file=answers)
