"""From images to maps of classes: decoding, flip test, sizes and files."""

import functools
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from hrnet_tf.data.label_sets import IGNORE_LABEL, LabelSet, model_label_set
from hrnet_tf.io import decode_image
from hrnet_tf.tasks import graphs
from hrnet_tf.tasks.base import NAMES_FILE
from hrnet_tf.tasks.exported import Exported
from hrnet_tf.tasks.segmentation import tiles
from hrnet_tf.tasks.segmentation.exported import ExportedSegmenter
from hrnet_tf.tasks.segmentation.fusion import (
    FusedSegmenter,
    at_image_size,
    check_segmenter,
)
from hrnet_tf.tasks.segmentation.protocols import load_protocol
from hrnet_tf.tasks.segmentation.result import SegmentationMap
from hrnet_tf.typing import Progress, Tensor

if TYPE_CHECKING:
    from hrnet_tf.models.base import HRNetModel
    from hrnet_tf.tasks.segmentation.protocols import SegmentationProtocol


LABELS_FILE = "label_set.json"


class SegmentationInference:
    """Says what each pixel of images shows; see `tasks.base.Inference`.

    `files` and `images` are graph code, on the TensorFlow backend.

    Args:
        model: `HRNetSegmenter` or `HRNetOCRSegmenter`, with preprocessing; or
            `Exported`.
        flip_test: bool or None. True averages the logits with those of the mirrored
            image, for twice the time. None: the protocol's, or what was exported.
        scales: sequence of float, the sizes to run an image at, fused as in the
            official tests; None: the protocol's. Exported graphs have one.
        image_size: (height, width) of all images, or None for images of any size,
            whatever size the model was made for.
        protocol: str or `SegmentationProtocol`, the rules of a test.
        infer: function from images to outputs, of a model for such images; None makes
            it from the model.
    Attributes:
        model: the segmenter, rebuilt for the size if it was made for another.
        label_set: `LabelSet`; with numbers as names where the model has none.
        flip_test: bool.
    Raises:
        ValueError: if the model does not allow it.
    """

    per_image = ()
    built_in = ("flip_test", "scales")

    def __init__(
        self,
        model: "HRNetModel | Exported",
        flip_test: bool | None = None,
        scales: Sequence[float] | None = None,
        image_size: tuple[int, int] | None = None,
        protocol: "str | SegmentationProtocol" = "whole",
        infer: Callable[..., Any] | None = None,
    ) -> None:
        self.scales = scales
        if isinstance(model, Exported):
            self.model: Any = model
            self.flip_test = model.description["flip_test"]
            asked = self.flip_test if flip_test is None else flip_test
            rules = load_protocol(protocol, scales=scales, flip=asked)
            self.segmenter: Any = ExportedSegmenter(model, rules)
            fields = model.arguments["label_set"]
            self._own = None if fields is None else LabelSet.from_dict(fields)
            self.num_classes = model.description["num_classes"]
            return
        check_segmenter(model)
        self.model = at_image_size(model, image_size) if infer is None else model
        self._own = model_label_set(model)
        self.num_classes = model.num_classes
        rules = load_protocol(protocol, scales=scales, flip=flip_test)
        self.segmenter = FusedSegmenter(self.model, rules, infer)
        self.flip_test = rules.flip

    @functools.cached_property
    def signatures(self) -> dict[str, Any]:
        """dict of `tf.function`: "serving_default" is `files`, "images" is `images`.

        Raises:
            ValueError: for several scales.
        """
        if self.segmenter.protocol.scales != (1.0,):
            raise ValueError(
                "Exported segmenters run images at their own size. Received:"
                f" scales={self.segmenter.protocol.scales}. Leave them out."
            )
        image_bytes = tf.TensorSpec((None,), tf.string, "image_bytes")
        return {
            "serving_default": graphs.signature(self.files, image_bytes),
            "images": graphs.signature(self.images, self.images_spec),
        }

    @property
    def images_spec(self) -> tf.TensorSpec:
        """`tf.TensorSpec` of the images that `images` takes, of any batch size."""
        return tf.TensorSpec((None, *self.model.input_shape[1:]), tf.uint8, "images")

    @property
    def description(self) -> dict[str, Any]:
        """dict of json values, written beside the graph."""
        return {
            "task": "segmentation",
            "num_classes": self.num_classes,
            "label_set": self._own and self._own.to_dict(),
            "flip_test": self.flip_test,
        }

    @functools.cached_property
    def label_set(self) -> LabelSet:
        names = tuple(str(i) for i in range(self.num_classes))
        return self._own or LabelSet("unnamed", names)

    @property
    def header(self) -> dict[str, Any]:
        """dict of json values that all results have in common."""
        return {"label_set": self.label_set.to_dict()}

    @property
    def assets(self) -> dict[str, Any]:
        """dict of a file's name to its text: classes, and their colours."""
        if self._own is None:
            return {}
        names = "".join(f"{name}\n" for name in self.label_set.classes)
        labels = json.dumps(self.label_set.to_dict(), indent=1) + "\n"
        return {NAMES_FILE: names, LABELS_FILE: labels}

    @property
    def portable(self) -> str:
        """str, what files for other runtimes hold; ValueError if there are none."""
        if None in self.model.input_shape[1:3]:
            raise ValueError(
                "Files for other runtimes take images of one size, but the model"
                f" {self.model.name!r} is made for any. Pass `image_size`, such as"
                " (512, 1024)."
            )
        return "images"

    def files(self, image_bytes: Tensor) -> dict[str, Tensor]:
        """Segments image files of any sizes, one after the other.

        Args:
            image_bytes: string tensor `[B]`, files that TensorFlow decodes.
        Returns:
            A dict: "labels" uint8 `[B, H, W]`, classes 0..C-1, smaller images filled up
            below and on the right with 255; "sizes" int32 `[B, 2]`, each image's
            height and width; "png_bytes" string `[B]`, each image's map as a grey PNG
            of its own size with the values of the label set's files (REST returns
            outputs of such a name in base64).
        """
        table = tf.constant(list(self.label_set.file_ids), tf.uint8)

        def segment(encoded):
            labels = _classes(self._logits(decode_image(encoded)[None]))[0]
            values = tf.gather(table, tf.cast(labels, tf.int32))
            rows = tf.RaggedTensor.from_tensor(labels)
            # Sizes as tf.shape gives them make TensorFlow warn in every process.
            size = tf.cast(tf.shape(labels, tf.int64), tf.int32)
            return rows, size, tf.io.encode_png(values[..., None])

        labels, sizes, files = tf.map_fn(
            segment,
            image_bytes,
            fn_output_signature=(
                tf.RaggedTensorSpec((None, None), tf.uint8, 1),
                tf.TensorSpec((2,), tf.int32),
                tf.TensorSpec((), tf.string),
            ),
        )
        filling = tf.constant(IGNORE_LABEL, tf.uint8)
        return {
            "labels": labels.to_tensor(filling),
            "sizes": sizes,
            "png_bytes": files,
        }

    def images(self, images: Tensor) -> dict[str, Tensor]:
        """Segments images of one size.

        Args:
            images: uint8 tensor `[B, H, W, 3]`, RGB.
        Returns:
            A dict: "labels" uint8 `[B, H, W]`, classes 0..C-1; "confidence" float32
            `[B, H, W]`, the probability of that class.
        """
        logits = graphs.run_some(self._logits, images)
        return {
            "labels": _classes(logits),
            "confidence": tf.reduce_max(tf.nn.softmax(logits), -1),
        }

    def run(
        self,
        images: Sequence[np.ndarray],
        names: Sequence[str | None] | None = None,
        tile: int | tuple[int, int] | None = None,
        margin: int | None = None,
        confidence: bool = False,
        progress: Progress | None = None,
    ) -> list[SegmentationMap]:
        """Finds the class of each pixel of images.

        Args:
            images: list of uint8 arrays `[H, W, 3]`, RGB.
            names: list of the images' paths, or of None.
            tile: int or (height, width) in pixels, multiples of 32, to run images that
                are larger than the memory in tiles; see `run_tiles`. None: whole,
                which needs about 4 bytes a pixel and class for the result alone.
            margin: int, px, multiple of 32. How far tiles look at their neighbours'
                pixels. None: an eighth of the tile.
            confidence: bool. Also keep the probability of each pixel's class.
            progress: callable (done, total) of the tiles, or None.
        Returns:
            list of `SegmentationMap`, each at its image's own size.
        Raises:
            ValueError: if an image is too large for the memory.
        """
        names = names or [None] * len(images)
        found = []
        for pixels, name in zip(images, names, strict=True):
            labels, label_set, confidences = self._run_one(
                pixels, name, tile, margin, confidence, progress
            )
            found.append(SegmentationMap(labels, label_set, confidences, name))
        return found

    def _run_one(self, pixels, name, tile, margin, confidence, progress):
        """Labels, label set and, if asked for, confidences of an image."""
        run = functools.partial(self._run_pixels, confidence=confidence)
        try:
            if tile is None:
                found = run(pixels)
            else:
                found = tiles.run_tiles(run, pixels, tile, margin, progress)
        except tf.errors.ResourceExhaustedError as error:
            height, width = pixels.shape[:2]
            raise ValueError(
                f"{name or 'the image'} of {height}x{width} px (height x width) needs"
                f" more memory than there is, with tile={tile}. Pass a smaller tile,"
                f" such as tile={tiles.TILE}."
            ) from error
        return found[0], self.label_set, found[1] if confidence else None

    def _run_pixels(self, pixels, confidence):
        """Labels, and confidences if asked for, `[h, w]` of pixels `[h, w, 3]`."""
        images = tf.constant(pixels)[None]
        if confidence:
            found = self.segmenter.predict(images)
        else:
            found = (self.segmenter.labels(images),)
        return tuple(np.asarray(part[0]) for part in found)

    def _logits(self, images):
        return self.segmenter.logits(tf.cast(images, tf.float32))


def _classes(logits):
    return tf.cast(tf.argmax(logits, -1), tf.uint8)
