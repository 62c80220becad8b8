"""What `hrnet export` writes, and what it is made from: our side of inference.py."""

import json
import os
import sys
from pathlib import Path

# A format and a precision of `hrnet export`.
FILES = (
    "saved_model float32",
    "saved_model bfloat16",
    "litert float32",
    "litert dynamic_int8",
    "litert int8",
    "openvino float16",
    "openvino float32",
    "openvino int8",
    "onnx float32",
    "onnx int8",
)
# Without a file: `model.predict`, and the inference of `hrnet predict`.
MODEL = ("Keras predict", "Keras inference")
KINDS = (*FILES, *MODEL)
_CALIBRATION_PICTURES = 16


def inference_steps(kind, path, image_size, batch_size, **_):
    """Loads a file, and makes calls of it, see `sides.work`.

    Pictures come as bytes (uint8); results are points or labels, not raw maps.
    """
    import numpy as np
    import tensorflow as tf

    from hrnet_tf.benchmark.worker import pixel_function

    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (batch_size, *image_size, 3), np.uint8)
    if kind == "Keras predict":
        from hrnet_tf.models.loading import load_model

        model = load_model(path)

        def call():
            return {"outputs": model.predict(images, batch_size, verbose=0)}
    else:
        function, _ = pixel_function(path, {})
        given = tf.constant(images) if kind in MODEL else images

        def call():
            return function(images=given)

    def run(steps):
        for _ in range(steps):
            found = {name: np.asarray(x) for name, x in call().items()}
        return float(next(iter(found.values())).mean())

    run(3)
    return None, run, lambda: None


def write_files(folder, kinds, task, architecture, num_outputs, image_size, batch_size):
    """Writes a model of random weights in formats, see `sides.kept_files`."""
    import keras

    from hrnet_tf.models.pose import HRNetPose
    from hrnet_tf.models.segmenter import HRNetSegmenter

    keras.utils.set_random_seed(0)
    options = {"image_size": tuple(image_size), **architecture}
    if task == "pose":
        model = HRNetPose(num_keypoints=num_outputs, **options)
    else:
        model = HRNetSegmenter(num_classes=num_outputs, **options)
    draw_weights(model)
    given = {"batch_size": batch_size}
    if task == "segmentation":
        given["image_size"] = tuple(image_size)
    paths = write_kinds(model, folder, kinds, image_size, MODEL, {}, given)
    return num_parameters(model), paths


def write_kinds(model, folder, kinds, image_size, own, given, portable):
    """Writes a model in formats; returns {kind: path}, those of the model among them.

    Args:
        model: `HRNetModel`.
        folder: str.
        kinds: list of str, "FORMAT PRECISION".
        image_size: (height, width), of the pictures that whole numbers are fitted to.
        own: sequence of str. The kinds of the model's own file.
        given: dict of options of all formats.
        portable: dict of options of those beside the SavedModel.
    """
    import numpy as np

    from hrnet_tf.cli.export_formats import FORMATS

    paths = {kind: os.path.join(folder, "model.keras") for kind in own}
    model.save(paths[own[0]])
    draw = np.random.default_rng(0)
    for kind in kinds:
        if kind in own:
            continue
        name, precision = kind.split()
        chosen = FORMATS[name]
        target = chosen.target(Path(folder, kind.replace(" ", "_")), "model", 1)
        target.parent.mkdir(parents=True, exist_ok=True)
        options = {"precision": precision, **given}
        options |= portable if chosen.suffix else {"optimize": True}
        if precision in chosen.calibrated:
            options["calibration"] = [
                draw.integers(0, 256, (*image_size, 3), np.uint8)
                for _ in range(_CALIBRATION_PICTURES)
            ]
        chosen.write(model, target, options)
        paths[kind] = str(target)
    return paths


def num_parameters(model):
    """Returns the number of a model's trained weights."""
    import numpy as np

    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


def draw_weights(model):
    """Draws kernels as PyTorch does.

    Those of our models are so small at first that numbers vanish on their way, and
    ranges of whole numbers would be those of rounding errors.
    """
    import numpy as np

    draw = np.random.default_rng(0)
    for variable in model.trainable_variables:
        if len(variable.shape) == 4:
            bound = np.prod(variable.shape[:3]) ** -0.5
            variable.assign(draw.uniform(-bound, bound, variable.shape))


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    print(json.dumps(write_files(**json.loads(sys.argv[1]))), file=answers)
