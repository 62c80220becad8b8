"""One-stage detection: FCOS."""

from collections.abc import Sequence
from typing import Any

import keras

from hrnet_tf.layers.detection.anchors import make_points
from hrnet_tf.layers.detection.box_coding import clip_boxes, has_area
from hrnet_tf.layers.detection.fcos_head import FCOSHead
from hrnet_tf.layers.detection.nms import suppress_flat
from hrnet_tf.layers.pyramid import HighResolutionPyramid
from hrnet_tf.losses.detection.rules import point_rule
from hrnet_tf.lowlevel.internals import is_traced_for_xla
from hrnet_tf.models import heads
from hrnet_tf.models.detector import HRNetDetector, as_detections, check_detector
from hrnet_tf.models.point_training import PointTraining
from hrnet_tf.models.pyramid import XAVIER_UNIFORM

FIRST_LEVELS = (2, 3)
# Pairs of place and class that are looked at on each level.
_NUM_CANDIDATES = 1000


@keras.saving.register_keras_serializable(package="hrnet_tf")
class HRNetFCOS(PointTraining, HRNetDetector):
    """FCOS on HRNetV2p: each cell says what object it lies in, and how far its borders.

    Args:
        num_classes: int. Classes.
        convention: "mmdet" for the arithmetic of mmdetection, or "official" for that of
            HRNet-FCOS, whose towers have biases too; see `Convention`.
        first_level: 3, for levels of strides 8, 16 and so on, or 2 for strides from 4
            on, as HRNet-FCOS has them with six levels.
        num_levels: int.
        image_size, num_channels, class_names, **body: see `HRNetFasterRCNN`.
        name: str. Name of the model.
    Call arguments:
        inputs: tensor `[B, H, W, 3]`, RGB pixels 0..255 (normalised input with
            `include_preprocessing=False`).
        training: bool.
    Returns:
        A dict of the levels "P3" to "P7" `[B, h, w, num_channels]`, and of each level
        "class_logits_P3", float32 `[B, h, w, num_classes]`, "boxes_P3", float32
        `[B, h, w, 4]`, the distances of the left, upper, right and lower border in
        pixels, and "centerness_P3", float32 logits `[B, h, w, 1]`.
    Raises:
        ValueError: if an argument is out of its range.
    Reference:
        arXiv 1904.01355; HRNet-FCOS.
    """

    def __init__(
        self,
        num_classes: int = 80,
        convention: str = "mmdet",
        first_level: int = 3,
        num_levels: int = 5,
        image_size: tuple[int, int] | None = None,
        num_channels: int = 256,
        class_names: Sequence[str] | None = None,
        name: str = "hrnet_fcos",
        **body: Any,
    ) -> None:
        class_names = check_detector(num_classes, convention, class_names)
        if first_level not in FIRST_LEVELS or not 1 <= num_levels <= 6:
            raise ValueError(
                f"first_level must be one of {FIRST_LEVELS}, and num_levels 1 to 6."
                f" Received: first_level={first_level!r}, num_levels={num_levels!r}."
            )
        built = heads.make_body(image_size=image_size, **body)
        policy = built.unit["dtype"]
        levels = HighResolutionPyramid(
            num_channels,
            num_levels,
            kernel_initializer=XAVIER_UNIFORM,
            strides=2 if first_level == 3 else 1,
            dtype=policy,
            name="pyramid",
        )(built.streams)
        head = FCOSHead(
            num_classes,
            num_levels,
            tower_bias=convention == "official",
            filters=num_channels,
            dtype=policy,
            name="fcos_head",
        )
        names = [f"P{first_level + i}" for i in range(num_levels)]
        outputs = dict(zip(names, levels, strict=True))
        for title, found in zip(
            ("class_logits", "boxes", "centerness"), head(levels), strict=True
        ):
            outputs |= {f"{title}_{n}": x for n, x in zip(names, found, strict=True)}
        super().__init__(
            inputs=built.inputs,
            outputs=outputs,
            arguments={
                **built.arguments,
                "num_classes": num_classes,
                "convention": convention,
                "first_level": first_level,
                "num_levels": num_levels,
                "num_channels": num_channels,
                "class_names": class_names,
            },
            name=name,
        )
        self.backbone = built.backbone
        self.fcos_head = head
        self.training_rule = point_rule(convention)
        self.num_levels = num_levels
        self.level_names = tuple(names)
        self.level_strides = tuple(2 ** (first_level + i) for i in range(num_levels))

    def _find(self, outputs, image_sizes, threshold, count):
        import tensorflow as tf

        rules = self.rules
        levels = [
            self._candidates(outputs, name, stride, threshold)
            for name, stride in zip(self.level_names, self.level_strides, strict=True)
        ]
        boxes, scores, classes = (tf.concat(x, 1) for x in zip(*levels, strict=True))
        boxes = clip_boxes(boxes, image_sizes[:, None], rules)
        if not rules.extent:
            scores = tf.where(has_area(boxes, rules), scores, float("-inf"))
        overlap = 0.6 if rules.legacy_points else 0.5
        found = suppress_flat(
            boxes,
            scores,
            classes,
            self.num_classes,
            overlap,
            count,
            rules,
            is_traced_for_xla(),
        )
        return as_detections(*found)

    def _candidates(self, outputs, name, stride, threshold):
        """Boxes `[B, n, 4]`, scores and classes `[B, n]` of a level; -inf fills up."""
        import tensorflow as tf

        logits = outputs[f"class_logits_{name}"]
        batch, *size, _ = keras.ops.shape(logits)
        scores = tf.reshape(tf.sigmoid(logits), [batch, -1, self.num_classes])
        centerness = tf.sigmoid(
            tf.reshape(outputs[f"centerness_{name}"], [batch, -1, 1])
        )
        counts = scores > threshold
        if self.rules.legacy_points:
            scores = scores * centerness
        scores = tf.reshape(tf.where(counts, scores, float("-inf")), [batch, -1])
        number = scores.shape[1]
        number = tf.shape(scores)[1] if number is None else number
        best, places = tf.math.top_k(scores, tf.minimum(_NUM_CANDIDATES, number))
        cells, classes = places // self.num_classes, places % self.num_classes
        if not self.rules.legacy_points:
            best = best * tf.gather(centerness[..., 0], cells, batch_dims=1)
        points = tf.reshape(make_points((size[0], size[1]), stride), [-1, 2])
        points = tf.gather(points, cells)
        sides = tf.reshape(outputs[f"boxes_{name}"], [batch, -1, 4])
        sides = tf.gather(sides, cells, batch_dims=1)
        boxes = tf.concat([points - sides[..., :2], points + sides[..., 2:]], -1)
        return boxes, best, classes
