"""Pictures of classes of pixels, and of how a network does on labelled images."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrnet_tf.data.formats.label_checks import read_label
from hrnet_tf.pictures.masks import draw_comparison, draw_segmentation
from hrnet_tf.pictures.sheet import contact_sheet, save_image
from hrnet_tf.pictures.tested import evenly_spread
from hrnet_tf.tasks.segmentation.evaluate import label_set_of, labelled_batches
from hrnet_tf.tasks.segmentation.inference import SegmentationInference
from hrnet_tf.tasks.segmentation.result import SegmentationMap
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    import numpy as np

    from hrnet_tf.data.label_set import LabelSet
    from hrnet_tf.data.schema import SegmentationExample
    from hrnet_tf.models.base import HRNetModel


NUM_PICTURES = 6


def draw(
    image: Any, result: SegmentationMap, video: bool = False, alpha: float = 0.6
) -> "np.ndarray":
    """Colours an image by its classes; arguments as `draw_segmentation`."""
    # The legend grows with the classes, but frames must be of one size.
    return draw_segmentation(image, result, alpha, legend=not video)


def summary(rows: Sequence[dict[str, Any]], noun: tuple[str, str]) -> str:
    """Says which classes cover most of the images."""
    totals: dict[str, float] = {}
    for row in rows:
        for name, share in row["shares"].items():
            totals[name] = totals.get(name, 0) + share / len(rows)
    largest = sorted(totals.items(), key=lambda item: -item[1])[:4]
    return ", ".join(f"{name} {share:.0%}" for name, share in largest)


def sheet(
    model: "HRNetModel",
    infer: Callable[..., Any] | None,
    examples: "Sequence[SegmentationExample]",
    columns: int = 2,
) -> "np.ndarray":
    """Draws the images, labels and predictions of examples as one picture.

    Args:
        model: `HRNetSegmenter` or `HRNetOCRSegmenter` with its label set.
        infer: function from images to outputs, or None to make it from the model.
        examples: list of `SegmentationExample`.
        columns: int. Examples in a row.
    Returns:
        uint8 array `[H, W, 3]`.
    """
    label_set = label_set_of(model)
    segmenter = SegmentationInference(model, infer=infer).segmenter
    drawn = []
    for images, labels in labelled_batches(list(examples)[:NUM_PICTURES], label_set, 1):
        found = segmenter.labels(images).numpy()
        truth, predicted = (
            SegmentationMap(part[0], label_set) for part in (labels, found)
        )
        drawn.append(draw_comparison(images[0].numpy(), truth, predicted))
    height, width = drawn[0].shape[:2]
    return contact_sheet(drawn, columns, cell_size=(height * 720 // width, 720))


class Comparisons:
    """Draws some of a test's predictions, evenly spread, and saves all if asked.

    Args:
        folder: path, where pictures/ and labels/ are made.
        label_set: `LabelSet`.
        pictures: int. So many are drawn.
        save_labels: bool. True writes each prediction as a PNG, with the values of the
            label set's files.
        total: int. Examples of the test.
    """

    def __init__(
        self,
        folder: PathLike,
        label_set: "LabelSet",
        pictures: int,
        save_labels: bool,
        total: int,
    ) -> None:
        self.folder = Path(folder)
        self.label_set = label_set
        self.save_labels = save_labels
        self.drawn = evenly_spread(pictures, total)
        self.taken: set[str] = set()
        self.done = 0

    def __call__(self, example: "SegmentationExample", predicted: "np.ndarray") -> None:
        name = self._name(example)
        found = SegmentationMap(predicted, self.label_set)
        if self.save_labels:
            found.save_labels(self.folder / "labels" / f"{name}.png")
        if self.done in self.drawn:
            labels = self.label_set.lookup()[read_label(example.label_path)]
            truth = SegmentationMap(labels, self.label_set)
            drawn = draw_comparison(example.image_path, truth, found)
            save_image(drawn, self.folder / "pictures" / f"{name}.jpg")
        self.done += 1

    def _name(self, example):
        """The image's name, with a number where folders share one."""
        stem = name = Path(example.image_path).stem
        number = 2
        while name in self.taken:
            name, number = f"{stem}_{number}", number + 1
        self.taken.add(name)
        return name
