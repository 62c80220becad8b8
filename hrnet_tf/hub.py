"""HRNet as a backbone of KerasHub's models. Needs the extra "hub"."""

from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from hrnet_tf.models.base import HRNetModel


try:
    from keras_hub.models import FeaturePyramidBackbone
except ImportError as error:
    raise ImportError(
        "hrnet_tf.hub needs KerasHub, which cannot be imported here"
        f" ({error}). Install it with: pip install 'hrnet_tf[hub]'"
    ) from error

from hrnet_tf.models.backbone import HRNetBackbone
from hrnet_tf.models.pyramid import HRNetFeaturePyramid


@keras.saving.register_keras_serializable(package="hrnet_tf")
class HubBackbone(FeaturePyramidBackbone):
    """An HRNet that KerasHub's detectors and segmenters take as their backbone.

        encoder = HubBackbone(HRNetBackbone.from_preset("hrnet_w18"))
        pyramid = keras_hub.models.RetinaNetBackbone(
            encoder, min_level=3, max_level=7, use_p5=False
        )
        detector = keras_hub.models.RetinaNetObjectDetector(pyramid, num_classes=80)

    It shares the layers, and so the weights, of the model that it is made of.

    Args:
        model: `HRNetBackbone`, whose streams are the levels "P2" to "P5", or
            `HRNetFeaturePyramid` with its own levels "P2" to "P6".
        **kwargs: `name` and what else `keras.Model` takes.
    Call arguments:
        inputs: tensor `[B, H, W, 3]`, RGB pixels 0..255 (normalised input if the model
            was built with `include_preprocessing=False`).
        training: bool.
    Returns:
        A dict of the levels' tensors, "Pn" `[B, H / 2**n, W / 2**n, C_n]`.
    Attributes:
        pyramid_outputs: dict of Keras tensors, the levels.
    Raises:
        ValueError: if `model` is neither of these.
    """

    def __init__(self, model: "HRNetModel", **kwargs: Any) -> None:
        if not isinstance(model, (HRNetBackbone, HRNetFeaturePyramid)):
            raise ValueError(
                "Expected an HRNetBackbone or an HRNetFeaturePyramid. Received:"
                f" {type(model).__name__}. Of a model with a head, pass"
                " model.backbone."
            )
        # Its levels by name: Keras lists a model's outputs in the order of the keys.
        levels = dict(zip(sorted(model.output), model.outputs, strict=True))
        super().__init__(
            inputs=model.inputs,
            outputs=levels,
            dtype=model.arguments["dtype"],
            **{"name": "hrnet_hub_backbone", **kwargs},
        )
        self.model = model
        self.pyramid_outputs = levels

    def get_config(self) -> dict[str, Any]:
        return {
            "model": keras.saving.serialize_keras_object(self.model),
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None
    ) -> "HubBackbone":
        model = keras.saving.deserialize_keras_object(config["model"], custom_objects)
        return cls(**{**config, "model": model})
