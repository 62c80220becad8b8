"""Pictures of classified images, and of how a network does on them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from hrnet_tf.pictures.bars import draw_classification
from hrnet_tf.pictures.sheet import contact_sheet
from hrnet_tf.tasks.base import Table
from hrnet_tf.tasks.classification.inference import ClassificationInference
from hrnet_tf.tasks.classification.stream import classified_stream, test_batches

if TYPE_CHECKING:
    from hrnet_tf.data.formats.tfds import TfdsImages
    from hrnet_tf.data.schema import ClassificationExample
    from hrnet_tf.models.base import HRNetModel
    from hrnet_tf.tasks.classification.result import Classification


NUM_PICTURES = 12


def draw(image: Any, result: "Classification", video: bool = False) -> np.ndarray:
    """Draws an image and its likeliest classes; see `draw_classification`."""
    return draw_classification(image, result)


def summary(rows: Sequence[dict[str, Any]], noun: tuple[str, str]) -> str:
    """Counts the likeliest classes of images."""
    counts: dict[str, int] = {}
    for row in rows:
        best = row["classes"][0]
        name = best["name"] or f"class {best['label']}"
        counts[name] = counts.get(name, 0) + 1
    largest = sorted(counts.items(), key=lambda item: -item[1])[:4]
    return ", ".join(f"{count} x {name}" for name, count in largest)


def table(rows: Sequence[dict[str, Any]]) -> Table:
    """The likeliest classes of each image file and their probabilities, a `Table`."""
    cells = []
    for row in rows:
        lines = [
            f"{entry['probability']:6.1%}  {entry['name'] or entry['label']}"
            for entry in row["classes"]
        ]
        cells.append((Path(row["image_path"]).name, "\n".join(lines)))
    columns = ("image", "classes and their probabilities")
    return Table(columns=columns, rows=tuple(cells), texts=(0, 1))


def sheet(
    model: "HRNetModel",
    infer: Callable[..., Any],
    source: "Sequence[ClassificationExample] | TfdsImages",
    crop_fraction: float,
) -> np.ndarray:
    """Draws images of the validation with the predicted class, as one picture.

    Args:
        model: `HRNetClassifier` with its class names.
        infer: function from images to outputs.
        source: list of `ClassificationExample`, or `TfdsImages`.
        crop_fraction: float.
    Returns:
        uint8 array `[H, W, 3]`.
    """
    inference = ClassificationInference(model, crop_fraction, infer=infer)
    batches = test_batches(
        classified_stream(_spread(source)),
        inference.image_size,
        crop_fraction,
        NUM_PICTURES,
    )
    images, labels = next(iter(batches))
    probabilities = keras.ops.convert_to_numpy(keras.ops.softmax(infer(images)))
    names = inference.class_names
    assert names is not None
    captions = []
    for row, label in zip(probabilities, labels.numpy(), strict=True):
        found = int(np.argmax(row))
        wrong = "" if found == label else f" ({names[label]})"
        captions.append(f"{names[found]} {row[found]:.0%}{wrong}")
    return contact_sheet(images.numpy(), captions=captions)


def _spread(source):
    """Examples from all over a list, which is sorted by class."""
    if not isinstance(source, list):
        return source
    return source[:: max(1, len(source) // NUM_PICTURES)][:NUM_PICTURES]
