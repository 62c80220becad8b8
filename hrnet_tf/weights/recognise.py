"""Tells the architecture of a network from the names and shapes of its tensors."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from hrnet_tf.models.presets import (
    ARCHITECTURES,
    DEFAULTS,
    LITE_DEFAULTS,
    LITE_NETWORKS,
    RESNETS,
)

# What other networks are called, and patterns that must each be found in their names;
# the first that matches counts. Names are those of torchvision, timm and OpenMMLab.
_SIGNS = (
    ("an HRFormer", (r"stage\d\.\d+\.branches\.\d+\.\d+\.attn\.",)),
    ("a Lite-HRNet", (r"stage\d+\.\d+\.layers\.\d+\.", r"stage\d+\.\d+\.fuse_layers")),
    (
        "a Swin Transformer",
        (r"relative_position_bias_table", r"\.reduction\.weight"),
    ),
    (
        "a vision transformer (ViT)",
        (
            r"(?:blocks|layers?)\.(?:encoder_layer_)?\d+\.(?:\w*attention|attn)\.",
            r"pos_embed|cls_token|class_token|position_embedding",
        ),
    ),
    ("a ConvNeXt", (r"(?:stages\.\d+\.(?:blocks\.)?\d+\.gamma|layer_scale)",)),
    ("an EfficientNet", (r"_depthwise_conv\.|\d+\.\d+\.block\.\d+\.fc1",)),
    ("an EfficientNet or a MobileNet", (r"blocks\.\d+\.\d+\.conv_dw",)),
    (
        "a MobileNet",
        (r"features\.\d+\.(?:conv|block)\.|layer\d\.\d+\.conv\.\d+\.conv",),
    ),
    ("a DenseNet", (r"denseblock\d",)),
    ("an Inception network", (r"Mixed_\d\w|inception\d\w",)),
    ("a ShuffleNet", (r"(?:stage\d|layers\.\d+)\.\d+\.branch[12]\.",)),
    ("a RegNet", (r"trunk_output\.block\d|s1\.b1\.",)),
    ("an Hourglass network", (r"hourglass_modules\.|hg\.\d+\.",)),
    ("a CSPNeXt or CSPDarknet", (r"stage\d\.\d+\.(?:blocks|main_conv)\.",)),
    ("a YOLO", (r"^\d+\.(?:m\.\d+\.)?cv1\.",)),
    ("a VGG", (r"features\.0\.weight", r"features\.1[1-9]\.weight")),
)
_RESNETS = {
    (False, (2, 2, 2, 2)): "18",
    (False, (3, 4, 6, 3)): "34",
    **{(True, parts["num_blocks"]): name[6:] for name, parts in RESNETS.items()},
}


def architecture(shapes: Mapping[str, Sequence[int]]) -> dict[str, Any] | None:
    """Derives a model's architecture arguments from official tensors.

    Args:
        shapes: dict of official name to shape, as PyTorch has it.
    Returns:
        A dict of arguments of `HRNetBackbone`, of `SimpleBaselinePose` for a ResNet of
        bottlenecks, or of `LiteHRNetPose`; None if it is none of them.
    """

    def count(pattern):
        matches = (re.match(pattern, name) for name in shapes)
        return len({match[1] for match in matches if match})

    try:
        return {
            "width": shapes["stage2.0.branches.0.0.conv1.weight"][0],
            "num_modules": tuple(count(rf"stage{s}\.(\d+)\.") for s in (2, 3, 4)),
            "num_blocks": count(r"stage2\.0\.branches\.0\.(\d+)\."),
            "stem_width": shapes["conv1.weight"][0],
            "stage1_width": shapes["layer1.0.conv1.weight"][0],
            "stage1_blocks": count(r"layer1\.(\d+)\."),
        }
    except (KeyError, IndexError):
        pass
    if "head_layer.projects.0.depthwise_conv.conv.weight" in shapes:
        return _lite_architecture(shapes, count)
    # Those of ResNeXts and wide ResNets have other shapes, SE-ResNets more tensors.
    is_resnet = (
        "conv1.weight" in shapes
        and shapes.get("layer4.0.conv2.weight", ())[:2] == (512, 512)
        and "layer4.0.conv3.weight" in shapes
        and not _has_squeezing(shapes)
    )
    return {"num_blocks": _count_resnet_blocks(shapes)} if is_resnet else None


def _lite_architecture(shapes, count):
    is_naive = "stage0.0.layers.0.0.branch2.0.conv.weight" in shapes
    blocks = r"stage0\.0\.layers\.0\.(\d+)" if is_naive else r"stage0\.0\.layers\.(\d+)"
    try:
        return {
            "width": shapes["stage0.0.fuse_layers.0.1.0.weight"][0],
            "num_modules": tuple(count(rf"stage{s}\.(\d+)\.") for s in range(3)),
            "num_blocks": count(rf"{blocks}\."),
            "unit": "shuffle" if is_naive else "weighting",
            "stem_width": shapes["stem.conv1.conv.weight"][0],
        }
    except (KeyError, IndexError):
        return None


def is_resnet(arguments: dict[str, Any]) -> bool:
    """Says whether arguments of `architecture` are those of a ResNet."""
    return set(arguments) == {"num_blocks"}


def model_of(arguments: dict[str, Any]) -> str:
    """Returns the class (str) of pose networks that arguments of `architecture` fit."""
    if is_resnet(arguments):
        return "SimpleBaselinePose"
    return "LiteHRNetPose" if "unit" in arguments else "HRNetPose"


def find_preset(arguments: dict[str, Any]) -> str | None:
    """Returns the name of the preset with these arguments, or None.

    Args:
        arguments: dict, of `architecture`.
    """
    presets, defaults = {
        "SimpleBaselinePose": (RESNETS, {}),
        "LiteHRNetPose": (LITE_NETWORKS, LITE_DEFAULTS),
        "HRNetPose": (ARCHITECTURES, DEFAULTS),
    }[model_of(arguments)]
    for name, preset in presets.items():
        if {**defaults, **preset} == arguments:
            return name
    return None


def describe_architecture(arguments: dict[str, Any]) -> str:
    """Returns what an architecture is called, or its arguments, as str.

    Args:
        arguments: dict, of `architecture`.
    """
    preset = find_preset(arguments)
    if preset is not None:
        return preset
    return "a network with " + ", ".join(f"{k}={v}" for k, v in arguments.items())


def describe_network(shapes: Mapping[str, Sequence[int]]) -> str | None:
    """Says which well-known architecture other than HRNet tensors look like.

    Args:
        shapes: dict of name, without prefixes of wrappers, to shape.
    Returns:
        str, such as "a ResNet-50", or None.
    """
    if all(f"layer{s}.0.conv1.weight" in shapes for s in range(1, 5)):
        return _describe_resnet(shapes)
    for title, patterns in _SIGNS:
        if all(any(re.search(p, name) for name in shapes) for p in patterns):
            return title
    return None


def _count_resnet_blocks(shapes):
    blocks = [re.match(r"layer([1-4])\.(\d+)\.conv1\.weight", n) for n in shapes]
    stages = [int(match[1]) for match in blocks if match]
    return tuple(stages.count(stage) for stage in range(1, 5))


def _has_squeezing(shapes):
    return any(re.match(r"layer1\.0\.se(?:_layer|_module)?\.", n) for n in shapes)


def _describe_resnet(shapes):
    blocks = _count_resnet_blocks(shapes)
    is_bottleneck = "layer1.0.conv3.weight" in shapes
    depth = _RESNETS.get((is_bottleneck, blocks))
    text = f"-{depth}" if depth else f" with {', '.join(map(str, blocks))} blocks"
    outputs, inputs = shapes.get("layer1.0.conv2.weight", (64, 64))[:2]
    if "layer1.0.convs.0.weight" in shapes:
        return f"a Res2Net{text}"
    if _has_squeezing(shapes):
        return f"an SE-ResNet{text}"
    if is_bottleneck and outputs != inputs:
        return f"a ResNeXt{text}"
    if is_bottleneck and outputs > 64:
        return f"a wide ResNet{text}"
    return f"a ResNet{text}"
