"""How detectors with region proposals learn."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import keras

from hrnet_tf.layers.detection.anchors import make_anchors
from hrnet_tf.layers.detection.box_coding import encode_boxes
from hrnet_tf.layers.detection.convention import Convention
from hrnet_tf.losses.detection.labels import Part, Truths, read_labels
from hrnet_tf.losses.detection.proposals import proposal_losses, usable_anchors
from hrnet_tf.losses.detection.regions import draw_regions, mask_loss, region_losses
from hrnet_tf.losses.detection.rules import TwoStageRule
from hrnet_tf.lowlevel.internals import is_traced_for_xla
from hrnet_tf.models.loss_parts import LossInParts
from hrnet_tf.typing import Tensor


class TwoStageTraining(LossInParts):
    """The losses of proposals, and of the heads of one or several stages.

    Attributes:
        training_rule: `TwoStageRule`, of the published detector; may be replaced before
            `compile`.
    """

    training_rule: TwoStageRule
    rules: Convention
    stds: tuple[tuple[float, ...], ...]
    box_heads: list[Any]
    mask_heads: list[Any]
    num_classes: int
    level_names: tuple[str, ...]
    level_strides: tuple[int, ...]
    proposals: Callable[..., Any]
    box_outputs: Callable[..., Any]
    mask_logits: Callable[..., Any]
    refine: Callable[..., Any]

    def loss_names(self) -> list[str]:
        kinds = ["class_loss", "box_loss", *(["mask_loss"] if self.mask_heads else [])]
        stages = range(len(self.box_heads))
        return [
            "rpn_class_loss",
            "rpn_box_loss",
            *(f"{self._prefix(stage)}{kind}" for stage in stages for kind in kinds),
        ]

    def _prefix(self, stage):
        return f"stage{stage}_" if len(self.box_heads) > 1 else ""

    def read_truths(self, y: Any) -> Truths:
        return read_labels(y, self.rules.extent, with_masks=bool(self.mask_heads))

    def loss_parts(
        self,
        outputs: Mapping[str, Tensor],
        truths: Truths,
        draw: Callable[[int, Any], Tensor],
        training: bool,
    ) -> dict[str, Part]:
        ops = keras.ops
        rule = self.training_rule
        parts = self._proposal_parts(outputs, truths, draw)
        # Losses of a test are those of training: of as many proposals.
        boxes, scores = self.proposals(outputs, truths.image_sizes, training=True)
        valid = scores > float("-inf")
        for stage in range(len(self.box_heads)):
            regions = draw_regions(
                boxes,
                valid,
                truths,
                rule.roi_matches[stage],
                rule.roi_samples,
                rule.roi_positives,
                self.num_classes,
                functools.partial(draw, stage + 1),
                self.rules.extent,
            )
            found, deltas = self._stage_parts(outputs, regions, truths, stage, training)
            for kind, part in found.items():
                part = part._replace(scale=rule.stage_weights[stage])
                parts[f"{self._prefix(stage)}{kind}"] = part
            if stage + 1 < len(self.box_heads):
                # The boxes themselves, which are exact, are added again.
                moved = self.refine(regions.boxes, deltas, truths.image_sizes, stage)
                boxes = ops.stop_gradient(moved[:, :, 0])
                valid = ops.logical_and(
                    regions.valid, ops.logical_not(regions.is_truth)
                )
        return parts

    def _proposal_parts(self, outputs, truths, draw):
        ops = keras.ops
        names = self.level_names
        maps = [outputs[f"rpn_scores_{name}"] for name in names]
        sizes = [tuple(ops.shape(x)[1:3]) for x in maps]
        anchors = [
            ops.reshape(make_anchors(size, stride, self.rules), (-1, 4))
            for size, stride in zip(sizes, self.level_strides, strict=True)
        ]
        usable = usable_anchors(
            anchors,
            sizes,
            self.level_strides,
            truths.image_sizes,
            self.training_rule.border,
        )
        anchors = ops.concatenate(anchors, axis=0)
        batch = ops.shape(maps[0])[0]
        return proposal_losses(
            ops.concatenate([ops.reshape(x, (batch, -1)) for x in maps], axis=1),
            ops.concatenate(
                [
                    ops.reshape(outputs[f"rpn_deltas_{name}"], (batch, -1, 4))
                    for name in names
                ],
                axis=1,
            ),
            anchors,
            usable,
            truths,
            self.training_rule,
            lambda boxes, goals: encode_boxes(boxes, goals, self.rules),
            draw(0, ops.shape(anchors)[0]),
            self.rules.extent,
        )

    def _stage_parts(self, outputs, regions, truths, stage, training):
        """The losses of a stage's heads, and the deltas of the regions."""
        logits, deltas = self.box_outputs(outputs, regions.boxes, stage, training)
        found = region_losses(
            logits,
            deltas,
            regions,
            truths,
            self.training_rule.roi_beta,
            lambda boxes, goals: encode_boxes(
                boxes, goals, self.rules, self.stds[stage]
            ),
        )
        if self.mask_heads:
            boxes = regions.boxes[:, : regions.positive.shape[1]]
            masks = self.mask_logits(outputs, boxes, stage, training)
            static = is_traced_for_xla()
            found["mask_loss"] = mask_loss(masks, regions, truths, static)
        return found, deltas
