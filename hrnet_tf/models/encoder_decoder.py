"""Encoders of plain networks, and a decoder of transposed convolutions."""

from typing import Any

from hrnet_tf.layers.crop_like import CropLike
from hrnet_tf.layers.deconv_norm import DeconvNorm
from hrnet_tf.models.plain_networks import FEATURES
from hrnet_tf.typing import Tensor

ENCODERS = tuple(FEATURES)
DECODER_FILTERS = 256
_NUM_DECONVS = 3


def check_encoder(encoder: str) -> None:
    """Raises ValueError unless it is one of `ENCODERS`."""
    if encoder not in FEATURES:
        raise ValueError(
            f"encoder must be one of {ENCODERS}. Received: encoder={encoder!r}."
        )


def encode_and_decode(x: Tensor, encoder: str, unit: dict[str, Any]) -> Tensor:
    """Returns the features of an encoder-decoder.

    Args:
        x: Keras tensor `[B, H, W, 3]`, normalised.
        encoder: str, one of `ENCODERS`.
        unit: dict. Keyword arguments of layers.
    Returns:
        A Keras tensor `[B, ceil(H/4), ceil(W/4), 256]`.
    """
    image = x
    x = FEATURES[encoder](x, unit)
    for i in range(_NUM_DECONVS):
        x = DeconvNorm(DECODER_FILTERS, name=f"deconv{i}", **unit)(x)
    # Encoders round odd sides up.
    return CropLike(4, dtype=unit["dtype"], name="crop")((x, image))
