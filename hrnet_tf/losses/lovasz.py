"""The Lovász-Softmax loss, which is close to what mIoU measures."""

from typing import Any

import keras

from hrnet_tf.data.label_sets import IGNORE_LABEL
from hrnet_tf.layers.replicas import weighted_mean
from hrnet_tf.losses.segmentation import SegmentationCrossEntropy
from hrnet_tf.typing import Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class LovaszCrossEntropy(SegmentationCrossEntropy):
    """Cross entropy plus the Lovász-Softmax loss.

    The second loss is 1 - IoU, extended to probabilities, averaged over the classes
    that the batch shows. It is taken over all pixels of the batch at the size of the
    logits, where each has the label of the pixel at its centre. Of a batch that is
    divided among replicas each takes it over its part.

    Args:
        lovasz_weight: float. What the second loss is multiplied by.
        class_weights, interpolation, name: see `SegmentationCrossEntropy`; the weights
            are the cross entropy's alone.
    Call arguments:
        y_true: labels `[B, H, W]`, 0..C-1, and 255 for ignored pixels.
        y_pred: logits `[B, h, w, C]`.
    Returns:
        A float32 scalar.
    Reference:
        Berman et al., arXiv 1705.08790.
    """

    def __init__(
        self,
        lovasz_weight: float = 1.0,
        name: str = "lovasz_cross_entropy",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        if lovasz_weight < 0:
            raise ValueError(
                "lovasz_weight must not be negative."
                f" Received: lovasz_weight={lovasz_weight}."
            )
        self.lovasz_weight = lovasz_weight

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        ops = keras.ops
        cross_entropy = super().call(y_true, y_pred)
        logits = ops.cast(y_pred, "float32")
        labels = ops.cast(y_true, "int32")
        for axis in (1, 2):
            places = self._places(ops.shape(labels)[axis], ops.shape(logits)[axis])
            labels = ops.take(labels, places, axis)
        num_classes = logits.shape[-1]
        lovasz = lovasz_softmax(
            ops.reshape(ops.softmax(logits), (-1, num_classes)),
            ops.reshape(labels, (-1,)),
        )
        count = ops.cast(ops.shape(logits)[0], "float32")
        lovasz = weighted_mean(lovasz * count, count, count)
        return cross_entropy + self.lovasz_weight * lovasz

    def _places(self, size, wanted):
        """Which of `size` pixels in a row lie at `wanted` logits."""
        ops = keras.ops
        places = ops.cast(ops.arange(wanted), "float32")
        size, wanted = ops.cast(size, "float32"), ops.cast(wanted, "float32")
        if self.interpolation == "bilinear_align_corners":
            ratio = (size - 1) / ops.maximum(wanted - 1, 1.0)
            return ops.cast(ops.floor(places * ratio + 0.5), "int32")
        return ops.cast(ops.floor((places + 0.5) * (size / wanted)), "int32")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "lovasz_weight": self.lovasz_weight}


def lovasz_softmax(probabilities: Tensor, labels: Tensor) -> Tensor:
    """The Lovász extension of 1 - IoU, averaged over the classes that are there.

    Args:
        probabilities: float32 `[N, C]`.
        labels: int32 `[N]`, 0..C-1, and 255 for pixels that are left out.
    Returns:
        A float32 scalar; 0 without a labelled pixel.
    """
    ops = keras.ops
    valid = ops.cast(labels != IGNORE_LABEL, "float32")[:, None]
    labels = ops.where(labels != IGNORE_LABEL, labels, 0)
    truth = ops.one_hot(labels, probabilities.shape[-1], dtype="float32") * valid
    errors = ops.transpose(ops.abs(truth - probabilities) * valid)
    truth = ops.transpose(truth)
    # Pixels that are left out have no error, and so come last and count nothing.
    order = ops.argsort(-ops.stop_gradient(errors), axis=1)
    errors = ops.take_along_axis(errors, order, axis=1)
    truth = ops.take_along_axis(truth, order, axis=1)
    total = ops.sum(truth, axis=1, keepdims=True)
    # IoU once the k worst pixels are wrong.
    intersection = total - ops.cumsum(truth, axis=1)
    union = total + ops.cumsum(1.0 - truth, axis=1)
    losses = 1.0 - intersection / ops.maximum(union, 1.0)
    steps = ops.concatenate([losses[:, :1], losses[:, 1:] - losses[:, :-1]], axis=1)
    of_class = ops.sum(errors * steps, axis=1)
    present = ops.cast(total[:, 0] > 0, "float32")
    return ops.sum(of_class * present) / ops.maximum(ops.sum(present), 1.0)
