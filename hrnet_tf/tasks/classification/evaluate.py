"""The official test of classification: one centre crop, top-1 and top-5."""

import functools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from hrnet_tf.io import decode_image
from hrnet_tf.metrics import topk
from hrnet_tf.pictures.plots import plot_confusion
from hrnet_tf.tasks.base import Report, Table
from hrnet_tf.tasks.classification.inference import ClassificationInference
from hrnet_tf.tasks.classification.stream import classified_stream, test_batches
from hrnet_tf.typing import Progress
from hrnet_tf.words import count_text

if TYPE_CHECKING:
    from hrnet_tf.data.formats.tfds import TfdsImages
    from hrnet_tf.data.schema import ClassificationExample
    from hrnet_tf.models.base import HRNetModel


# Classes that are shown when there are more.
_SHOWN_CLASSES = 20


def evaluate(
    model: "HRNetModel",
    examples: "Sequence[ClassificationExample] | TfdsImages",
    crop_fraction: float | None = None,
    batch_size: int = 32,
    infer: Callable[..., Any] | None = None,
    progress: Progress | None = None,
    image_size: tuple[int, int] | None = None,
) -> Report:
    """Tests a classifier as the official code does.

    Args:
        model: `HRNetClassifier` with its top.
        examples: list of `ClassificationExample`, or `TfdsImages`.
        crop_fraction, image_size, infer: see `ClassificationInference`.
        batch_size: int.
        progress: callable (done, total) or None.
    Returns:
        `Report`, see `make_report`.
    Raises:
        ValueError: if the model does not classify, a label is not one of its classes,
            or an image cannot be decoded; the text names it.
    """
    inference = ClassificationInference(model, crop_fraction, image_size, infer)
    classified = classified_stream(examples)
    batches = test_batches(
        classified, inference.image_size, inference.crop_fraction, batch_size
    )
    all_scores: list[np.ndarray] = []
    all_labels: list[np.ndarray] = []
    done = 0
    started = time.perf_counter()
    for images, truth in readable(batches, examples):
        all_scores.append(np.asarray(inference.outputs(images)))
        all_labels.append(truth.numpy())
        done += len(truth)
        if progress is not None:
            progress(done, classified.count)
    seconds = time.perf_counter() - started
    scores, labels = np.concatenate(all_scores), np.concatenate(all_labels)
    return make_report(
        {f"top{k}": topk.top_k_accuracy(scores, labels, k) for k in (1, 5)},
        done / seconds,
        confusion=topk.confusion_matrix(scores, labels),
        class_names=inference.class_names,
        image_size=inference.image_size,
        crop_fraction=inference.crop_fraction,
        num_images=done,
    )


def make_report(
    numbers: dict[str, float],
    images_per_second: float,
    confusion: np.ndarray,
    class_names: Sequence[str] | None,
    **facts: Any,
) -> Report:
    """Makes the `Report` of a test, ranked by top-1.

    Its facts are those given, and per_class, float64 `[C]`: top-1 of each class, NaN
    where it has no image.

    Args:
        numbers: dict of float: "top1" and "top5", in 0..1. With five classes or fewer
            the latter is 1.
        images_per_second: float. Decoding, cropping and network.
        confusion: int64 `[C, C]`. Images of each class (row) by what they were taken
            for (column).
        class_names: tuple of str or None.
        **facts: image_size: (height, width) of the crops; crop_fraction; num_images.
    """
    accuracy = topk.per_class_accuracy(confusion)
    table = Table(
        columns=("metric", "0 to 1"),
        rows=tuple(
            (name.replace("top", "top-"), f"{value:.4f}")
            for name, value in numbers.items()
        ),
        bold=0,
    )
    height, width = facts["image_size"]
    images = count_text(facts["num_images"], "image", "images")
    line = (
        f"{images}, centre crop {height}x{width} of {facts['crop_fraction']:g},"
        f" {images_per_second:.1f} images/s"
    )
    return Report(
        numbers=numbers,
        main_name="top1",
        images_per_second=images_per_second,
        facts={
            "confusion": confusion,
            "class_names": class_names,
            **facts,
            "per_class": accuracy,
        },
        shown=(table, _class_table(confusion, accuracy, class_names), line),
        plots={
            "confusion.png": functools.partial(plot_confusion, confusion, class_names)
        },
    )


def _class_table(confusion, accuracy, class_names):
    """Accuracy of each class, the worst first, and what it is mostly taken for."""
    names = class_names or [str(i) for i in range(len(confusion))]
    counts = confusion.sum(1)
    mistakes = confusion.copy()
    np.fill_diagonal(mistakes, 0)
    tested = np.flatnonzero(counts)
    order = tested[np.argsort(accuracy[tested], kind="stable")][:_SHOWN_CLASSES]
    hidden = len(tested) - len(order)
    rows = []
    for label in order:
        other = int(np.argmax(mistakes[label]))
        count = mistakes[label, other]
        mostly = f"{names[other]} ({count})" if count else "-"
        rows.append(
            (names[label], str(counts[label]), f"{accuracy[label]:.4f}", mostly)
        )
    return Table(
        columns=("class", "images", "top-1", "mostly taken for"),
        rows=tuple(rows),
        title=f"the {len(order)} worst of {len(tested)} classes" if hidden else None,
        texts=(0, 3),
    )


def readable(
    batches: Iterable[Any], examples: "Sequence[ClassificationExample] | TfdsImages"
) -> Iterator[Any]:
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
