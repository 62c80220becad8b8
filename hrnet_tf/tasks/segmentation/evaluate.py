"""The official test of segmentation: mean intersection over union."""

import dataclasses
import functools
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from hrnet_tf.data.formats.label_checks import count_values, decode_label
from hrnet_tf.data.label_sets import model_label_set
from hrnet_tf.io import decode_image, read_image
from hrnet_tf.metrics import miou
from hrnet_tf.pictures.plots import plot_class_scores, plot_confusion
from hrnet_tf.tasks import graphs
from hrnet_tf.tasks.base import Report, Table
from hrnet_tf.tasks.exported import Exported
from hrnet_tf.tasks.segmentation.inference import SegmentationInference
from hrnet_tf.tasks.segmentation.protocols import load_protocol
from hrnet_tf.typing import Progress, Tensor
from hrnet_tf.words import count_text

if TYPE_CHECKING:
    from hrnet_tf.data.label_set import LabelSet
    from hrnet_tf.data.schema import SegmentationExample
    from hrnet_tf.models.base import HRNetModel
    from hrnet_tf.tasks.segmentation.protocols import SegmentationProtocol


# What the best checkpoint is chosen by.
MAIN_NUMBER = "mIoU"
# The logits of a batch at the images' size; several such tensors are held at once.
_MAX_RESULT_BYTES = 500_000_000


def label_set_of(model: "HRNetModel") -> "LabelSet":
    """Returns the `LabelSet` that a model carries.

    Raises:
        ValueError: if it carries none.
    """
    label_set = model_label_set(model)
    if label_set is None:
        raise ValueError(
            f"The model {model.name!r} does not say which classes it predicts, which"
            " the label files are read with. Build it with"
            " label_set=load_label_set(...).to_dict()."
        )
    return label_set


def evaluate(
    model: "HRNetModel",
    examples: "Sequence[SegmentationExample]",
    protocol: str = "whole",
    scales: Sequence[float] | None = None,
    flip: bool | None = None,
    window: tuple[int, int] | None = None,
    stride: tuple[int, int] | None = None,
    resize_to: tuple[int, int] | None = None,
    short_side: int | None = None,
    batch_size: int = 8,
    infer: Callable[..., Any] | None = None,
    progress: Progress | None = None,
    on_labels: Callable[..., Any] | None = None,
) -> Report:
    """Tests a segmenter as the official code does.

    Args:
        model: `HRNetSegmenter` or `HRNetOCRSegmenter` with its label set.
        examples: list of `SegmentationExample`.
        protocol: str, a key of `PROTOCOLS`. "whole" runs images whole, at their size.
        scales, flip, window, stride, resize_to, short_side: what differs from the
            protocol, see `SegmentationProtocol`; None keeps its own.
        batch_size: int. At most so many neighbours of the same size are run at once;
            of large images fewer.
        infer: function from images to outputs; None makes it from the model.
        progress: callable (done, total) or None.
        on_labels: callable (example, predicted classes uint8 `[H, W]`), called for
            each example, or None.
    Returns:
        `Report`, see `make_report`.
    Raises:
        ValueError: if the model lacks a label set, a file cannot be used, or no pixel
            is labelled.
    """
    label_set = label_set_of(model)
    if isinstance(model, Exported):
        flip = graphs.flip_test_of(model, flip, False)
    rules = load_protocol(
        protocol,
        scales=scales,
        flip=flip,
        window=window,
        stride=stride,
        resize_to=resize_to,
        short_side=short_side,
    )
    examples = list(examples)
    if not examples:
        raise ValueError("There are no images to test on. Received: examples=[].")
    segmenter = SegmentationInference(model, protocol=rules, infer=infer).segmenter
    confusion = np.zeros((label_set.num_classes,) * 2, np.int64)
    done, started = 0, time.perf_counter()
    bytes_per_pixel = 4 * label_set.num_classes * max(rules.scales) ** 2
    batches = labelled_batches(examples, label_set, batch_size, bytes_per_pixel)
    for images, labels in batches:
        found = _labels(segmenter, images, labels.shape[1:])
        confusion += miou.confusion_matrix(labels, found, label_set.num_classes)
        if on_labels is not None:
            for i, predicted in enumerate(found):
                on_labels(examples[done + i], predicted)
        done += len(labels)
        if progress is not None:
            progress(done, len(examples))
    seconds = time.perf_counter() - started
    return make_report(confusion, label_set, rules, done, done / seconds)


def _labels(segmenter, images, size):
    """The predicted classes, uint8 `[B, height, width]`."""
    try:
        return np.asarray(segmenter.labels(images, size))
    except tf.errors.ResourceExhaustedError as error:
        height, width = images.shape[1:3]
        raise ValueError(
            f"Testing {len(images)} image(s) of {height}x{width} px at once needs more"
            " memory than there is. Pass a smaller batch_size, or fewer scales."
        ) from error


def make_report(
    confusion: np.ndarray,
    label_set: "LabelSet",
    protocol: "SegmentationProtocol",
    num_images: int,
    images_per_second: float,
) -> Report:
    """Makes the `Report` of a test, with what follows from the confusion matrix.

    Its numbers, in 0..1, are "mIoU" (mean over all classes, as official),
    "mIoU_present" (over those that are labelled somewhere), "pixel_accuracy" and
    "mean_accuracy". Its facts are classes: dict from a class's name to a dict of "iou",
    "accuracy" (the share of its pixels that are found), "labelled_pixels" and
    "predicted_pixels"; absent: tuple of str, classes neither labelled nor predicted
    anywhere, which count as 0 in "mIoU"; and confusion, protocol and num_images.

    Args:
        confusion: int64 `[C, C]`, pixels by labelled (row) and predicted class.
        label_set: `LabelSet`.
        protocol: `SegmentationProtocol`.
        num_images: int.
        images_per_second: float.
    """
    scores = miou.scores(confusion)
    columns = {
        "iou": scores.iou,
        "accuracy": scores.accuracy,
        "labelled_pixels": confusion.sum(1),
        "predicted_pixels": confusion.sum(0),
    }
    numbers = {
        MAIN_NUMBER: scores.mean_iou,
        "mIoU_present": scores.mean_iou_present,
        "pixel_accuracy": scores.pixel_accuracy,
        "mean_accuracy": scores.mean_accuracy,
    }
    facts: dict[str, Any] = {
        "classes": {
            name: {key: values[i].item() for key, values in columns.items()}
            for i, name in enumerate(label_set.classes)
        },
        "absent": tuple(label_set.classes[i] for i in scores.absent),
        "confusion": confusion,
        "protocol": dataclasses.asdict(protocol),
        "num_images": num_images,
    }
    ious = {name: row["iou"] for name, row in facts["classes"].items()}
    return Report(
        numbers=numbers,
        main_name=MAIN_NUMBER,
        images_per_second=images_per_second,
        facts=facts,
        shown=_shown(numbers, facts, images_per_second),
        plots={
            "iou.png": functools.partial(
                plot_class_scores, ious, mean=numbers[MAIN_NUMBER]
            ),
            "confusion.png": functools.partial(plot_confusion, confusion, tuple(ious)),
        },
    )


def _shown(numbers, facts, images_per_second):
    """The table of the classes, and lines below it."""
    labelled = facts["confusion"].sum()
    rows = []
    for name, row in facts["classes"].items():
        cells = f"{row['iou']:.4f}", f"{row['accuracy']:.4f}"
        absent = name in facts["absent"]
        share = f"{row['labelled_pixels'] / labelled:.2%}"
        rows.append((name, *(("-", "-") if absent else cells), share))
    rows += [
        ("mean", f"{numbers['mIoU']:.4f}", f"{numbers['mean_accuracy']:.4f}", ""),
        ("of all pixels", "", f"{numbers['pixel_accuracy']:.4f}", ""),
    ]
    shown = [
        Table(
            columns=("class", "IoU", "accuracy", "pixels"),
            rows=tuple(rows),
            bold=len(rows) - 2,
            section=len(rows) - 2,
        )
    ]
    if facts["absent"]:
        count = count_text(len(facts["absent"]), "class is", "classes are")
        shown.append(
            f"{count} neither labelled nor predicted and counts as 0 in the mean, as in"
            " the official code; the mean IoU of the labelled classes is"
            f" {numbers['mIoU_present']:.4f}."
        )
    rules = facts["protocol"]
    scales = ", ".join(f"{scale:g}" for scale in rules["scales"])
    flip = "with" if rules["flip"] else "without"
    images = count_text(facts["num_images"], "image", "images")
    shown.append(
        f"{images}, scales {scales}, {flip} flip test, {images_per_second:.1f} images/s"
    )
    return tuple(shown)


def labelled_batches(
    examples: "Sequence[SegmentationExample]",
    label_set: "LabelSet",
    batch_size: int,
    bytes_per_pixel: float = 0,
) -> Iterator[tuple[Tensor, np.ndarray]]:
    """Yields images and labels in the order of the examples, of one size in a batch.

    Args:
        examples: list of `SegmentationExample`.
        label_set: `LabelSet`.
        batch_size: int. The most images of a batch.
        bytes_per_pixel: float. What the result takes: of large images fewer are run at
            once.
    Yields:
        uint8 tensor `[B, H, W, 3]` and uint8 array `[B, H, W]`.
    """
    lookup, known = label_set.lookup(), label_set.known_ids()

    def read(image_path, label_path):
        image = decode_image(tf.io.read_file(image_path))
        return image, decode_label(tf.io.read_file(label_path))

    image_paths = [example.image_path for example in examples]
    label_paths = [example.label_path for example in examples]
    data = tf.data.Dataset.from_tensor_slices((image_paths, label_paths))
    data = data.map(read, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    pairs = zip(
        examples, _readable(data.prefetch(batch_size), examples, label_set), strict=True
    )
    for shape, group in itertools.groupby(pairs, key=lambda item: item[1][0].shape):
        num_bytes = max(1, int(shape[0] * shape[1] * bytes_per_pixel))
        count = max(1, min(batch_size, _MAX_RESULT_BYTES // num_bytes))
        while chunk := list(itertools.islice(group, count)):
            for example, (image, label) in chunk:
                if image.shape[:2] != label.shape or not known[label].all():
                    # Raises, saying what is wrong.
                    count_values(example, label_set)
            images, labels = zip(*(pair for _, pair in chunk), strict=True)
            yield tf.stack(images), lookup[np.stack(labels)]


def _readable(pairs, examples, label_set):
    """Yields the pairs; a file that cannot be read is named."""
    try:
        yield from pairs
    except tf.errors.OpError as error:
        for example in examples:
            read_image(example.image_path)
            count_values(example, label_set)
        raise ValueError(
            f"Reading the images failed: {str(error.message).splitlines()[0]}"
        ) from error
