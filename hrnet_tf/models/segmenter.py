"""Semantic segmentation: HRNetV2."""

from typing import Any

import keras

from hrnet_tf.models import heads
from hrnet_tf.models.base import HRNetModel, check_count, check_names


@keras.saving.register_keras_serializable(package="hrnet_tf")
class HRNetSegmenter(HRNetModel):
    """HRNetV2 for semantic segmentation: logits of each class at a quarter of the size.

    Args:
        num_classes: int. Number of classes.
        image_size: (height, width) or None for any size, odd ones too.
        upsample_logits: bool. True resizes the logits to the size of the input.
        label_set: dict or None. `LabelSet.to_dict()` of the classes; it does not change
            the graph, and travels with the saved model.
        interpolation: see `HRNetBackbone`. The first official networks were trained
            with "bilinear", those of the object-contextual branch with
            "bilinear_align_corners".
        momentum: float. Momentum of the batch normalisations (Keras convention); 0.9
            in the object-contextual branch.
        name: str. Name of the model.
        **body: other arguments of `HRNetBackbone`, such as `width` and `dtype`.
    Call arguments:
        inputs: tensor `[B, H, W, 3]`, RGB pixels 0..255 (normalised input with
            `include_preprocessing=False`).
        training: bool.
    Returns:
        Logits, float32 `[B, ceil(H/4), ceil(W/4), num_classes]`, or `[B, H, W,
        num_classes]` with `upsample_logits`.
    Raises:
        ValueError: if an argument is out of its range.
    Reference:
        arXiv 1908.07919, sections 3.3 and 5; HRNet-Semantic-Segmentation.
    """

    def __init__(
        self,
        num_classes: int = 19,
        image_size: tuple[int, int] | None = None,
        upsample_logits: bool = False,
        label_set: dict[str, Any] | None = None,
        interpolation: str = "bilinear",
        momentum: float = 0.99,
        name: str = "hrnet_segmenter",
        **body: Any,
    ) -> None:
        check_count(num_classes=num_classes)
        check_names(num_classes, "label_set", label_set, "classes")
        built = heads.make_body(
            image_size=image_size,
            interpolation=interpolation,
            momentum=momentum,
            **body,
        )
        features = heads.mix(built, heads.concatenate_streams(built))
        logits = heads.predict(built, features, num_classes)
        if upsample_logits:
            logits = heads.upsample(built, logits)
        super().__init__(
            inputs=built.inputs,
            outputs=logits,
            arguments={
                **built.arguments,
                "num_classes": num_classes,
                "upsample_logits": upsample_logits,
                "label_set": label_set,
            },
            name=name,
        )
        self.backbone = built.backbone
        self.num_classes = num_classes
