"""The model that a checkpoint fits is built from what its tensors say."""

import types

import numpy as np
import pytest
from slow_params import cases

import hrnet_tf
from hrnet_tf.weights.build import build_model
from hrnet_tf.weights.export_torch import export_torch_state_dict
from hrnet_tf.weights.layouts import recognise

SIZE = {"image_size": (64, 64)}


def export(name, **arguments):
    model = getattr(hrnet_tf, name).from_preset("hrnet_test", **arguments)
    return export_torch_state_dict(model)


def build(tensors, *arguments, **options):
    """Builds the model, and checks that the tensors fit it."""
    model = build_model(recognise(tensors), *arguments, **options)
    hrnet_tf.load_torch_weights(model, tensors)
    return model


@pytest.fixture(scope="module")
def pose():
    return export("HRNetPose", num_keypoints=5, **SIZE)


@pytest.mark.parametrize(
    ("name", "number"),
    cases(
        [
            ("HRNetPose", {"num_keypoints": 5}),
            ("HRNetLandmarks", {"num_keypoints": 5}),
            ("HRNetSegmenter", {"num_classes": 3}),
            ("HRNetOCRSegmenter", {"num_classes": 3}),
            ("HRNetClassifier", {"num_classes": 3}),
            ("HRNetFeaturePyramid", {"num_channels": 6}),
            ("HigherHRNetPose", {"num_keypoints": 5}),
        ],
        quick=["HRNetPose", "HRNetSegmenter", "HigherHRNetPose"],
    ),
)
def test_every_kind(name, number):
    model = build(export(name, **number))
    assert type(model) is getattr(hrnet_tf, name)
    assert number.items() <= model.arguments.items()
    assert model.arguments["width"] == 4 and model.arguments["stem_width"] == 8


def test_architectures_without_a_preset():
    model = hrnet_tf.HRNetPose(width=6, num_modules=(1, 2, 1), num_blocks=1, **SIZE)
    built = build(export_torch_state_dict(model))
    assert built.arguments["width"] == 6
    assert built.arguments["num_modules"] == (1, 2, 1)
    baseline = hrnet_tf.SimpleBaselinePose(num_blocks=(1, 1, 1, 1), **SIZE)
    built = build(export_torch_state_dict(baseline), **SIZE)
    assert built.arguments["num_blocks"] == (1, 1, 1, 1)


def test_what_belongs_to_the_layout_and_what_the_user_says():
    tensors = {
        f"backbone.{name}": array
        for name, array in export("HRNetSegmenter", num_classes=3).items()
        if not name.startswith("last_layer")
    }
    tensors["decode_head.0.conv_seg.weight"] = np.ones((3, 60, 1, 1), np.float32)
    tensors["decode_head.1.conv_seg.weight"] = np.ones((3, 512, 1, 1), np.float32)
    model = build_model(recognise(tensors))
    assert isinstance(model, hrnet_tf.HRNetOCRSegmenter)
    assert model.arguments["interpolation"] == "bilinear"
    model = build_model(recognise(tensors), interpolation="nearest")
    assert model.arguments["interpolation"] == "nearest"
    # Another task's training is free to choose.
    model = build_model(recognise(tensors), "classifier", num_outputs=2)
    assert model.arguments["interpolation"] == "nearest"


def test_pose_and_landmarks_may_be_the_same_graph(pose):
    mixed = export("HRNetLandmarks", num_keypoints=5, **SIZE)
    model = build(mixed, "pose", **SIZE)
    assert type(model) is hrnet_tf.HRNetPose
    assert model.arguments["representation"] == "v2"
    assert model.arguments["interpolation"] == "bilinear"
    model = build(pose, "landmarks", **SIZE)
    assert type(model) is hrnet_tf.HRNetLandmarks
    assert model.arguments["representation"] == "v1"
    assert model.arguments["interpolation"] == "nearest"


def test_presets_and_numbers_that_are_given(pose):
    model = build_model(recognise(pose), preset="hrnet_w18_small_v1", num_outputs=9)
    assert model.arguments["width"] == 16
    assert model.arguments["num_keypoints"] == 9


def test_backbones(pose):
    model = build_model(recognise(pose), "backbone", num_outputs=None)
    assert type(model) is hrnet_tf.HRNetBackbone
    with pytest.raises(ValueError) as caught:
        build_model(recognise(pose), "backbone", num_outputs=4)
    assert "HRNetBackbone has no head. Received: a number of outputs, 4." in str(
        caught.value
    )


def test_pyramids_have_a_default_number_of_channels(pose):
    model = build_model(recognise(pose), "feature_pyramid")
    assert model.arguments["num_channels"] == 256


class TestErrors:
    def fail(self, tensors, *arguments):
        with pytest.raises(ValueError) as caught:
            build_model(recognise(tensors), *arguments)
        return str(caught.value)

    def test_unknown_task(self, pose):
        body = {n: a for n, a in pose.items() if not n.startswith("final_layer")}
        assert (
            "(official network without a known head) does not say which task it is"
            " for. Name the kind of model, one of: backbone, pose, landmarks,"
            in self.fail(body)
        )

    def test_unknown_number(self, pose):
        assert (
            "(official pose network) has no head for the kind 'segmenter', so that"
            " num_classes is unknown. Pass the number" in self.fail(pose, "segmenter")
        )

    def test_other_architectures(self, pose):
        text = self.fail(pose, "simple_baseline")
        assert "has no head for the kind 'simple_baseline'" in text
        baseline = hrnet_tf.SimpleBaselinePose(num_blocks=(1, 1, 1, 1), **SIZE)
        tensors = export_torch_state_dict(baseline)
        tensors = {n: a for n, a in tensors.items() if n.startswith(("layer", "conv1"))}
        with pytest.raises(ValueError) as caught:
            build_model(recognise(tensors), "pose", num_outputs=3)
        assert (
            "The checkpoint (ResNet) looks like a ResNet with 1, 1, 1, 1 blocks, which"
            " does not fit HRNetPose."
        ) in str(caught.value)
        lite = types.SimpleNamespace(
            architecture={"width": 40, "unit": "weighting"},
            layout="OpenMMLab",
            kind="lite_pose",
            trained_with={},
            looks_like=None,
        )
        with pytest.raises(ValueError, match="a Lite-HRNet, which does not fit HRNetS"):
            build_model(lite, "segmenter", num_outputs=3)
        text = self.fail(
            {"blocks.0.attn.qkv.weight": np.ones(2), "pos_embed": np.ones(2)}
        )
        assert (
            "not from an HRNet: its first names are ['blocks.0.attn.qkv.weight',"
            " 'pos_embed']. It looks like a vision transformer (ViT)." in text
        )
