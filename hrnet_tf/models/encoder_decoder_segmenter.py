"""A comparison system of the papers: encoder and decoder, for segmentation."""

from typing import Any

import keras

from hrnet_tf.models import vgg
from hrnet_tf.models.encoder_decoder import check_encoder, encode_and_decode
from hrnet_tf.models.presets import ENCODER_DECODERS
from hrnet_tf.models.series_segmenter import SeriesSegmenter


@keras.saving.register_keras_serializable(package="hrnet_tf")
class EncoderDecoderSegmenter(SeriesSegmenter):
    """A network of classification without its top, and three transposed convolutions.

    Args:
        encoder: see `EncoderDecoderPose`.
        name: str. Name of the model.
        **shared: see `SeriesSegmenter`.
    Call arguments:
        inputs: tensor `[B, H, W, 3]`.
        training: bool.
    Returns:
        Logits, float32 `[B, ceil(H/4), ceil(W/4), num_classes]`.
    Raises:
        ValueError: if an argument is out of its range.
    Reference:
        arXiv 1908.07919, figure 1.
    """

    architectures = ENCODER_DECODERS

    def __init__(
        self,
        encoder: str = "vgg16",
        name: str = "encoder_decoder_segmenter",
        **shared: Any,
    ) -> None:
        check_encoder(encoder)

        def body(x, unit, num_classes):
            return vgg.head(encode_and_decode(x, encoder, unit), num_classes, unit)

        super().__init__(body, {"encoder": encoder}, name=name, **shared)
