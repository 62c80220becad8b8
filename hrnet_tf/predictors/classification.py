"""Classes of images in three lines."""

import keras
import numpy as np
import tensorflow as tf

from hrnet_tf.data.augment.classification import center_crop
from hrnet_tf.io import path_of, read_image
from hrnet_tf.models.classifier import check_crop_fraction
from hrnet_tf.predictors.loading import read_model
from hrnet_tf.tasks.classification.inference import (
    ClassificationSignatures,
    ExportedClassification,
)
from hrnet_tf.tasks.classification.result import Classification


class ClassificationPredictor:
    """Says what images show.

        predictor = hrnet_tf.ClassificationPredictor.load("model.keras")
        print(predictor.predict("image.jpg").name)

    Args:
        model: `HRNetClassifier` with its top, or `ExportedClassification`.
        crop_fraction: float in (0, 1], see `HRNetClassifier`, or None for the model's
            own, or what it was exported with.
    Attributes:
        image_size: (height, width) of the crops in pixels.
        crop_fraction: float.
        num_classes: int.
        class_names: tuple of str or None, as stored in the model.
    Raises:
        ValueError: if the model does not classify whole images.
    """

    def __init__(self, model, crop_fraction=None):
        self._model = model
        if isinstance(model, ExportedClassification):
            source, function = model, model.crops
        else:
            source = ClassificationSignatures(model, crop_fraction)
            function = source.crops
            if keras.backend.backend() == "tensorflow":
                function = source.functions()["crops"]
        if crop_fraction is None:
            crop_fraction = source.crop_fraction
        check_crop_fraction(crop_fraction)
        self.crop_fraction = crop_fraction
        self.image_size = source.image_size
        self.class_names = source.class_names
        self.num_classes = model.num_classes
        self._crops = function

    @classmethod
    def load(cls, path, crop_fraction=None):
        """Loads a model.

        Args:
            path: str or path of a `.keras` file, or of a folder that
                `export_saved_model` wrote: a version's, or the one above, whose largest
                version is taken.
            crop_fraction: see the class.
        Raises:
            ValueError: if there is no complete classifier; the text names the file.
        """
        model = read_model(path)
        try:
            return cls(model, crop_fraction)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def predict(self, image, top_k=5):
        """Finds the likeliest classes of one image.

        Args:
            image: path of an image file that TensorFlow decodes, its bytes, or a uint8
                array `[H, W, 3]`, RGB. An orientation noted in EXIF is not applied.
            top_k: int. Number of classes; all, if there are fewer.
        Returns:
            `Classification`.
        Raises:
            ValueError: if the image cannot be read or `top_k` is not positive.
        """
        return self.predict_batch([image], top_k)[0]

    def predict_batch(self, images, top_k=5):
        """Finds the likeliest classes of several images, which run together.

        Args:
            images: sequence of one or more images, see `predict`.
            top_k: see `predict`.
        Returns:
            list of `Classification`.
        Raises:
            ValueError: as `predict`, for the first image that is to blame.
        """
        if top_k < 1:
            raise ValueError(f"top_k must be positive. Received: top_k={top_k}.")
        crops = [
            center_crop(
                tf.constant(read_image(image)[0]), self.image_size, self.crop_fraction
            )
            for image in images
        ]
        found = np.asarray(self._crops(tf.stack(crops))["probabilities"])
        return [
            self._result(probabilities, top_k, path_of(image))
            for probabilities, image in zip(found, images, strict=True)
        ]

    def _result(self, probabilities, top_k, path):
        labels = np.argsort(-probabilities, kind="stable")[:top_k]
        names = self.class_names
        return Classification(
            labels=labels,
            probabilities=probabilities[labels],
            names=None if names is None else [names[label] for label in labels],
            image_path=path,
        )
