"""Feature pyramid for detectors: HRNetV2p."""

from typing import Any

import keras

from hrnet_tf.layers.pyramid import HighResolutionPyramid
from hrnet_tf.models import heads
from hrnet_tf.models.base import HRNetModel, check_count, default_initializer

# Keras spells Xavier's uniform distribution, the official neck's, this way.
XAVIER_UNIFORM = default_initializer(keras.initializers.GlorotUniform)


@keras.saving.register_keras_serializable(package="hrnet_tf")
class HRNetFeaturePyramid(HRNetModel):
    """HRNetV2p: five maps of equal width at strides 4 to 64, for detectors.

    Args:
        num_channels: int. Channels of every level.
        image_size: (height, width) or None for any size, sides divisible by 32.
        name: str. Name of the model.
        **body: other arguments of `HRNetBackbone`, such as `width` and
            `frozen_statistics`, which the official detectors set.
    Call arguments:
        inputs: tensor `[B, H, W, 3]`, RGB pixels 0..255 (normalised input with
            `include_preprocessing=False`).
        training: bool.
    Returns:
        A dict "P2" to "P6" of tensors `[B, H / 2**i, W / 2**i, num_channels]` in the
        compute dtype, for i = 2 to 6, sizes rounded down.
    Raises:
        ValueError: if an argument is out of its range.
    Reference:
        arXiv 1908.07919, sections 3.3 and 6; HRNet-Object-Detection.
    """

    def __init__(
        self,
        num_channels: int = 256,
        image_size: tuple[int, int] | None = None,
        name: str = "hrnet_feature_pyramid",
        **body: Any,
    ) -> None:
        check_count(num_channels=num_channels)
        built = heads.make_body(image_size=image_size, **body)
        levels = HighResolutionPyramid(
            num_channels,
            kernel_initializer=XAVIER_UNIFORM,
            dtype=built.unit["dtype"],
            name="pyramid",
        )(built.streams)
        super().__init__(
            inputs=built.inputs,
            outputs={f"P{i + 2}": x for i, x in enumerate(levels)},
            arguments={**built.arguments, "num_channels": num_channels},
            name=name,
        )
        self.backbone = built.backbone
