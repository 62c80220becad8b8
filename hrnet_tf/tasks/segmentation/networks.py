"""The networks of segmentation, by the names of their presets."""

from typing import Any

from hrnet_tf.models.deconvnet_segmenter import DeconvNetSegmenter
from hrnet_tf.models.deeplab_segmenter import DeepLabSegmenter
from hrnet_tf.models.encoder_decoder_segmenter import EncoderDecoderSegmenter
from hrnet_tf.models.fcn_segmenter import FCNSegmenter
from hrnet_tf.models.networks import network_from_preset
from hrnet_tf.models.ocr_segmenter import HRNetOCRSegmenter
from hrnet_tf.models.segmenter import HRNetSegmenter
from hrnet_tf.models.segnet_segmenter import SegNetSegmenter
from hrnet_tf.models.unet_segmenter import UNetSegmenter

# Those that HRNet is compared with.
SERIES = (
    UNetSegmenter,
    SegNetSegmenter,
    FCNSegmenter,
    DeconvNetSegmenter,
    DeepLabSegmenter,
    EncoderDecoderSegmenter,
)
NETWORKS = (HRNetSegmenter, HRNetOCRSegmenter, *SERIES)
# What is of HRNet alone.
_OF_HRNET = ("interpolation",)


def segmentation_network(preset: str, ocr: bool = False, **arguments: Any) -> Any:
    """Builds the network of a preset, whichever class of segmentation has it.

    Args:
        preset: str, such as "hrnet_w48" or "unet"; arguments may follow, as in
            "hrnet_w48:exchanges=final", and win over the others.
        ocr: bool. True gives an HRNet object-contextual representations.
        **arguments: of `HRNetSegmenter`; those that are HRNet's alone are left out for
            the others.
    Returns:
        An `HRNetModel`.
    Raises:
        ValueError: if no class has the preset.
    """
    classes = (HRNetOCRSegmenter,) if ocr else (HRNetSegmenter, *SERIES)
    return network_from_preset(classes, preset, _OF_HRNET, arguments)
