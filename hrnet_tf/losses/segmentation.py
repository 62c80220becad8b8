"""Losses on label maps: cross entropy with ignored pixels, and its hardest pixels."""

from collections.abc import Sequence
from typing import Any

import keras

from hrnet_tf.data.label_sets import IGNORE_LABEL
from hrnet_tf.layers.replicas import weighted_mean
from hrnet_tf.layers.resize import ResizeLike
from hrnet_tf.typing import Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class SegmentationCrossEntropy(keras.losses.Loss):
    """Cross entropy of each pixel, averaged by the weights of the pixels' classes.

    Logits of another size are resized to the labels' first, as the official code does.
    The value is the weighted mean of PyTorch, `sum(w * l) / sum(w)` over the batch; a
    batch without a labelled pixel costs nothing.

    Args:
        class_weights: sequence of `C` floats, or None for equal weights.
        interpolation: how the logits are enlarged, "bilinear" or
            "bilinear_align_corners" (the object-contextual networks).
        name: str.
    Call arguments:
        y_true: labels `[B, H, W]`, 0..C-1, and 255 for ignored pixels.
        y_pred: logits `[B, h, w, C]`.
    Returns:
        A float32 scalar.
    Reference:
        HRNet-Semantic-Segmentation, branch HRNet-OCR, lib/core/criterion.py.
    """

    def __init__(
        self,
        class_weights: Sequence[float] | None = None,
        interpolation: str = "bilinear",
        name: str = "segmentation_cross_entropy",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.class_weights = None if class_weights is None else tuple(class_weights)
        self.interpolation = interpolation
        self._resize = ResizeLike(interpolation, dtype="float32")

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        losses, _, weights = self._pixels(y_true, y_pred)
        return weighted_mean(
            keras.ops.sum(losses * weights),
            keras.ops.sum(weights),
            keras.ops.shape(losses)[0],
        )

    def _pixels(self, y_true, y_pred):
        """Losses, probabilities of the true classes and weights, `[B, H, W]` each."""
        ops = keras.ops
        labels = ops.cast(y_true, "int32")
        logits = ops.cast(y_pred, "float32")
        if self.class_weights and len(self.class_weights) != logits.shape[-1]:
            raise ValueError(
                f"class_weights holds {len(self.class_weights)} numbers for"
                f" {logits.shape[-1]} classes. Pass one for each."
            )
        # Sizes that are not known yet may differ.
        sizes = tuple(logits.shape[1:3]), tuple(labels.shape[1:3])
        if None in sizes[0] or sizes[0] != sizes[1]:
            logits = self._resize((logits, ops.expand_dims(labels, -1)))
        valid = labels != IGNORE_LABEL
        labels = ops.where(valid, labels, 0)
        losses = keras.losses.sparse_categorical_crossentropy(
            labels, logits, from_logits=True
        )
        weights = ops.cast(valid, "float32")
        if self.class_weights:
            table = ops.convert_to_tensor(self.class_weights, "float32")
            weights = weights * ops.take(table, labels)
        return losses, ops.cast(valid, "float32"), weights

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "class_weights": self.class_weights,
            "interpolation": self.interpolation,
        }


@keras.saving.register_keras_serializable(package="hrnet_tf")
class OHEMCrossEntropy(SegmentationCrossEntropy):
    """Cross entropy of the hard pixels alone (online hard example mining).

    A pixel is hard if the probability of its true class is below the threshold, or
    below that of the n-th hardest pixel of the batch, n being `min_kept_per_image` for
    each image. The mean is over the hard pixels; class weights multiply their losses
    and do not divide again. Of a batch that is divided among replicas each chooses the
    hard pixels of its part, as the official code does.

    Args:
        threshold: float in (0, 1].
        min_kept_per_image: int. Officially 131072 for each GPU, which has four images.
        class_weights, interpolation, name: see `SegmentationCrossEntropy`.
    Call arguments:
        y_true: labels `[B, H, W]`, 0..C-1, and 255 for ignored pixels.
        y_pred: logits `[B, h, w, C]`.
    Returns:
        A float32 scalar.
    Reference:
        HRNet-Semantic-Segmentation, branch HRNet-OCR, lib/core/criterion.py.
    """

    def __init__(
        self,
        threshold: float = 0.9,
        min_kept_per_image: int = 32768,
        name: str = "ohem_cross_entropy",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        if min_kept_per_image < 1:
            raise ValueError(
                "min_kept_per_image must be a positive integer."
                f" Received: min_kept_per_image={min_kept_per_image}."
            )
        self.threshold = threshold
        self.min_kept_per_image = min_kept_per_image

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        ops = keras.ops
        losses, valid, weights = self._pixels(y_true, y_pred)
        num_images = ops.shape(losses)[0]
        losses, valid, weights = (
            ops.reshape(x, (-1,)) for x in (losses, valid, weights)
        )
        # Which pixels are hard is no function to differentiate.
        probabilities = ops.stop_gradient(ops.exp(-losses))
        # Ignored pixels sort behind all others.
        ordered = ops.sort(ops.where(valid > 0, probabilities, 2.0))
        last = ops.cast(ops.sum(valid), "int32") - 1
        place = ops.minimum(self.min_kept_per_image * num_images, last)
        place = ops.maximum(place, 0)
        limit = ops.maximum(ops.take(ordered, place), self.threshold)
        hard = valid * ops.cast(probabilities < limit, "float32")
        return weighted_mean(
            ops.sum(losses * weights * hard), ops.sum(hard), num_images
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "threshold": self.threshold,
            "min_kept_per_image": self.min_kept_per_image,
        }
