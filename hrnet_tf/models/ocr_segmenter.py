"""Semantic segmentation with object-contextual representations: HRNetV2 + OCR."""

from typing import Any

import keras

from hrnet_tf.layers.conv_norm import ConvNorm
from hrnet_tf.layers.object_context import ObjectContext
from hrnet_tf.models import heads
from hrnet_tf.models.base import HRNetModel, check_count, check_names
from hrnet_tf.models.classifier import LINEAR_INITIALIZER
from hrnet_tf.typing import Initializer


@keras.saving.register_keras_serializable(package="hrnet_tf")
class HRNetOCRSegmenter(HRNetModel):
    """HRNetV2 + OCR: two maps of logits, the auxiliary one guides the main one.

    Train with `loss={"aux": ..., "main": ...}` and the official
    `loss_weights={"aux": 0.4, "main": 1.0}`; predictions are read from "main".

    Args:
        num_classes: int. Number of classes.
        image_size: (height, width) or None for any size, odd ones too.
        upsample_logits: bool. True resizes the logits to the size of the input.
        label_set: dict or None. `LabelSet.to_dict()` of the classes; it does not change
            the graph, and travels with the saved model.
        interpolation: see `HRNetBackbone`.
        head_initializer: Keras initializer of the kernels behind the backbone; the
            default is the official one, PyTorch's own for convolutions.
        name: str. Name of the model.
        **body: other arguments of `HRNetBackbone`, such as `width` and `dtype`.
    Call arguments:
        inputs: tensor `[B, H, W, 3]`, RGB pixels 0..255 (normalised input with
            `include_preprocessing=False`).
        training: bool.
    Returns:
        A dict of logits "aux" and "main", float32 `[B, ceil(H/4), ceil(W/4),
        num_classes]` each, or `[B, H, W, num_classes]` with `upsample_logits`.
    Raises:
        ValueError: if an argument is out of its range.
    Reference:
        arXiv 1909.11065; HRNet-Semantic-Segmentation, branch HRNet-OCR.
    """

    def __init__(
        self,
        num_classes: int = 19,
        image_size: tuple[int, int] | None = None,
        upsample_logits: bool = False,
        label_set: dict[str, Any] | None = None,
        interpolation: str = "bilinear_align_corners",
        head_initializer: Initializer = LINEAR_INITIALIZER,
        name: str = "hrnet_ocr_segmenter",
        **body: Any,
    ) -> None:
        check_count(num_classes=num_classes)
        check_names(num_classes, "label_set", label_set, "classes")
        built = heads.make_body(
            image_size=image_size, interpolation=interpolation, **body
        )
        streams = heads.concatenate_streams(built)
        head_initializer = keras.initializers.get(head_initializer)
        unit = {**built.unit, "kernel_initializer": head_initializer}
        built = built._replace(unit=unit)
        mixed = heads.mix(built, streams, name="aux_mixer")
        aux = heads.predict(built, mixed, num_classes, name="aux_head")
        pixels = ConvNorm(512, 3, use_bias=True, name="ocr_conv", **built.unit)(streams)
        pixels = ObjectContext(512, name="object_context", **built.unit)((pixels, aux))
        logits = {"aux": aux, "main": heads.predict(built, pixels, num_classes)}
        if upsample_logits:
            logits = {
                name: heads.upsample(built, x, name=f"upsample_{name}")
                for name, x in logits.items()
            }
        super().__init__(
            inputs=built.inputs,
            outputs=logits,
            arguments={
                **built.arguments,
                "num_classes": num_classes,
                "upsample_logits": upsample_logits,
                "label_set": label_set,
                "head_initializer": keras.initializers.serialize(head_initializer),
            },
            name=name,
        )
        self.backbone = built.backbone
        self.num_classes = num_classes
