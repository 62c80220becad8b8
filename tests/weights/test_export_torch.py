"""Our weights in the official form: the official names, and the same values."""

import json

import keras
import numpy as np
import pytest
from slow_params import cases

import hrnet_tf
from hrnet_tf.weights.export_torch import export_torch_state_dict

SIZE = {"image_size": (64, 64)}
# The official networks of this form make heatmaps by the face code's convention.
FACE = {"heatmap_convention": "face", **SIZE}
MODELS = [
    ("HRNetBackbone", {}),
    ("HRNetPose", SIZE),
    ("HRNetPose", {"representation": "v2", "interpolation": "bilinear", **FACE}),
    ("HRNetLandmarks", FACE),
    ("HRNetSegmenter", {}),
    ("HRNetOCRSegmenter", {}),
    ("HRNetClassifier", {"num_classes": 3, **SIZE}),
    ("HRNetClassifier", {"include_top": False, **SIZE}),
    ("HRNetFeaturePyramid", {}),
    ("HigherHRNetPose", {}),
]


def randomise(model):
    rng = np.random.default_rng(0)
    for variable in model.weights:
        variable.assign(rng.normal(0, 1, variable.shape))


QUICK = ("HRNetPose", "HRNetOCRSegmenter", "HRNetFeaturePyramid", "HigherHRNetPose")


@pytest.mark.parametrize(("name", "arguments"), cases(MODELS, QUICK))
def test_round_trips_are_exact(name, arguments):
    model = getattr(hrnet_tf, name).from_preset("hrnet_test", **arguments)
    randomise(model)
    tensors = export_torch_state_dict(model)
    assert len(tensors) == len(model.weights)
    for tensor in tensors.values():
        assert tensor.dtype == np.float32 and tensor.flags.c_contiguous
    before = {variable.path: np.array(variable) for variable in model.weights}
    for variable in model.weights:
        variable.assign(np.zeros(variable.shape))
    report = hrnet_tf.load_torch_weights(model, tensors)
    assert (report.missing, report.unused, report.notes) == ((), (), ())
    for variable in model.weights:
        np.testing.assert_array_equal(np.array(variable), before[variable.path])


@pytest.mark.parametrize(
    ("network", "name", "preset"),
    cases(
        [
            ("cls_w18_small_v1", "HRNetClassifier", "hrnet_w18_small_v1"),
            ("seg_v11_w18_small_v2", "HRNetSegmenter", "hrnet_w18_small_v2"),
            ("pose_resnet50", "SimpleBaselinePose", "resnet50"),
        ],
        quick=["pose_resnet50"],
    ),
)
def test_names_and_shapes_are_official(golden, network, name, preset):
    listing = json.loads((golden / "models" / f"{network}.json").read_text())
    expected = {
        name: tuple(shape)
        for name, shape in listing["state_dict"]
        if not name.endswith("num_batches_tracked")
    }
    model = getattr(hrnet_tf, name).from_preset(preset)
    tensors = export_torch_state_dict(model)
    assert {name: tensor.shape for name, tensor in tensors.items()} == expected


@pytest.mark.slow
def test_kernels_are_transposed():
    model = hrnet_tf.HigherHRNetPose.from_preset("hrnet_test", num_keypoints=3)
    randomise(model)
    tensors = export_torch_state_dict(model)
    ours = {variable.path: np.array(variable) for variable in model.weights}
    kernel = ours["stem_conv1/conv/kernel"]
    assert tensors["conv1.weight"][5, 2, 0, 1] == kernel[0, 1, 2, 5]
    # Transposed convolutions keep their inputs in front: 4 features and 6 maps.
    kernel = ours["deconv/conv/kernel"]
    assert tensors["deconv_layers.0.0.0.weight"].shape == (10, 4, 4, 4)
    assert tensors["deconv_layers.0.0.0.weight"][9, 1, 2, 3] == kernel[2, 3, 1, 9]


def test_detectors_keep_their_body_apart():
    model = hrnet_tf.HRNetFeaturePyramid.from_preset("hrnet_test")
    names = export_torch_state_dict(model)
    assert {name.split(".")[0] for name in names} == {"backbone", "neck"}


def test_other_precisions_become_float32():
    model = hrnet_tf.HRNetPose.from_preset("hrnet_test", dtype="bfloat16", **SIZE)
    tensors = export_torch_state_dict(model)
    assert {tensor.dtype for tensor in tensors.values()} == {np.dtype(np.float32)}


def test_models_with_other_layers():
    body = hrnet_tf.HRNetBackbone.from_preset("hrnet_test")
    logits = keras.layers.Conv2D(3, 1, name="extra")(body.output["P2"])
    model = keras.Model(body.inputs, logits, name="mine")
    with pytest.raises(ValueError) as caught:
        export_torch_state_dict(model)
    assert (
        f"no names for 2 of the {len(model.weights)} variables of mine:"
        " ['extra/kernel', 'extra/bias']. Expected a model of this package"
    ) in str(caught.value)
