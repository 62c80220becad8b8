"""A comparison system of the papers: encoder and decoder, for pose."""

from typing import Any

import keras

from hrnet_tf.models.encoder_decoder import check_encoder, encode_and_decode
from hrnet_tf.models.presets import ENCODER_DECODERS
from hrnet_tf.models.series_pose import SeriesPose


@keras.saving.register_keras_serializable(package="hrnet_tf")
class EncoderDecoderPose(SeriesPose):
    """A network of classification without its top, and three transposed convolutions.

    As SimpleBaseline, on other encoders than PyTorch's ResNets.

    Args:
        encoder: "resnet50", "resnet101", "resnet152", "vgg16", "vgg19" (of
            `keras.applications`), "googlenet" or "alexnet".
        name: str. Name of the model.
        **shared: see `SeriesPose`.
    Call arguments:
        inputs: tensor `[B, H, W, 3]`.
        training: bool.
    Returns:
        Heatmaps, float32 `[B, H/4, W/4, num_keypoints]`.
    Raises:
        ValueError: if an argument is out of its range.
    Reference:
        arXiv 1908.07919, figure 1; arXiv 1804.06208.
    """

    architectures = ENCODER_DECODERS

    def __init__(
        self,
        encoder: str = "vgg16",
        name: str = "encoder_decoder_pose",
        **shared: Any,
    ) -> None:
        check_encoder(encoder)

        def body(x, unit):
            return encode_and_decode(x, encoder, unit)

        super().__init__(body, {"encoder": encoder}, name=name, **shared)
