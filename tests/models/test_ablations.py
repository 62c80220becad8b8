"""The papers' ablations of HRNet, as arguments of the network."""

import numpy as np
import pytest

import hrnet_tf
from hrnet_tf.data.heatmaps import HeatmapCodec
from hrnet_tf.models import counting
from hrnet_tf.models.presets import is_architecture, split_preset
from hrnet_tf.own.weights import architecture_of
from hrnet_tf.tasks.pose.networks import heatmap_outputs, pose_network


def make(**arguments):
    arguments = {"num_keypoints": 3, "image_size": (64, 64), **arguments}
    return hrnet_tf.HRNetPose.from_preset("hrnet_test", load_weights=False, **arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"exchanges": "final", "num_modules": (1, 2, 2)},
        {"exchanges": "across_stages", "num_modules": (1, 2, 2)},
        {"heatmap_stride": 16, "exchanges": "final"},
    ],
)
def test_counts_are_those_of_the_built_model(arguments, monkeypatch):
    parts = {**counting.ARCHITECTURES["hrnet_test"]}
    parts["num_modules"] = arguments.get("num_modules", parts["num_modules"])
    monkeypatch.setitem(counting.ARCHITECTURES, "mine", parts)
    head = {k: v for k, v in arguments.items() if k != "num_modules"}
    count = counting.count_parameters("HRNetPose", "mine", num_keypoints=3, **head)
    model = make(**arguments)
    assert count == sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    stride = arguments.get("heatmap_stride", 4)
    assert model.output_shape == (None, 64 // stride, 64 // stride, 3)
    assert type(model).from_config(model.get_config()).get_config() == (
        model.get_config()
    )
    assert HeatmapCodec.for_model(model).stride == stride


def test_streams_meet_in_the_exchanges_that_there_are():
    def modules(exchanges):
        model = make(exchanges=exchanges, num_modules=(1, 2, 2))
        return [
            layer.name
            for layer in model.backbone.layers
            if "module" in layer.name and layer.fusion is not None
        ]

    assert modules("final") == ["stage4_module1"]
    ends = ["stage2_module0", "stage3_module1", "stage4_module1"]
    assert modules("across_stages") == ends
    assert len(modules("all")) == 5


def test_w32_is_as_large_as_it_is():
    counts = {
        exchanges: counting.count_parameters(
            "HRNetPose", "hrnet_w32", exchanges=exchanges
        )
        for exchanges in ("final", "across_stages", "all")
    }
    assert counts == {
        "final": 26332273,
        "across_stages": 26506481,
        "all": 28536113,
    }


def test_arguments_stand_behind_a_preset():
    preset = "hrnet_test:exchanges=final,heatmap_stride=8"
    assert split_preset(preset) == (
        "hrnet_test",
        {"exchanges": "final", "heatmap_stride": 8},
    )
    assert split_preset("a:b=(1, 2),c=x")[1] == {"b": (1, 2), "c": "x"}
    assert is_architecture(preset) and not is_architecture("hrnet:exchanges=final")
    model = pose_network(
        preset, load_weights=False, image_size=(64, 64), representation="v1"
    )
    assert model.output_shape == (None, 8, 8, 17)
    assert heatmap_outputs("hourglass_2:depth=3") == ("stack0", "main")
    assert heatmap_outputs("hourglass_1") == heatmap_outputs(preset) == ()
    assert heatmap_outputs("hourglass_1:num_stacks=3")[-1] == "main"


@pytest.mark.parametrize(
    "model",
    ["HRNetBackbone", "HRNetLandmarks", "HRNetClassifier", "HigherHRNetPose"],
)
def test_they_stand_there_wherever_a_preset_is_asked_for(model):
    kind = getattr(hrnet_tf, model)
    made = kind.from_preset("hrnet_test:exchanges=final", load_weights=False)
    assert made.arguments["exchanges"] == "final"
    with pytest.raises(ValueError, match=f"{model} does not take all.*exchange"):
        kind.from_preset("hrnet_test:exchange=final", load_weights=False)


def test_they_win_over_the_other_arguments():
    made = hrnet_tf.HRNetPose.from_preset(
        "hrnet_test:heatmap_stride=8", False, image_size=(64, 64), heatmap_stride=16
    )
    assert made.output_shape == (None, 8, 8, 17)
    assert architecture_of("hrnet_test:heatmap_stride=8") == "hrnet_test"


@pytest.mark.parametrize(
    ("preset", "text"),
    [
        ("hrnet_test:final", "'final' is no ARGUMENT=VALUE"),
        ("hrnet_test:exchanges=some", "exchanges='some'"),
        ("hrnet_test:exchange=final", "HRNetPose does not take all of"),
        ("hrnet_test:heatmap_stride=5", "heatmap_stride=5"),
        ("hrnet_test:heatmap_stride=8,representation=v2", "made at a quarter"),
        ("hrnet_w31", "Expected an architecture, one of hrnet_test.*hourglass_8"),
    ],
)
def test_errors_say_what_arrived(preset, text):
    with pytest.raises(ValueError, match=text):
        pose_network(preset, load_weights=False, image_size=(64, 64))
