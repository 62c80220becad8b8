"""Names of OpenMMLab, and of variants of the official code, in the official ones."""

import re

_KEYPOINT_HEAD = r"(?:keypoint_)?head\."
_SEGMENTER = r"decode_head\."
_AUXILIARY = r"decode_head\.0\."
_CONTEXT = r"decode_head\.1\."
_ATTENTION = rf"{_CONTEXT}object_context_block\."
_OFFICIAL_ATTENTION = "ocr_distri_head.object_context_block."
# (pattern, official name); the first that matches counts.
_RULES = [
    (r"backbone\.(.+)", r"\1"),
    # Some versions of the official normalisation have no activation beside them, or
    # have one where others do not.
    (r"((?:conv3x3_ocr|aux_head)\.1)\.0\.(.+)", r"\1.\2"),
    (
        r"(ocr_distri_head\.(?:object_context_block\.f_\w+\.[13]|conv_bn_dropout\.1))"
        r"\.(weight|bias|running_\w+)",
        r"\1.0.\2",
    ),
    # mmpose. Before version 1.0 the last layer of several was a part of final_layer.
    (rf"{_KEYPOINT_HEAD}((?:final_layers|deconv_layers)\..+)", r"\1"),
    (rf"{_KEYPOINT_HEAD}final_layer\.(\d+\..+)", r"head.\1"),
    (rf"{_KEYPOINT_HEAD}(final_layer\..+)", r"\1"),
    (r"head\.conv_layers\.(.+)", r"head.\1"),
    # mmsegmentation.
    (rf"{_SEGMENTER}convs\.0\.conv\.(.+)", r"last_layer.0.\1"),
    (rf"{_SEGMENTER}convs\.0\.bn\.(.+)", r"last_layer.1.\1"),
    (rf"{_SEGMENTER}conv_seg\.(.+)", r"last_layer.3.\1"),
    (rf"{_AUXILIARY}convs\.0\.conv\.(.+)", r"aux_head.0.\1"),
    (rf"{_AUXILIARY}convs\.0\.bn\.(.+)", r"aux_head.1.\1"),
    (rf"{_AUXILIARY}conv_seg\.(.+)", r"aux_head.3.\1"),
    (rf"{_CONTEXT}bottleneck\.conv\.(.+)", r"conv3x3_ocr.0.\1"),
    (rf"{_CONTEXT}bottleneck\.bn\.(.+)", r"conv3x3_ocr.1.\1"),
    (rf"{_CONTEXT}conv_seg\.(.+)", r"cls_head.\1"),
    *(
        (
            rf"{_ATTENTION}{theirs}\.{part}\.(.+)",
            rf"{_OFFICIAL_ATTENTION}{official}.{place}.\1",
        )
        for theirs, official, index in (
            (r"query_project\.0", "f_pixel", 0),
            (r"query_project\.1", "f_pixel", 2),
            (r"key_project\.0", "f_object", 0),
            (r"key_project\.1", "f_object", 2),
            ("value_project", "f_down", 0),
            ("out_project", "f_up", 0),
        )
        for part, place in (("conv", index), ("bn", f"{index + 1}.0"))
    ),
    (
        rf"{_ATTENTION}bottleneck\.conv\.(.+)",
        r"ocr_distri_head.conv_bn_dropout.0.\1",
    ),
    (
        rf"{_ATTENTION}bottleneck\.bn\.(.+)",
        r"ocr_distri_head.conv_bn_dropout.1.0.\1",
    ),
    # mmdetection.
    (r"neck\.reduction_conv\.conv\.(.+)", r"neck.reduction_conv.0.\1"),
    (r"neck\.fpn_convs\.(\d+)\.conv\.(.+)", r"neck.fpn_conv.\1.\2"),
    # mmpretrain.
    (r"neck\.increase_layers\.(.+)", r"incre_modules.\1"),
    (r"neck\.downsample_layers\.(\d+)\.conv\.(.+)", r"downsamp_modules.\1.0.\2"),
    (r"neck\.downsample_layers\.(\d+)\.bn\.(.+)", r"downsamp_modules.\1.1.\2"),
    (r"neck\.final_layer\.conv\.(.+)", r"final_layer.0.\1"),
    (r"neck\.final_layer\.bn\.(.+)", r"final_layer.1.\1"),
    (r"head\.fc\.(.+)", r"classifier.\1"),
]
_PATTERNS = [(re.compile(theirs), official) for theirs, official in _RULES]


def official_spelling(name: str) -> str:
    """Returns a tensor's official name; itself if no other network's is known.

    Args:
        name: str, such as "decode_head.conv_seg.weight".
    """
    for pattern, official in _PATTERNS:
        match = pattern.fullmatch(name)
        if match:
            return match.expand(official)
    return name
