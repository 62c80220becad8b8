"""How detectors that predict boxes at points (FCOS) learn."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from hrnet_tf.layers.detection.anchors import make_points
from hrnet_tf.layers.detection.convention import Convention
from hrnet_tf.losses.detection.labels import Part, Truths, read_labels
from hrnet_tf.losses.detection.points import (
    point_losses,
    point_ranges,
    point_targets,
)
from hrnet_tf.losses.detection.rules import PointRule
from hrnet_tf.models.loss_parts import LossInParts
from hrnet_tf.typing import Tensor


class PointTraining(LossInParts):
    """The losses of classes, boxes and centreness at points.

    Attributes:
        training_rule: `PointRule`, of the published detector; may be replaced before
            `compile`.
    """

    training_rule: PointRule
    rules: Convention
    num_classes: int
    level_names: tuple[str, ...]
    level_strides: tuple[int, ...]

    def loss_names(self) -> list[str]:
        return ["class_loss", "box_loss", "centerness_loss"]

    def read_truths(self, y: Any) -> Truths:
        return read_labels(y, self.rules.extent)

    def loss_parts(
        self,
        outputs: Mapping[str, Tensor],
        truths: Truths,
        draw: Callable[[int, Any], Tensor],
        training: bool,
    ) -> dict[str, Part]:
        ops = keras.ops
        ranges = point_ranges(self.level_strides, self.training_rule.reach)
        points, limits, strides = [], [], []
        for name, stride, span in zip(
            self.level_names, self.level_strides, ranges, strict=True
        ):
            size = tuple(ops.shape(outputs[f"class_logits_{name}"])[1:3])
            places = ops.reshape(make_points(size, stride), (-1, 2))
            points.append(places)
            limits.append(ops.zeros_like(places) + np.array(span, np.float32))
            strides.append(ops.zeros_like(places[:, 0]) + float(stride))
        targets = point_targets(
            ops.concatenate(points, axis=0),
            ops.concatenate(limits, axis=0),
            ops.concatenate(strides, axis=0),
            truths,
            self.training_rule,
            self.rules.extent,
        )
        logits, boxes, centerness = (
            self._flat(outputs, kind)
            for kind in ("class_logits", "boxes", "centerness")
        )
        return point_losses(
            logits, boxes, centerness[..., 0], targets, self.training_rule
        )

    def _flat(self, outputs, kind):
        """The maps of all levels, `[B, N, C]`."""
        ops = keras.ops
        maps = [outputs[f"{kind}_{name}"] for name in self.level_names]
        batch = ops.shape(maps[0])[0]
        flat = [ops.reshape(x, (batch, -1, x.shape[-1])) for x in maps]
        return ops.concatenate(flat, axis=1)
