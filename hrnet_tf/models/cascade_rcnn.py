"""Detection in several stages: Cascade R-CNN, also with mask heads."""

from collections.abc import Sequence
from typing import Any

import keras

from hrnet_tf.models.two_stage import TwoStageDetector

# Of the three stages: what box deltas are divided by, each stage more precise.
STDS = (
    (0.1, 0.1, 0.2, 0.2),
    (0.05, 0.05, 0.1, 0.1),
    (0.033, 0.033, 0.067, 0.067),
)


@keras.saving.register_keras_serializable(package="hrnet_tf")
class HRNetCascadeRCNN(TwoStageDetector):
    """Cascade R-CNN on HRNetV2p: three box heads, each on the boxes of the one before.

    In inference the logits of the stages are averaged, and so are the probabilities of
    the masks; boxes are those of the last stage.

    Args:
        with_masks: bool. True adds a mask head to each stage.
        num_classes, convention, image_size, num_channels, class_names, **body: see
            `HRNetFasterRCNN`.
        name: str. Name of the model.
    Call arguments:
        inputs, training: see `HRNetFasterRCNN`.
    Returns:
        The dict of `HRNetFasterRCNN`.
    Raises:
        ValueError: if an argument is out of its range.
    Reference:
        arXiv 1712.00726 and 1908.07919, section 6.
    """

    def __init__(
        self,
        num_classes: int = 80,
        with_masks: bool = False,
        convention: str = "mmdet",
        image_size: tuple[int, int] | None = None,
        num_channels: int = 256,
        class_names: Sequence[str] | None = None,
        name: str = "hrnet_cascade_rcnn",
        **body: Any,
    ) -> None:
        super().__init__(
            stds=STDS,
            class_agnostic=True,
            num_classes=num_classes,
            with_masks=with_masks,
            convention=convention,
            image_size=image_size,
            num_channels=num_channels,
            class_names=class_names,
            name=name,
            body=body,
        )
