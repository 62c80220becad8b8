"""What frameworks call the tensors of our models in their checkpoints.

Written from the other side than the code under test: from official names to theirs.
"""

import re

import numpy as np

CONTEXT = r"ocr_distri_head\.object_context_block\."
ATTENTION = "decode_head.1.object_context_block."
# The kind of model, and for its official names: (pattern, what the framework calls it,
# or None for what it does not have). Whatever no pattern matches is of the body.
FORMS = {
    "OpenMMLab pose network (mmpose 0.x)": (
        "pose",
        [(r"final_layer\.(.+)", r"keypoint_head.final_layer.\1")],
    ),
    "OpenMMLab pose network (mmpose 1.x)": (
        "pose",
        [(r"final_layer\.(.+)", r"head.final_layer.\1")],
    ),
    "OpenMMLab face landmark network (mmpose 0.x)": (
        "landmarks",
        [(r"head\.(.+)", r"keypoint_head.final_layer.\1")],
    ),
    "OpenMMLab face landmark network (mmpose 1.x)": (
        "landmarks",
        [
            (r"head\.3\.(.+)", r"head.final_layer.\1"),
            (r"head\.(.+)", r"head.conv_layers.\1"),
        ],
    ),
    "OpenMMLab segmentation network (mmsegmentation)": (
        "segmenter",
        [
            (r"last_layer\.0\.bias", None),
            (r"last_layer\.0\.(.+)", r"decode_head.convs.0.conv.\1"),
            (r"last_layer\.1\.(.+)", r"decode_head.convs.0.bn.\1"),
            (r"last_layer\.3\.(.+)", r"decode_head.conv_seg.\1"),
        ],
    ),
    "OpenMMLab segmentation network with OCR (mmsegmentation)": (
        "ocr_segmenter",
        [
            (r"(?:aux_head|conv3x3_ocr)\.0\.bias", None),
            (r"aux_head\.0\.(.+)", r"decode_head.0.convs.0.conv.\1"),
            (r"aux_head\.1\.(.+)", r"decode_head.0.convs.0.bn.\1"),
            (r"aux_head\.3\.(.+)", r"decode_head.0.conv_seg.\1"),
            (r"conv3x3_ocr\.0\.(.+)", r"decode_head.1.bottleneck.conv.\1"),
            (r"conv3x3_ocr\.1\.(.+)", r"decode_head.1.bottleneck.bn.\1"),
            (rf"{CONTEXT}f_pixel\.0\.(.+)", rf"{ATTENTION}query_project.0.conv.\1"),
            (rf"{CONTEXT}f_pixel\.1\.0\.(.+)", rf"{ATTENTION}query_project.0.bn.\1"),
            (rf"{CONTEXT}f_pixel\.2\.(.+)", rf"{ATTENTION}query_project.1.conv.\1"),
            (rf"{CONTEXT}f_pixel\.3\.0\.(.+)", rf"{ATTENTION}query_project.1.bn.\1"),
            (rf"{CONTEXT}f_object\.0\.(.+)", rf"{ATTENTION}key_project.0.conv.\1"),
            (rf"{CONTEXT}f_object\.1\.0\.(.+)", rf"{ATTENTION}key_project.0.bn.\1"),
            (rf"{CONTEXT}f_object\.2\.(.+)", rf"{ATTENTION}key_project.1.conv.\1"),
            (rf"{CONTEXT}f_object\.3\.0\.(.+)", rf"{ATTENTION}key_project.1.bn.\1"),
            (rf"{CONTEXT}f_down\.0\.(.+)", rf"{ATTENTION}value_project.conv.\1"),
            (rf"{CONTEXT}f_down\.1\.0\.(.+)", rf"{ATTENTION}value_project.bn.\1"),
            (rf"{CONTEXT}f_up\.0\.(.+)", rf"{ATTENTION}out_project.conv.\1"),
            (rf"{CONTEXT}f_up\.1\.0\.(.+)", rf"{ATTENTION}out_project.bn.\1"),
            (
                r"ocr_distri_head\.conv_bn_dropout\.0\.(.+)",
                rf"{ATTENTION}bottleneck.conv.\1",
            ),
            (
                r"ocr_distri_head\.conv_bn_dropout\.1\.0\.(.+)",
                rf"{ATTENTION}bottleneck.bn.\1",
            ),
            (r"cls_head\.(.+)", r"decode_head.1.conv_seg.\1"),
        ],
    ),
    "OpenMMLab detection network (mmdetection)": (
        "feature_pyramid",
        [
            (r"(backbone\..+)", r"\1"),
            (r"neck\.reduction_conv\.0\.(.+)", r"neck.reduction_conv.conv.\1"),
            (r"neck\.fpn_conv\.(\d)\.(.+)", r"neck.fpn_convs.\1.conv.\2"),
        ],
    ),
    "OpenMMLab classification network (mmpretrain)": (
        "classifier",
        [
            (r"(?:downsamp_modules\.\d|final_layer)\.0\.bias", None),
            (r"incre_modules\.(.+)", r"neck.increase_layers.\1"),
            (
                r"downsamp_modules\.(\d)\.0\.(.+)",
                r"neck.downsample_layers.\1.conv.\2",
            ),
            (r"downsamp_modules\.(\d)\.1\.(.+)", r"neck.downsample_layers.\1.bn.\2"),
            (r"final_layer\.0\.(.+)", r"neck.final_layer.conv.\1"),
            (r"final_layer\.1\.(.+)", r"neck.final_layer.bn.\1"),
            (r"classifier\.(.+)", r"head.fc.\1"),
        ],
    ),
    "OpenMMLab HigherHRNet (mmpose 0.x)": (
        "higher_pose",
        [(r"((?:final|deconv)_layers\..+)", r"keypoint_head.\1")],
    ),
}
TIMM = [(r"(?:downsamp_modules\.\d|final_layer)\.0\.bias", None), (r"(.+)", r"\1")]


def rename(tensors, rules, prefix="backbone."):
    """Returns tensors as another project calls them."""
    renamed = {}
    for name, array in tensors.items():
        found = ((re.fullmatch(p, name), theirs) for p, theirs in rules)
        match, theirs = next((f for f in found if f[0]), (None, f"{prefix}{name}"))
        theirs = match.expand(theirs) if match and theirs else theirs
        if theirs:
            renamed[theirs] = array
            if theirs.endswith("running_var"):
                counter = theirs.replace("running_var", "num_batches_tracked")
                renamed[counter] = np.array(3)
    return renamed
