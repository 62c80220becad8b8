"""Losses of bottom-up pose: masked heatmaps, and tags that tell people apart."""

from typing import Any

import keras

from hrnet_tf.typing import Tensor

PUSHES = ("exp", "max")


@keras.saving.register_keras_serializable(package="hrnet_tf")
class CellMSE(keras.losses.Loss):
    """The mean squared error of each cell over all keypoints.

    With a mask as `sample_weight` the mean over cells equals the official loss: cells
    that are masked count as perfectly predicted, not as none.

    Call arguments:
        y_true: target heatmaps `[B, H, W, K]`.
        y_pred: predicted heatmaps `[B, H, W, K]`.
        sample_weight: the mask, float `[B, H, W]`, 0 where nothing is learnt.
    Reference:
        HigherHRNet-Human-Pose-Estimation, lib/core/loss.py (HeatmapLoss).
    """

    def __init__(self, name: str = "cell_mse", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        difference = keras.ops.cast(y_pred, "float32") - y_true
        return keras.ops.mean(keras.ops.square(difference), axis=-1)


@keras.saving.register_keras_serializable(package="hrnet_tf")
class TagLoss(keras.losses.Loss):
    """Associative embedding: the tags of a person agree, those of two differ.

    Args:
        push: "exp" (official) or "max". How close means of two people repel: by
            exp(-d^2), or by max(0, 1 - |d|).
        push_weight, pull_weight: float.
        name: str.
    Call arguments:
        y_true: `[B, P, K]`, the cell of each keypoint of each person, `(y * W + x) * K
            + k`, or -1 where it is not to be seen. Whole numbers, of any type.
        y_pred: tags `[B, H, W, K]`.
    Returns:
        float32 `[B]`. Images without people cost nothing.
    Reference:
        arXiv 1611.05424; HigherHRNet-Human-Pose-Estimation, lib/core/loss.py.
    """

    def __init__(
        self,
        push: str = "exp",
        push_weight: float = 1e-3,
        pull_weight: float = 1e-3,
        name: str = "tag_loss",
        **kwargs: Any,
    ) -> None:
        if push not in PUSHES:
            raise ValueError(f"push must be one of {PUSHES}. Received: push={push!r}.")
        super().__init__(name=name, **kwargs)
        self.push = push
        self.push_weight = push_weight
        self.pull_weight = pull_weight

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        push, pull = push_and_pull(y_pred, y_true, self.push)
        return self.push_weight * push + self.pull_weight * pull

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "push": self.push,
            "push_weight": self.push_weight,
            "pull_weight": self.pull_weight,
        }


def push_and_pull(
    tags: Tensor, cells: Tensor, push: str = "exp"
) -> tuple[Tensor, Tensor]:
    """Returns how little people differ, and how little the tags of each agree.

    Args:
        tags: `[B, H, W, K]`.
        cells: `[B, P, K]`, see `TagLoss`.
        push: see `TagLoss`.
    Returns:
        float32 `[B]` each, without weights.
    """
    ops = keras.ops
    cells = ops.cast(cells, "int32")
    batch, people, count = ops.shape(cells)
    flat = ops.reshape(ops.cast(tags, "float32"), (batch, -1))
    seen = ops.cast(cells >= 0, "float32")
    places = ops.reshape(ops.maximum(cells, 0), (batch, people * count))
    values = ops.take_along_axis(flat, places, axis=1)
    values = ops.reshape(values, (batch, people, count))
    numbers = ops.sum(seen, axis=-1)
    least = ops.maximum(numbers, 1.0)
    means = ops.sum(values * seen, axis=-1) / least
    spread = ops.sum(seen * ops.square(values - means[..., None]), axis=-1) / least
    there = ops.cast(numbers > 0, "float32")
    found = ops.sum(there, axis=-1)
    pull = ops.sum(spread * there, axis=-1) / ops.maximum(found, 1.0)
    distance = means[:, :, None] - means[:, None]
    if push == "exp":
        closeness = ops.exp(-ops.square(distance))
    else:
        closeness = ops.maximum(1.0 - ops.abs(distance), 0.0)
    pairs = there[:, :, None] * there[:, None] * (1.0 - ops.eye(people))
    close = ops.sum(closeness * pairs, axis=(1, 2))
    return 0.5 * close / ops.maximum(found * (found - 1.0), 1.0), pull
