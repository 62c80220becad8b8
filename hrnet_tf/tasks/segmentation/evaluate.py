"""The official test of segmentation: mean intersection over union."""

import dataclasses
import itertools
import time

import numpy as np
import tensorflow as tf

from hrnet_tf.data.formats.label_checks import count_values, decode_label
from hrnet_tf.data.label_sets import model_label_set
from hrnet_tf.io import decode_image, read_image, write_json
from hrnet_tf.metrics import miou
from hrnet_tf.models.loading import inference_function
from hrnet_tf.pictures.masks import draw_comparison
from hrnet_tf.pictures.sheet import contact_sheet
from hrnet_tf.tasks.segmentation.fusion import FusedSegmenter, at_image_size
from hrnet_tf.tasks.segmentation.protocols import load_protocol
from hrnet_tf.tasks.segmentation.result import SegmentationMap

# What the best checkpoint is chosen by.
MAIN_NUMBER = "mIoU"
# The logits of a batch at the images' size; several such tensors are held at once.
_MAX_RESULT_BYTES = 500_000_000


@dataclasses.dataclass(frozen=True, eq=False)
class SegmentationReport:
    """The outcome of an evaluation.

    Attributes:
        numbers: dict of float in 0..1: "mIoU" (mean over all classes, as official),
            "mIoU_present" (over those that are labelled somewhere),
            "pixel_accuracy", "mean_accuracy".
        classes: dict from a class's name to a dict of "iou", "accuracy" (the share of
            its pixels that are found; both 0..1), "labelled_pixels" and
            "predicted_pixels".
        absent: tuple of str. Classes neither labelled nor predicted anywhere, which
            count as 0 in "mIoU".
        confusion: int64 `[C, C]`, pixels by labelled (row) and predicted class.
        protocol: dict. The rules of the test, see `SegmentationProtocol`.
        num_images: int.
        images_per_second: float.
    """

    numbers: dict
    classes: dict
    absent: tuple[str, ...]
    confusion: np.ndarray
    protocol: dict
    num_images: int
    images_per_second: float

    @property
    def main_name(self):
        """str: the one of the numbers to watch."""
        return MAIN_NUMBER

    @property
    def main_number(self):
        """The number that ranks checkpoints: the official mIoU."""
        return self.numbers[self.main_name]

    def save(self, path):
        """Writes the report as json."""
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        write_json(path, {**fields, "confusion": self.confusion.tolist()})


def label_set_of(model):
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
    model,
    examples,
    protocol="whole",
    scales=None,
    flip=None,
    window=None,
    stride=None,
    resize_to=None,
    short_side=None,
    batch_size=8,
    infer=None,
    progress=None,
    on_labels=None,
):
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
        `SegmentationReport`.
    Raises:
        ValueError: if the model lacks a label set, a file cannot be used, or no pixel
            is labelled.
    """
    label_set = label_set_of(model)
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
    if infer is None:
        model = at_image_size(model)
        infer = inference_function(model)
    segmenter = FusedSegmenter(model, rules, infer)
    confusion = np.zeros((label_set.num_classes,) * 2, np.int64)
    done, started = 0, time.perf_counter()
    bytes_per_pixel = 4 * label_set.num_classes * max(rules.scales) ** 2
    for images, labels in _batches(examples, label_set, batch_size, bytes_per_pixel):
        found = _labels(segmenter, images, labels.shape[1:])
        confusion += miou.confusion_matrix(labels, found, label_set.num_classes)
        if on_labels is not None:
            for i, predicted in enumerate(found):
                on_labels(examples[done + i], predicted)
        done += len(labels)
        if progress is not None:
            progress(done, len(examples))
    seconds = time.perf_counter() - started
    return report(confusion, label_set, rules, done, done / seconds)


def _labels(segmenter, images, size):
    """The predicted classes, uint8 `[B, height, width]`."""
    try:
        return segmenter.labels(images, size).numpy()
    except tf.errors.ResourceExhaustedError as error:
        height, width = images.shape[1:3]
        raise ValueError(
            f"Testing {len(images)} image(s) of {height}x{width} px at once needs more"
            " memory than there is. Pass a smaller batch_size, or fewer scales."
        ) from error


def report(confusion, label_set, protocol, num_images, images_per_second):
    """Makes a `SegmentationReport` of a confusion matrix; arguments as its fields."""
    scores = miou.scores(confusion)
    columns = {
        "iou": scores.iou,
        "accuracy": scores.accuracy,
        "labelled_pixels": confusion.sum(1),
        "predicted_pixels": confusion.sum(0),
    }
    return SegmentationReport(
        numbers={
            MAIN_NUMBER: scores.mean_iou,
            "mIoU_present": scores.mean_iou_present,
            "pixel_accuracy": scores.pixel_accuracy,
            "mean_accuracy": scores.mean_accuracy,
        },
        classes={
            name: {key: values[i].item() for key, values in columns.items()}
            for i, name in enumerate(label_set.classes)
        },
        absent=tuple(label_set.classes[i] for i in scores.absent),
        confusion=confusion,
        protocol=dataclasses.asdict(protocol),
        num_images=num_images,
        images_per_second=images_per_second,
    )


def comparison_sheet(model, examples, infer=None, columns=2):
    """Draws the images, labels and predictions of examples as one picture.

    Args:
        model, examples, infer: see `evaluate`.
        columns: int. Examples in a row.
    Returns:
        uint8 array `[H, W, 3]`.
    """
    label_set = label_set_of(model)
    if infer is None:
        model = at_image_size(model)
    segmenter = FusedSegmenter(model, infer=infer)
    drawn = []
    for images, labels in _batches(list(examples), label_set, 1):
        found = segmenter.labels(images).numpy()
        maps = [SegmentationMap(part[0], label_set) for part in (labels, found)]
        drawn.append(draw_comparison(images[0].numpy(), *maps))
    height, width = drawn[0].shape[:2]
    return contact_sheet(drawn, columns, cell_size=(height * 720 // width, 720))


def _batches(examples, label_set, batch_size, bytes_per_pixel=0):
    """Yields images uint8 `[B, H, W, 3]` and labels uint8 `[B, H, W]` in order.

    Of large images fewer are run at once.
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
