"""Official names and variable paths translate into each other."""

import json

import pytest

from hrnet_tf.models.backbone import HRNetBackbone
from hrnet_tf.models.pose import HRNetPose
from hrnet_tf.weights.kinds import KINDS
from hrnet_tf.weights.names import (
    head_kinds,
    is_head_path,
    official_name,
    variable_path,
)

# The official networks and the kinds that they are of.
GOLDENS = {
    "pose_w32_256x192": "pose",
    "pose_resnet50": "simple_baseline",
    "cls_w18": "classifier",
    "cls_w18_small_v1": "classifier",
    "cls_w18_small_v2": "classifier",
    "face_w18_wflw": "landmarks",
    "seg_v11_w18_small_v2": "segmenter",
    "seg_w18_19classes": "segmenter",
    "seg_ocr_w18_19classes": "ocr_segmenter",
    "higher_hrnet_w32": "higher_pose",
    "hrfpn_w18": "feature_pyramid",
}
HEAD_PAIRS = {
    "landmarks": {
        "mixer/conv/bias": "head.0.bias",
        "mixer/norm/moving_variance": "head.1.running_var",
        "head/kernel": "head.3.weight",
    },
    "segmenter": {
        "mixer/conv/kernel": "last_layer.0.weight",
        "head/bias": "last_layer.3.bias",
    },
    "ocr_segmenter": {
        "aux_mixer/norm/gamma": "aux_head.1.weight",
        "aux_head/kernel": "aux_head.3.weight",
        "ocr_conv/conv/bias": "conv3x3_ocr.0.bias",
        "object_context/pixel1/conv/kernel": (
            "ocr_distri_head.object_context_block.f_pixel.2.weight"
        ),
        "object_context/object1/norm/beta": (
            "ocr_distri_head.object_context_block.f_object.3.0.bias"
        ),
        "object_context/up/norm/moving_mean": (
            "ocr_distri_head.object_context_block.f_up.1.0.running_mean"
        ),
        "object_context/mix/conv/kernel": "ocr_distri_head.conv_bn_dropout.0.weight",
        "head/kernel": "cls_head.weight",
    },
    "classifier": {
        "head/increase2/conv3/norm/beta": "incre_modules.2.0.bn3.bias",
        "head/increase0/projection/conv/kernel": (
            "incre_modules.0.0.downsample.0.weight"
        ),
        "head/downsample1/conv/bias": "downsamp_modules.1.0.bias",
        "head/final/norm/gamma": "final_layer.1.weight",
        "classifier/kernel": "classifier.weight",
    },
    "feature_pyramid": {
        "stem_conv1/conv/kernel": "backbone.conv1.weight",
        "pyramid/reduce/bias": "neck.reduction_conv.0.bias",
        "pyramid/level4/kernel": "neck.fpn_conv.4.weight",
    },
    "higher_pose": {
        "head/bias": "final_layers.0.bias",
        "deconv/conv/kernel": "deconv_layers.0.0.0.weight",
        "deconv/norm/beta": "deconv_layers.0.0.1.bias",
        "deconv_block3/conv2/norm/gamma": "deconv_layers.0.4.0.bn2.weight",
        "high_head/kernel": "final_layers.1.weight",
    },
    "simple_baseline": {
        "stem_conv/norm/gamma": "bn1.weight",
        "layer3_block5/conv2/conv/kernel": "layer3.5.conv2.weight",
        "layer4_block0/projection/norm/beta": "layer4.0.downsample.1.bias",
        "deconv2/conv/kernel": "deconv_layers.6.weight",
        "deconv1/norm/moving_mean": "deconv_layers.4.running_mean",
        "head/bias": "final_layer.bias",
    },
}
PAIRS = {
    "stem_conv2/conv/kernel": "conv2.weight",
    "stem_conv1/norm/moving_variance": "bn1.running_var",
    "stage1_block3/conv2/norm/gamma": "layer1.3.bn2.weight",
    "stage1_block0/projection/conv/kernel": "layer1.0.downsample.0.weight",
    "stage1_block0/projection/norm/beta": "layer1.0.downsample.1.bias",
    "transition1/stream0_conv/conv/kernel": "transition1.0.0.weight",
    "transition1/stream1_conv/conv/kernel": "transition1.1.0.0.weight",
    "transition3/stream3_conv/norm/moving_mean": "transition3.3.0.1.running_mean",
    "stage3_module1/stream2_block0/conv2/norm/beta": "stage3.1.branches.2.0.bn2.bias",
    "stage4_module2/fusion/up3to0_conv/conv/kernel": (
        "stage4.2.fuse_layers.0.3.0.weight"
    ),
    "stage3_module0/fusion/down0to2_conv1/norm/gamma": (
        "stage3.0.fuse_layers.2.0.1.1.weight"
    ),
    "head/bias": "final_layer.bias",
}


@pytest.mark.parametrize(("path", "name"), PAIRS.items())
def test_pairs(path, name):
    assert official_name(path) == name
    assert variable_path(name) == path


@pytest.mark.parametrize(
    "name",
    [
        "bn1.num_batches_tracked",
        "final_layer.0.weight",
        "classifier.weight",
        "backbone.conv1.weight",
        "conv1.weight.extra",
        "transition1.1.0.0.0.weight",
        "",
    ],
)
def test_names_without_a_variable(name):
    assert variable_path(name) is None


def test_paths_without_a_name():
    assert official_name("head/kernel/momentum") is None
    assert official_name("dense/kernel") is None


@pytest.mark.parametrize("preset", ["hrnet_test", "hrnet_w18_small_v1"])
def test_every_variable_has_its_own_name(preset):
    models = [HRNetPose.from_preset(preset), HRNetBackbone.from_preset(preset)]
    for model in models:
        paths = [variable.path for variable in model.weights]
        names = [official_name(path) for path in paths]
        assert len(set(names)) == len(paths)
        assert [variable_path(name) for name in names] == paths


@pytest.mark.parametrize("kind", HEAD_PAIRS)
def test_pairs_of_other_kinds(kind):
    for path, name in HEAD_PAIRS[kind].items():
        assert official_name(path, kind) == name
        assert variable_path(name, kind) == path


@pytest.mark.parametrize(("network", "kind"), GOLDENS.items())
def test_every_official_tensor_has_its_variable(golden, network, kind):
    listing = json.loads((golden / "models" / f"{network}.json").read_text())
    names = [name for name, _ in listing["state_dict"]]
    names = [name for name in names if not name.endswith("num_batches_tracked")]
    paths = [variable_path(name, kind) for name in names]
    assert [official_name(path, kind) for path in paths] == names
    assert len(set(paths)) == len(names)
    heads = [name for name in names if head_kinds(name)]
    assert heads and all(kind in head_kinds(name) for name in heads)
    is_head = [is_head_path(path, kind) for path in paths]
    assert [name for name, head in zip(names, is_head, strict=True) if head] == heads


def test_heads_tell_the_kinds_apart():
    kinds = ["pose", "simple_baseline", "lite_pose"]
    assert head_kinds("final_layer.weight") == kinds
    assert head_kinds("final_layer.0.weight") == ["classifier"]
    assert head_kinds("aux_head.1.running_var") == ["ocr_segmenter"]
    assert head_kinds("conv1.weight") == head_kinds("head.2.weight") == []
    assert not is_head_path("stem_conv1/conv/kernel", "pose")
    assert not is_head_path("mixer/conv/kernel", "pose")
    assert not is_head_path("head/kernel", "backbone")
    assert all(KINDS[kind].sized for kind in KINDS if kind != "backbone")
