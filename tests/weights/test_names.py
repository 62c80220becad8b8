"""Official names and variable paths translate into each other."""

import json

import pytest

from hrnet_tf.models.backbone import HRNetBackbone
from hrnet_tf.models.pose import HRNetPose
from hrnet_tf.weights.names import official_name, variable_path

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


def test_every_official_tensor_of_a_pose_network_has_its_variable(shared):
    listing = json.loads((shared / "goldens/models/pose_w32_256x192.json").read_text())
    names = [name for name, _ in listing["state_dict"]]
    names = [name for name in names if not name.endswith("num_batches_tracked")]
    paths = [variable_path(name) for name in names]
    assert [official_name(path) for path in paths] == names
    assert len(set(paths)) == len(names) == 1462
