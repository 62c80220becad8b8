"""The class of each pixel of images, in three lines."""

import numpy as np
import tensorflow as tf

from hrnet_tf.data.label_sets import LabelSet, model_label_set
from hrnet_tf.io import path_of, read_image
from hrnet_tf.models.loading import inference_function
from hrnet_tf.predictors.loading import read_model
from hrnet_tf.tasks.segmentation import tiles
from hrnet_tf.tasks.segmentation.fusion import (
    FusedSegmenter,
    at_image_size,
    check_segmenter,
)
from hrnet_tf.tasks.segmentation.inference import ExportedSegmentation
from hrnet_tf.tasks.segmentation.protocols import load_protocol
from hrnet_tf.tasks.segmentation.result import SegmentationMap


class SegmentationPredictor:
    """Says what each pixel of an image shows.

        predictor = hrnet_tf.SegmentationPredictor.load("model.keras")
        segmentation = predictor.predict("image.jpg")
        segmentation.save("labels.png")

    Images of any size are taken, whatever size the model was trained with.

    Args:
        model: `HRNetSegmenter`, `HRNetOCRSegmenter` or `ExportedSegmentation`.
    Attributes:
        label_set: `LabelSet`; with numbers as names where the model has none.
    Raises:
        ValueError: if the model does not segment images.
    """

    def __init__(self, model):
        if isinstance(model, ExportedSegmentation):
            self._model, self.label_set = model, model.label_set
        else:
            check_segmenter(model)
            self._model, self.label_set = at_image_size(model), model_label_set(model)
            self._infer = inference_function(self._model)
        if self.label_set is None:
            names = tuple(str(i) for i in range(model.num_classes))
            self.label_set = LabelSet("unnamed", names)

    @classmethod
    def load(cls, path):
        """Loads a model.

        Args:
            path: str or path of a `.keras` file, or of a folder that
                `export_saved_model` wrote: a version's, or the one above, whose largest
                version is taken.
        Raises:
            ValueError: if there is no complete segmenter; the text names the file.
        """
        model = read_model(path)
        try:
            return cls(model)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def predict(
        self,
        image,
        scales=None,
        flip=None,
        tile=None,
        margin=None,
        confidence=False,
        progress=None,
    ):
        """Finds the class of each pixel of one image.

        Args:
            image: path of an image file that TensorFlow decodes, its bytes, or a uint8
                array `[H, W, 3]`, RGB. An orientation noted in EXIF is not applied.
            scales: sequence of float, the sizes to run the image at, fused as in the
                official tests. None: at its own size.
            flip: bool or None. True averages with the mirrored image, for twice the
                time. None: False, or what an exported model was exported with.
            tile: int or (height, width) in pixels, multiples of 32, to run an image
                that is larger than the memory in tiles; see `run_tiles`. None: whole,
                which needs about 4 bytes a pixel and class for the result alone.
            margin: int, px, multiple of 32. How far tiles look at their neighbours'
                pixels. None: an eighth of the tile.
            confidence: bool. Also keep the probability of each pixel's class.
            progress: callable (done, total) of the tiles, or None.
        Returns:
            `SegmentationMap` at the image's own size.
        Raises:
            ValueError: if the image cannot be read or is too large for the memory, or
                an exported model was exported otherwise.
        """
        pixels, name = read_image(image)
        run = self._function(scales, flip, confidence)
        try:
            if tile is None:
                found = run(pixels)
            else:
                found = tiles.run_tiles(run, pixels, tile, margin, progress)
        except tf.errors.ResourceExhaustedError as error:
            height, width = pixels.shape[:2]
            raise ValueError(
                f"{name} of {height}x{width} px (height x width) needs more memory than"
                f" there is, with tile={tile}. Pass a smaller tile, such as"
                f" tile={tiles.TILE}."
            ) from error
        return SegmentationMap(
            labels=found[0],
            label_set=self.label_set,
            confidence=found[1] if confidence else None,
            image_path=path_of(image),
        )

    def _function(self, scales, flip, confidence):
        """The function from pixels `[h, w, 3]` to labels and confidences `[h, w]`."""
        if isinstance(self._model, ExportedSegmentation):
            return self._exported_function(scales, flip)
        protocol = load_protocol("whole", scales=scales, flip=bool(flip))
        segmenter = FusedSegmenter(self._model, protocol, self._infer)

        def run(pixels):
            images = tf.constant(pixels)[None]
            found = (
                segmenter.predict(images) if confidence else (segmenter.labels(images),)
            )
            return tuple(np.asarray(part[0]) for part in found)

        return run

    def _exported_function(self, scales, flip):
        model = self._model
        if flip not in (None, model.flip_test) or tuple(scales or (1.0,)) != (1.0,):
            raise ValueError(
                f"{model.folder} was exported with flip_test={model.flip_test} and runs"
                " images at their own size, which is part of its graph. Received:"
                f" flip={flip}, scales={scales}. Leave them out, or pass the .keras"
                " file."
            )

        def run(pixels):
            found = model.images(tf.constant(pixels)[None])
            return found["labels"][0].numpy(), found["confidence"][0].numpy()

        return run
