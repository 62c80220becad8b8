"""Losses on heatmaps: one value a keypoint, visibility as the sample weight."""

from typing import Any

import keras

from hrnet_tf.typing import Tensor


@keras.saving.register_keras_serializable(package="hrnet_tf")
class HeatmapMSE(keras.losses.Loss):
    """Half the mean squared error of each keypoint's heatmap.

    With `sample_weight` `[B, K]` of zeros and ones the mean over items equals the
    official loss: keypoints that are not labelled count as perfectly predicted.

    Call arguments:
        y_true: target heatmaps `[B, H, W, K]`.
        y_pred: predicted heatmaps `[B, H, W, K]`.
        sample_weight: `[B, K]`.
    Reference:
        deep-high-resolution-net.pytorch, lib/core/loss.py (JointsMSELoss).
    """

    def __init__(self, name: str = "heatmap_mse", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        difference = keras.ops.cast(y_pred, "float32") - y_true
        return 0.5 * keras.ops.mean(keras.ops.square(difference), axis=(1, 2))


@keras.saving.register_keras_serializable(package="hrnet_tf")
class SpatialCrossEntropy(keras.losses.Loss):
    """Cross entropy between the normalised Gaussian and the softmax over all cells.

    Learns many times faster than the squared error when training from random
    weights, because every keypoint's gradient is large from the first step.

    Call arguments:
        y_true: target heatmaps `[B, H, W, K]`; an all-zero map costs nothing.
        y_pred: logits `[B, H, W, K]`.
        sample_weight: `[B, K]`.
    """

    def __init__(self, name: str = "spatial_cross_entropy", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        logits = keras.ops.cast(y_pred, "float32")
        mass = keras.ops.sum(y_true, axis=(1, 2))
        target = y_true / keras.ops.maximum(mass, 1e-6)[:, None, None, :]
        # -sum(target * log_softmax) = logsumexp * sum(target) - sum(target * logits)
        normalizer = keras.ops.logsumexp(logits, axis=(1, 2))
        found = keras.ops.sum(target * logits, axis=(1, 2))
        return normalizer * keras.ops.cast(mass > 0, "float32") - found
