"""Architectures are told from tensors: ours exactly, others by name."""

import json

import pytest

from hrnet_tf.models.presets import ARCHITECTURES, RESNETS
from hrnet_tf.weights.recognise import (
    architecture,
    describe_network,
    find_preset,
    is_resnet,
)

# A few tensors of other networks, as torchvision (tv), timm and OpenMMLab (mm) name
# and shape them.
OTHERS = {
    "tv vit_b_16": (
        "a vision transformer (ViT)",
        {
            "class_token": (1, 1, 768),
            "encoder.pos_embedding": (1, 197, 768),
            "encoder.layers.encoder_layer_0.self_attention.in_proj_weight": (2304, 768),
        },
    ),
    "timm vit_base": (
        "a vision transformer (ViT)",
        {
            "cls_token": (1, 1, 768),
            "pos_embed": (1, 197, 768),
            "blocks.0.attn.qkv.weight": (2304, 768),
        },
    ),
    "mm vitpose": (
        "a vision transformer (ViT)",
        {"pos_embed": (1, 193, 768), "layers.0.attn.qkv.weight": (2304, 768)},
    ),
    "timm beit": (
        "a vision transformer (ViT)",
        {
            "cls_token": (1, 1, 768),
            "blocks.0.attn.relative_position_bias_table": (732, 12),
        },
    ),
    "mm swin": (
        "a Swin Transformer",
        {
            "patch_embed.projection.weight": (96, 3, 4, 4),
            "stages.0.blocks.0.attn.w_msa.relative_position_bias_table": (169, 3),
            "stages.0.downsample.reduction.weight": (192, 384),
            "keypoint_head.final_layer.weight": (17, 256, 1, 1),
        },
    ),
    "mm hrformer": (
        "an HRFormer",
        {
            "conv1.weight": (64, 3, 3, 3),
            "stage2.0.branches.0.0.attn.attn.relative_position_bias_table": (169, 1),
        },
    ),
    "mm litehrnet": (
        "a Lite-HRNet",
        {
            "stage0.0.layers.0.0.depthwise_convs.0.conv.weight": (20, 1, 3, 3),
            "stage0.0.fuse_layers.0.1.0.weight": (40, 40, 1, 1),
        },
    ),
    "tv convnext": ("a ConvNeXt", {"features.1.0.layer_scale": (96, 1, 1)}),
    "timm convnext": ("a ConvNeXt", {"stages.0.blocks.0.gamma": (96,)}),
    "tv efficientnet": (
        "an EfficientNet",
        {"features.1.0.block.1.fc1.weight": (8, 32, 1, 1)},
    ),
    "timm mobilenetv2": (
        "an EfficientNet or a MobileNet",
        {"blocks.1.0.conv_dw.weight": (96, 1, 3, 3)},
    ),
    "tv mobilenet_v2": ("a MobileNet", {"features.1.conv.0.0.weight": (32, 1, 3, 3)}),
    "tv densenet": (
        "a DenseNet",
        {"features.denseblock1.denselayer1.norm1.weight": (64,)},
    ),
    "tv googlenet": ("an Inception network", {"inception3a.branch1.conv.weight": ()}),
    "tv shufflenet": ("a ShuffleNet", {"stage2.0.branch1.0.weight": (24, 1, 3, 3)}),
    "timm regnet": ("a RegNet", {"s1.b1.conv1.conv.weight": (64, 32, 1, 1)}),
    "mm hourglass": ("an Hourglass network", {"hourglass_modules.0.up1.0.conv1": ()}),
    "mm cspnext": (
        "a CSPNeXt or CSPDarknet",
        {"stage1.1.main_conv.conv.weight": (32, 64, 1, 1)},
    ),
    "yolo": ("a YOLO", {"2.cv1.conv.weight": (32, 64, 1, 1)}),
    "tv vgg16": (
        "a VGG",
        {"features.0.weight": (64, 3, 3, 3), "features.17.weight": (512, 512, 3, 3)},
    ),
    "tv alexnet": (None, {"features.0.weight": (64, 3, 11, 11)}),
}


def resnet(blocks, bottleneck=True, width=64, groups=1, extra=()):
    """Shapes of a ResNet, as torchvision names them."""
    shapes = {"conv1.weight": (64, 3, 7, 7), "fc.weight": (1000, 2048)}
    for stage, count in enumerate(blocks):
        for block in range(count):
            name = f"layer{stage + 1}.{block}"
            filters = width * 2**stage
            shapes[f"{name}.conv1.weight"] = (filters, 64, 1, 1)
            shapes[f"{name}.conv2.weight"] = (filters, filters // groups, 3, 3)
            if bottleneck:
                shapes[f"{name}.conv3.weight"] = (256, filters, 1, 1)
            for suffix in extra:
                shapes[f"{name}.{suffix}"] = (16,)
    return shapes


@pytest.mark.parametrize(
    ("network", "preset"),
    [
        ("pose_w32_256x192", "hrnet_w32"),
        ("cls_w18", "hrnet_w18"),
        ("cls_w18_small_v1", "hrnet_w18_small_v1"),
        ("seg_v11_w18_small_v2", "hrnet_w18_small_v2"),
        ("higher_hrnet_w32", "hrnet_w32"),
        ("pose_resnet50", "resnet50"),
    ],
)
def test_official_networks(golden, network, preset):
    listing = json.loads((golden / "models" / f"{network}.json").read_text())
    shapes = {name: tuple(shape) for name, shape in listing["state_dict"]}
    found = architecture(shapes)
    assert find_preset(found) == preset
    assert is_resnet(found) == (preset in RESNETS)
    if not is_resnet(found):
        assert set(found) >= set(ARCHITECTURES[preset])
        assert describe_network(shapes) is None


def test_architectures_without_a_preset():
    arguments = {
        "width": 20,
        "num_modules": (1, 4, 3),
        "num_blocks": 4,
        "stem_width": 64,
        "stage1_width": 64,
        "stage1_blocks": 4,
    }
    assert find_preset(arguments) is None
    assert find_preset({**arguments, "width": 18}) == "hrnet_w18"
    assert find_preset({"num_blocks": (1, 1, 1, 1)}) is None


@pytest.mark.parametrize(
    ("shapes", "title", "preset"),
    [
        (resnet((2, 2, 2, 2), False), "a ResNet-18", None),
        (resnet((3, 4, 6, 3), False), "a ResNet-34", None),
        (resnet((3, 4, 6, 3)), "a ResNet-50", "resnet50"),
        (resnet((3, 4, 23, 3)), "a ResNet-101", "resnet101"),
        (resnet((3, 8, 36, 3)), "a ResNet-152", "resnet152"),
        (resnet((1, 2, 1, 1)), "a ResNet with 1, 2, 1, 1 blocks", None),
        (resnet((3, 4, 6, 3), width=128, groups=32), "a ResNeXt-50", None),
        (resnet((3, 4, 6, 3), width=128), "a wide ResNet-50", None),
        (
            resnet((3, 4, 6, 3), extra=["se.fc1.weight"]),
            "an SE-ResNet-50",
            None,
        ),
        (resnet((3, 4, 6, 3), extra=["convs.0.weight"]), "a Res2Net-50", "resnet50"),
    ],
)
def test_resnets(shapes, title, preset):
    assert describe_network(shapes) == title
    found = architecture(shapes)
    assert (found and find_preset(found)) == preset


@pytest.mark.parametrize("network", OTHERS)
def test_other_networks(network):
    title, shapes = OTHERS[network]
    assert describe_network(shapes) == title
    assert architecture(shapes) is None


def test_nothing_known():
    assert architecture({}) is describe_network({}) is None
    assert architecture({"stage2.0.branches.0.0.conv1.weight": ()}) is None
