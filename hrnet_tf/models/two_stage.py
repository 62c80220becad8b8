"""What the two-stage detectors share: proposals, heads of regions, and detections."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from hrnet_tf.layers.detection.box_coding import decode_boxes
from hrnet_tf.layers.detection.box_head import BoxHead
from hrnet_tf.layers.detection.convention import convention_of
from hrnet_tf.layers.detection.mask_head import MaskHead
from hrnet_tf.layers.detection.nms import suppress_classes
from hrnet_tf.layers.detection.proposals import make_proposals
from hrnet_tf.layers.detection.roi_align import Cells, cells_of, roi_align
from hrnet_tf.layers.detection.rpn_head import RegionProposalHead
from hrnet_tf.layers.pyramid import HighResolutionPyramid
from hrnet_tf.losses.detection.rules import two_stage_rule
from hrnet_tf.lowlevel.internals import is_traced_for_xla
from hrnet_tf.models import heads
from hrnet_tf.models.detector import HRNetDetector, as_detections, check_detector
from hrnet_tf.models.pyramid import XAVIER_UNIFORM
from hrnet_tf.models.two_stage_training import TwoStageTraining
from hrnet_tf.typing import Tensor

LEVELS = ("P2", "P3", "P4", "P5", "P6")
STRIDES = (4, 8, 16, 32, 64)
# Levels that regions are read from.
_REGION_LEVELS = 4
BOX_BINS = 7
MASK_BINS = 14
OVERLAP = 0.5
# Parts of the regions that heads look at one after another.
_NUM_PARTS = 4


class TwoStageDetector(TwoStageTraining, HRNetDetector):
    """A pyramid with a region proposal network, and heads for regions beside it.

    Args:
        stds: of each stage four floats, which its box deltas are divided by.
        class_agnostic: bool, see `BoxHead`.
        num_classes, with_masks, convention, image_size, num_channels, class_names,
            name, body: see `HRNetFasterRCNN`.
    Attributes:
        rpn_head: `RegionProposalHead`, which the call's graph holds.
        box_heads: list of `BoxHead`, one a stage.
        mask_heads: list of `MaskHead`, one a stage, or empty.
    """

    def __init__(
        self,
        stds: Sequence[Sequence[float]],
        class_agnostic: bool,
        num_classes: int,
        with_masks: bool,
        convention: str,
        image_size: tuple[int, int] | None,
        num_channels: int,
        class_names: Sequence[str] | None,
        name: str,
        body: dict[str, Any],
    ) -> None:
        class_names = check_detector(num_classes, convention, class_names)
        built = heads.make_body(image_size=image_size, **body)
        policy = built.unit["dtype"]
        levels = HighResolutionPyramid(
            num_channels,
            kernel_initializer=XAVIER_UNIFORM,
            dtype=policy,
            name="pyramid",
        )(built.streams)
        rpn_head = RegionProposalHead(num_channels, dtype=policy, name="rpn_head")
        scores, deltas = rpn_head(levels)
        outputs = dict(zip(LEVELS, levels, strict=True))
        outputs |= {f"rpn_scores_{n}": x for n, x in zip(LEVELS, scores, strict=True)}
        outputs |= {f"rpn_deltas_{n}": x for n, x in zip(LEVELS, deltas, strict=True)}
        super().__init__(
            inputs=built.inputs,
            outputs=outputs,
            arguments={
                **built.arguments,
                "num_classes": num_classes,
                "with_masks": with_masks,
                "convention": convention,
                "num_channels": num_channels,
                "class_names": class_names,
            },
            name=name,
        )
        self.backbone = built.backbone
        self.rpn_head = rpn_head
        self.with_masks = with_masks
        self.level_names, self.level_strides = LEVELS, STRIDES
        self.training_rule = two_stage_rule(convention, len(stds))
        self.stds = tuple(tuple(map(float, stage)) for stage in stds)
        rules = convention_of(convention)
        self.box_heads = [
            BoxHead(
                num_classes,
                class_agnostic,
                rules.background_outputs and not class_agnostic,
                dtype=policy,
                name=f"box_head{i}",
            )
            for i in range(len(stds))
        ]
        self.mask_heads = [
            MaskHead(
                num_classes,
                rules.background_outputs,
                num_channels,
                dtype=policy,
                name=f"mask_head{i}",
            )
            for i in range(len(stds) if with_masks else 0)
        ]
        for head in self.box_heads:
            head.build((None, BOX_BINS, BOX_BINS, num_channels))
        for head in self.mask_heads:
            head.build((None, MASK_BINS, MASK_BINS, num_channels))

    def _heads(self):
        return [*self.box_heads, *self.mask_heads]

    def proposals(
        self,
        outputs: Mapping[str, Tensor],
        image_sizes: Tensor,
        training: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Returns the regions that are worth a second look.

        Args:
            outputs: dict, of a call of the model.
            image_sizes: `[B, 2]`, heights and widths without padding.
            training: bool. Other numbers of candidates are looked at in training.
        Returns:
            Boxes, float32 `[B, K, 4]`, and scores, float32 `[B, K]`, the best first;
            zero boxes of a score of -inf where there are no more. No gradient flows
            through them.
        """
        rules = self.rules
        boxes, scores = make_proposals(
            [outputs[f"rpn_scores_{name}"] for name in LEVELS],
            [outputs[f"rpn_deltas_{name}"] for name in LEVELS],
            STRIDES,
            keras.ops.cast(image_sizes, "float32"),
            rules,
            rules.rpn_candidates[bool(training)],
            rules.num_proposals[bool(training)],
            is_traced_for_xla(),
        )
        return keras.ops.stop_gradient(boxes), keras.ops.stop_gradient(scores)

    def region_features(
        self,
        pyramid: Mapping[str, Tensor] | Cells,
        rois: Tensor,
        size: int = BOX_BINS,
    ) -> Tensor:
        """Returns the features of regions, `[B, R, size, size, num_channels]`.

        Args:
            pyramid: dict with "P2" to "P5", such as a call's; or `Cells` of these.
            rois: float32 `[B, R, 4]`, corners x1, y1, x2, y2.
            size: int. Bins along each side.
        """
        cells = pyramid if isinstance(pyramid, Cells) else _region_cells(pyramid)
        strides = STRIDES[:_REGION_LEVELS]
        static = is_traced_for_xla()
        return roi_align(cells, rois, strides, size, self.rules, static)

    def box_outputs(
        self,
        pyramid: Mapping[str, Tensor] | Cells,
        rois: Tensor,
        stage: int = 0,
        training: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Returns what a stage's head says of regions.

        Args:
            pyramid, rois: see `region_features`.
            stage: int.
            training: bool.
        Returns:
            Logits, float32 `[B, R, num_classes + 1]`, the background last whatever the
            convention, and deltas, float32 `[B, R, num_classes, 4]`, or `[B, R, 1, 4]`
            where they are class-agnostic; divided by the stage's `stds`.
        """
        features = self.region_features(pyramid, rois)
        logits, deltas = _by_region(self.box_heads[stage], features, training)
        return logits, deltas

    def mask_logits(
        self,
        pyramid: Mapping[str, Tensor],
        rois: Tensor,
        stage: int = 0,
        training: bool = False,
    ) -> Tensor:
        """Returns the masks of regions, float32 `[B, R, 28, 28, num_classes]`.

        Args:
            pyramid, rois: see `region_features`.
            stage: int.
            training: bool.
        Raises:
            ValueError: if the model has no mask head.
        """
        if not self.mask_heads:
            raise ValueError(
                f"{self.name} has no mask head. Build it with with_masks=True."
            )
        features = self.region_features(pyramid, rois, MASK_BINS)
        (masks,) = _by_region(self.mask_heads[stage], features, training)
        return masks

    def refine(
        self, rois: Tensor, deltas: Tensor, image_sizes: Tensor, stage: int = 0
    ) -> Tensor:
        """Returns the boxes that a stage's deltas lead to, clipped to their images.

        Args:
            rois: float32 `[B, R, 4]`.
            deltas: float32 `[B, R, D, 4]`, of `box_outputs`.
            image_sizes: `[B, 2]`.
            stage: int.
        Returns:
            float32 `[B, R, D, 4]`.
        """
        sizes = keras.ops.cast(image_sizes, "float32")[:, None, None]
        return decode_boxes(
            rois[:, :, None], deltas, self.rules, self.stds[stage], sizes
        )

    def _find(self, outputs, image_sizes, threshold, count):
        import tensorflow as tf

        rois, found = self.proposals(outputs, image_sizes)
        logits, boxes = self._classify(outputs, rois, image_sizes)
        scores = tf.nn.softmax(logits)[..., : self.num_classes]
        counts = (scores > threshold) & tf.math.is_finite(found)[..., None]
        scores = tf.where(counts, scores, float("-inf"))
        detections = as_detections(
            *suppress_classes(
                boxes, scores, OVERLAP, count, self.rules, is_traced_for_xla()
            )
        )
        if self.mask_heads:
            detections["mask_logits"] = self._draw(outputs, detections)
        return detections

    def _classify(self, outputs, rois, image_sizes):
        """Logits `[B, R, C + 1]`, and boxes `[B, R, C or 1, 4]`, of all stages."""
        total: Any = 0.0
        last = len(self.box_heads) - 1
        cells = _region_cells(outputs)
        for stage in range(last + 1):
            logits, deltas = self._by_parts(cells, rois, stage)
            boxes = self.refine(rois, deltas, image_sizes, stage)
            if stage < last:
                rois = boxes[:, :, 0]
            total = total + logits
        return total / (last + 1), boxes

    def _by_parts(self, cells, rois, stage):
        """`box_outputs`, of some regions after the others: features take memory."""
        import tensorflow as tf

        known, found = rois.shape[1], []
        total = tf.shape(rois)[1] if known is None else known
        for part in range(_NUM_PARTS):
            begin, end = (total * k // _NUM_PARTS for k in (part, part + 1))
            with tf.control_dependencies(found[-1] if found else []):
                own = tf.identity(rois[:, begin:end])
            found.append(self.box_outputs(cells, own, stage))
        logits, deltas = (tf.concat(x, 1) for x in zip(*found, strict=True))
        return (
            tf.ensure_shape(logits, (*rois.shape[:2], *logits.shape[2:])),
            tf.ensure_shape(deltas, (*rois.shape[:2], *deltas.shape[2:])),
        )

    def _draw(self, outputs, detections):
        """Logits `[B, N, 28, 28]` of the masks of detections, of their own classes."""
        import tensorflow as tf

        classes = tf.maximum(detections["classes"], 0)
        features = self.region_features(outputs, detections["boxes"], MASK_BINS)
        masks = []
        for head in self.mask_heads:
            (logits,) = _by_region(head, features, False)
            logits = tf.gather(logits, classes, axis=-1, batch_dims=2)
            masks.append(logits)
        if len(masks) == 1:
            return masks[0]
        # Stages are averaged as probabilities.
        mean = tf.add_n([tf.sigmoid(x) for x in masks]) / len(masks)
        mean = tf.clip_by_value(mean, 1e-7, 1 - 1e-7)
        return tf.math.log(mean) - tf.math.log1p(-mean)


def _region_cells(pyramid):
    """`Cells` of the levels that regions are read from."""
    return cells_of([pyramid[name] for name in LEVELS[:_REGION_LEVELS]])


def _by_region(head, features, training):
    """Calls a head on features `[B, R, ...]`; its outputs start with `[B, R]` too."""
    ops = keras.ops
    batch, count = ops.shape(features)[:2]
    flat = ops.reshape(features, (-1, *features.shape[2:]))
    found = head(flat, training=training)
    found = found if isinstance(found, (list, tuple)) else (found,)
    return [ops.reshape(x, (batch, count, *x.shape[1:])) for x in found]
