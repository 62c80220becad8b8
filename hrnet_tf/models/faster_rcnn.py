"""Two-stage detection: Faster R-CNN, and with a mask head Mask R-CNN."""

from collections.abc import Sequence
from typing import Any

import keras

from hrnet_tf.models.two_stage import TwoStageDetector


@keras.saving.register_keras_serializable(package="hrnet_tf")
class HRNetFasterRCNN(TwoStageDetector):
    """Faster R-CNN on HRNetV2p; Mask R-CNN with a mask head.

    A call gives the dense outputs, from which `detect` makes boxes:

        model = HRNetFasterRCNN.from_preset("hrnet_w18_coco_faster_rcnn_2x")
        found = model.detect(images)  # boxes, scores, classes, num_detections

    Args:
        num_classes: int. Foreground classes.
        with_masks: bool. True adds a mask head.
        convention: "mmdet" for the arithmetic of mmdetection 2 and 3, or "official" for
            that of HRNet-Object-Detection; see `Convention`. It belongs to the weights.
        image_size: (height, width) or None for any size, sides divisible by 32;
            `detect` pads others.
        num_channels: int. Channels of the pyramid's levels.
        class_names: sequence of str or None. What the classes are called; it does not
            change the graph, and travels with the saved model.
        name: str. Name of the model.
        **body: other arguments of `HRNetBackbone`, such as `width` and
            `frozen_statistics`, which the official detectors set.
    Call arguments:
        inputs: tensor `[B, H, W, 3]`, RGB pixels 0..255 (normalised input with
            `include_preprocessing=False`).
        training: bool.
    Returns:
        A dict of the levels "P2" to "P6", see `HRNetFeaturePyramid`, and of each level
        logits of its anchors, "rpn_scores_P2", float32 `[B, H/4, W/4, 3]` and so on,
        and box deltas, "rpn_deltas_P2", float32 `[B, H/4, W/4, 12]` and so on.
    Raises:
        ValueError: if an argument is out of its range.
    Reference:
        arXiv 1506.01497, 1703.06870 and 1908.07919, section 6.
    """

    def __init__(
        self,
        num_classes: int = 80,
        with_masks: bool = False,
        convention: str = "mmdet",
        image_size: tuple[int, int] | None = None,
        num_channels: int = 256,
        class_names: Sequence[str] | None = None,
        name: str = "hrnet_faster_rcnn",
        **body: Any,
    ) -> None:
        super().__init__(
            stds=((0.1, 0.1, 0.2, 0.2),),
            class_agnostic=False,
            num_classes=num_classes,
            with_masks=with_masks,
            convention=convention,
            image_size=image_size,
            num_channels=num_channels,
            class_names=class_names,
            name=name,
            body=body,
        )
