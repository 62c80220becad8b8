"""The official test of classification: one centre crop, top-1 and top-5."""

import dataclasses
import math
import time
from pathlib import Path

import numpy as np
import tensorflow as tf

from hrnet_tf.io import decode_image, write_json
from hrnet_tf.metrics import topk
from hrnet_tf.models.classifier import HRNetClassifier, check_crop_fraction
from hrnet_tf.models.loading import inference_function
from hrnet_tf.tasks.classification import stream as pipeline

IMAGE_SIZE = (224, 224)


@dataclasses.dataclass(frozen=True, eq=False)
class ClassificationReport:
    """The outcome of an evaluation.

    Attributes:
        numbers: dict of float: "top1" and "top5", in 0..1. With five classes or fewer
            the latter is 1.
        confusion: int64 `[C, C]`. Images of each class (row) by what they were taken
            for (column).
        class_names: tuple of str or None.
        image_size: (height, width) of the crops.
        crop_fraction: float.
        num_images: int.
        images_per_second: float. Decoding, cropping and network.
    """

    numbers: dict
    confusion: np.ndarray
    class_names: tuple | None
    image_size: tuple
    crop_fraction: float
    num_images: int
    images_per_second: float

    @property
    def main_name(self):
        """str: the one of the numbers to watch."""
        return "top1"

    @property
    def main_number(self):
        """The number that ranks checkpoints: top-1."""
        return self.numbers[self.main_name]

    @property
    def per_class(self):
        """float64 `[C]`: top-1 of each class; NaN where it has no image."""
        return topk.per_class_accuracy(self.confusion)

    def save(self, path):
        """Writes the report as json; a class without images has the accuracy null."""
        fields = {
            field.name: getattr(self, field.name) for field in dataclasses.fields(self)
        }
        fields["confusion"] = self.confusion.tolist()
        fields["per_class"] = [
            None if math.isnan(share) else share for share in self.per_class.tolist()
        ]
        write_json(path, fields)


def evaluate(
    model,
    examples,
    crop_fraction=None,
    batch_size=32,
    infer=None,
    progress=None,
):
    """Tests a classifier as the official code does.

    Args:
        model: `HRNetClassifier` with its top; crops have its `image_size`, 224x224 if
            that is None. See `at_image_size` for another one.
        examples: list of `ClassificationExample`, or `TfdsImages`.
        crop_fraction: float in (0, 1], see `HRNetClassifier`, or None for the model's
            own.
        batch_size: int.
        infer: function from images to outputs; None makes it from the model.
        progress: callable (done, total) or None.
    Returns:
        `ClassificationReport`.
    Raises:
        ValueError: if the model does not classify, a label is not one of its classes,
            or an image cannot be decoded; the text names it.
    """
    image_size = checked_image_size(model)
    if crop_fraction is None:
        crop_fraction = model.arguments["crop_fraction"]
    check_crop_fraction(crop_fraction)
    infer = infer or inference_function(model)
    batches = pipeline.test_batches(examples, image_size, crop_fraction, batch_size)
    total = pipeline.num_images(examples)
    scores, labels, done = [], [], 0
    started = time.perf_counter()
    for images, truth in readable(batches, examples):
        scores.append(np.asarray(infer(images)))
        labels.append(truth.numpy())
        done += len(truth)
        if progress is not None:
            progress(done, total)
    seconds = time.perf_counter() - started
    scores, labels = np.concatenate(scores), np.concatenate(labels)
    return ClassificationReport(
        numbers={f"top{k}": topk.top_k_accuracy(scores, labels, k) for k in (1, 5)},
        confusion=topk.confusion_matrix(scores, labels),
        class_names=model.arguments["class_names"],
        image_size=image_size,
        crop_fraction=crop_fraction,
        num_images=done,
        images_per_second=done / seconds,
    )


def checked_image_size(model):
    """Returns the (height, width) of the crops that a classifier is given.

    Raises:
        ValueError: if the model does not classify images of pixels 0..255.
    """
    if not isinstance(model, HRNetClassifier) or not model.arguments["include_top"]:
        raise ValueError(
            "Expected an HRNetClassifier with include_top=True. Received:"
            f" {type(model).__name__}"
            + (
                " with include_top=False."
                if isinstance(model, HRNetClassifier)
                else "."
            )
        )
    if not model.arguments["include_preprocessing"]:
        raise ValueError(
            f"The model {model.name!r} has include_preprocessing=False, but crops are"
            " RGB pixels 0..255. Rebuild it with include_preprocessing=True, and copy"
            " the weights with set_weights."
        )
    height, width = model.input_shape[1:3]
    return IMAGE_SIZE if height is None else (height, width)


def at_image_size(model, image_size):
    """Returns the model for crops of a size: itself, or rebuilt with its weights.

    Args:
        model: `HRNetClassifier`.
        image_size: (height, width), or None for the model's own.
    """
    if image_size is None or tuple(image_size) == tuple(model.input_shape[1:3]):
        return model
    rebuilt = type(model).from_config(
        {**model.get_config(), "image_size": tuple(image_size)}
    )
    rebuilt.set_weights(model.get_weights())
    return rebuilt


def readable(batches, examples):
    """Yields the batches; an image that cannot be decoded is named.

    Args:
        batches: iterable over a `tf.data.Dataset`.
        examples: list of `ClassificationExample`, or `TfdsImages`.
    Raises:
        ValueError: naming the image.
    """
    try:
        yield from batches
    except tf.errors.OpError as error:
        if isinstance(examples, list):
            for example in examples:
                _check_content(example.image_path)
        raise ValueError(
            f"Reading the images failed: {str(error.message).splitlines()[0]}"
        ) from error


def _check_content(path):
    try:
        decode_image(Path(path).read_bytes())
    except (OSError, tf.errors.OpError) as error:
        text = str(getattr(error, "message", error)).split("}} ")[-1]
        raise ValueError(
            f"The image {path} cannot be decoded: {text.split(' [Op:')[0]}. Replace or"
            " remove it."
        ) from error
