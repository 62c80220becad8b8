"""The official test of detectors: boxes, and masks where there are any."""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from hrnet_tf.data.record_files import verified_bytes
from hrnet_tf.io import decode_image
from hrnet_tf.tasks.base import Report
from hrnet_tf.tasks.detection.inference import IMAGES_AT_ONCE, DetectionInference
from hrnet_tf.tasks.detection.scoring import MIN_SCORE, make_report
from hrnet_tf.typing import Progress

if TYPE_CHECKING:
    from hrnet_tf.data.detection_example import DetectionExample
    from hrnet_tf.data.object_sets import ObjectSet
    from hrnet_tf.models.base import HRNetModel
    from hrnet_tf.tasks.detection.result import Detections


def object_set_of(model: "HRNetModel") -> "ObjectSet":
    """Returns the `ObjectSet` of the classes that a model names.

    Raises:
        ValueError: if it names none.
    """
    from hrnet_tf.data.object_sets import model_object_set

    object_set = model_object_set(model)
    if object_set is None:
        raise ValueError(
            f"The model {model.name!r} does not say which classes it finds. Build it"
            " with class_names=(...), or pass the object set."
        )
    return object_set


def predict_examples(
    model: "HRNetModel",
    examples: "Sequence[DetectionExample]",
    batch_size: int = IMAGES_AT_ONCE,
    progress: Progress | None = None,
    **options: Any,
) -> "list[Detections]":
    """Finds the objects in the images of examples.

    Args:
        model: `HRNetFasterRCNN`, `HRNetCascadeRCNN` or `HRNetFCOS`.
        examples: list of `DetectionExample`; only the images are used.
        batch_size: int. At most so many neighbours of the same size are run at once.
        progress: callable (done, total) or None.
        **options: of `DetectionInference`.
    Returns:
        list of `Detections`, one an example.
    """
    inference = DetectionInference(model, **options)
    found: list[Detections] = []
    images = _images(examples, batch_size)
    while part := list(itertools.islice(images, batch_size)):
        names = [e.image_path for e in examples[len(found) : len(found) + len(part)]]
        found += inference.run(part, names)
        if progress is not None:
            progress(len(found), len(examples))
    return found


def evaluate(
    model: "HRNetModel",
    examples: "Sequence[DetectionExample]",
    ground_truth: dict[str, Any] | None = None,
    object_set: "ObjectSet | None" = None,
    batch_size: int = IMAGES_AT_ONCE,
    limits: tuple[int, int] | None = None,
    min_score: float = MIN_SCORE,
    infer: Callable[..., Any] | None = None,
    progress: Progress | None = None,
    on_found: Callable[..., Any] | None = None,
) -> Report:
    """Tests a detector as the official code does.

    Args:
        model: `HRNetFasterRCNN`, `HRNetCascadeRCNN` or `HRNetFCOS`.
        examples: list of `DetectionExample`, with masks where those are to be tested.
        ground_truth: dict as in COCO's files, see `scoring.make_report`; None makes it
            of the examples.
        object_set: `ObjectSet` of the examples; None takes the model's.
        batch_size, progress: see `predict_examples`.
        limits: see `DetectionInference`.
        min_score: float, see `scoring.make_report`.
        infer: not used: detectors have heads that are no part of a call.
        on_found: callable (example, `Detections`), called for each example, or None.
    Returns:
        `Report`, see `scoring.make_report`.
    Raises:
        ValueError: if the model names no classes, or an image cannot be read.
    """
    object_set = object_set or object_set_of(model)
    examples = list(examples)
    started = time.perf_counter()
    found = predict_examples(model, examples, batch_size, progress, limits=limits)
    seconds = time.perf_counter() - started
    if on_found is not None:
        for example, detections in zip(examples, found, strict=True):
            on_found(example, detections)
    return make_report(
        examples,
        found,
        object_set,
        ground_truth,
        images_per_second=len(examples) / seconds,
        min_score=min_score,
    )


def _images(
    examples: "Sequence[DetectionExample]", batch_size: int
) -> Iterator[np.ndarray]:
    """Yields the images in the order of the examples; one that is damaged is named."""
    paths = [example.image_path for example in examples]
    data = tf.data.Dataset.from_tensor_slices(paths).map(
        lambda path: decode_image(tf.io.read_file(path)),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
    try:
        yield from data.prefetch(batch_size).as_numpy_iterator()
    except tf.errors.OpError as error:
        for example in examples:
            verified_bytes(example)
        raise ValueError(
            f"Reading the images failed: {str(error.message).splitlines()[0]}"
        ) from error
