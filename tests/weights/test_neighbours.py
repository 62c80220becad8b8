"""Checkpoints of other packages that have an HRNet in them, against their outputs.

`golden/neighbours` tells how the numbers were made.
"""

import json

import numpy as np
import pytest
from draw_tensor import draw_tensor

import hrnet_tf
from hrnet_tf.weights.build import build_model
from hrnet_tf.weights.layouts import recognise
from hrnet_tf.weights.transfer import start_from

PLAIN = {"include_preprocessing": False}
HEAT = "heads.bodypart.heatmap_head."


@pytest.fixture(scope="module")
def networks(golden):
    return json.loads((golden / "neighbours" / "networks.json").read_text())


@pytest.fixture(scope="module")
def arrays(golden):
    return np.load(golden / "neighbours" / "networks.npz")


@pytest.fixture(scope="module")
def images(networks):
    rng = np.random.default_rng(networks["input_seed"])
    return rng.normal(0, 1, networks["input_shape_nhwc"]).astype(np.float32)


@pytest.fixture
def draw(networks):
    def drawn(name):
        return {n: draw_tensor(n, shape) for n, shape in networks[name]}

    return drawn


def assert_close(found, expected):
    found = np.asarray(found)
    assert found.shape == expected.shape
    # Measured: at most 5.1e-7.
    assert np.abs(found - expected).max() / np.abs(expected).max() < 1e-5


@pytest.fixture(scope="module")
def pose():
    """The model that the first snapshot is built into."""
    return {}


@pytest.mark.parametrize("name", ["deeplabcut_top_down", "deeplabcut_superanimal"])
def test_deeplabcut_networks_are_models_of_ours(draw, arrays, images, pose, name):
    tensors = draw(name)
    checkpoint = recognise(tensors)
    assert checkpoint.layout == "DeepLabCut 3 pose network"
    assert checkpoint.count_outputs() == 5
    if not pose:
        size = {"image_size": images.shape[1:3]}
        pose["model"] = build_model(checkpoint, **size, **PLAIN)
    model = pose["model"]
    report = hrnet_tf.load_torch_weights(model, tensors)
    assert report.missing == ()
    assert_close(model(images), arrays[name])
    assert "the network's names begin with 'backbone.model.'" in report.notes
    refinement = [note for note in report.notes if "location refinement" in note]
    assert len(refinement) == ("top_down" in name)
    assert all(note.startswith("2 tensors ignored:") for note in refinement)
    # Cell i stands for 4 i + 2 pixels, Gaussians are 2 / 3 of 17 pixels wide.
    assert model.heatmap_convention == "face"
    assert model.heatmap_sigma == pytest.approx(34 / 12)
    assert model.arguments["interpolation"] == "nearest"


def test_bottom_up_heads_give_the_body(draw, networks):
    tensors = draw("deeplabcut_bottom_up")
    checkpoint = recognise(tensors)
    about = (
        "It is a bottom-up network of DeepLabCut for 5 body parts: a transposed"
        " convolution of 3x3 with stride 2 and without padding makes its heatmaps, a"
        " form that no model here has. The body can be taken."
    )
    assert (checkpoint.kind, checkpoint.about) == (None, about)
    assert checkpoint.layout == "DeepLabCut 3 network"
    with pytest.raises(ValueError) as caught:
        build_model(checkpoint)
    assert f"does not say which task it is for. {about} Name the kind" in str(
        caught.value
    )


class TestFeatures:
    @pytest.fixture(scope="class")
    def classifier(self, images):
        return hrnet_tf.HRNetClassifier.from_preset(
            "hrnet_test",
            num_classes=3,
            stem_width=64,
            include_top=False,
            image_size=images.shape[1:3],
            **PLAIN,
        )

    def streams(self, model, images):
        return [np.asarray(stream) for stream in model(images).values()]

    def test_streams_of_timm(self, draw, arrays, images, classifier):
        tensors = draw("timm_features")
        checkpoint = recognise(tensors)
        assert checkpoint.layout == "official network without a known head"
        report = hrnet_tf.load_torch_weights(classifier.backbone, tensors)
        assert report.missing == ()
        for i, stream in enumerate(self.streams(classifier.backbone, images)):
            assert_close(stream, arrays[f"timm_features_p{i + 2}"])

    def test_encoders_of_segmentation_models(self, draw, arrays, images, classifier):
        tensors = draw("smp_unet")
        checkpoint = recognise(tensors)
        assert checkpoint.layout == "segmentation_models_pytorch network"
        assert checkpoint.kind is None
        report = start_from(classifier, tensors)
        assert report.num_fresh_body == 0
        around = (
            "parts of another model around the network (decoder, segmentation_head)"
        )
        count = sum(not n.startswith("encoder.model.") for n in tensors)
        counters = [n for n in tensors if n.endswith("num_batches_tracked")]
        count -= sum(not n.startswith("encoder.model.") for n in counters)
        assert f"{count} tensors ignored: {around}" in report.notes
        assert any("an encoder of segmentation_models_py" in n for n in report.notes)
        # The channels that the encoder gives are those of the increase modules.
        gathering = classifier.get_layer("head")
        for i, stream in enumerate(classifier.backbone(images).values()):
            increased = np.asarray(gathering.increase[i](stream))
            assert_close(increased[..., ::16], arrays[f"smp_unet_increase{i}"])

    def test_increase_modules_alone(self, draw):
        tensors = {
            name.removeprefix("encoder.model."): array
            for name, array in draw("smp_unet").items()
            if name.startswith("encoder.model.")
        }
        checkpoint = recognise(tensors)
        assert checkpoint.kind is None
        assert checkpoint.layout == (
            "timm network with the increase modules of classification"
        )


class TestPrefixes:
    @pytest.mark.parametrize(
        "prefix",
        [
            *("state_dict.", "model.", "module.model.", "net.encoder.", "backbone."),
            *("generator.hrnet.", "backbone.model.", "state_dict.backbone."),
        ],
    )
    def test_any_is_found_and_said(self, draw, prefix):
        plain = draw("timm_features")
        tensors = {f"{prefix}{name}": array for name, array in plain.items()}
        tensors["val_score.total"] = np.ones(3, np.float32)
        checkpoint = recognise(tensors)
        assert checkpoint.prefix == prefix
        names = {name for name in plain if not name.endswith("num_batches_tracked")}
        assert names <= set(checkpoint.tensors)
        assert ("val_score.total" in checkpoint.ignored) == (prefix != "backbone.")

    def test_heads_beside_the_body_are_found(self, draw):
        tensors = {
            f"model.backbone.{name}": array
            for name, array in draw("timm_features").items()
        }
        tensors["model.head.final_layer.weight"] = np.ones((5, 4, 1, 1), np.float32)
        checkpoint = recognise(tensors)
        assert checkpoint.layout == "OpenMMLab pose network (mmpose 1.x)"
        assert checkpoint.count_outputs() == 5

    def test_several_networks(self, draw):
        plain = draw("timm_features")
        tensors = {
            f"{who}.{name}": array
            for who in ("student", "teacher")
            for name, array in plain.items()
        }
        with pytest.raises(ValueError) as caught:
            recognise(tensors)
        assert (
            "holds 2 networks, whose names begin with 'student.' and 'teacher.'. Expect"
        ) in str(caught.value)
        # Moving averages beside the weights are left alone.
        tensors = {n.replace("teacher", "ema"): a for n, a in tensors.items()}
        assert recognise(tensors).prefix == "student."

    def test_part_of_a_network(self, draw):
        tensors = {
            f"encoder.{name}": array
            for name, array in draw("timm_features").items()
            if not name.startswith("layer1")
        }
        with pytest.raises(ValueError) as caught:
            build_model(recognise(tensors))
        assert (
            "holds the streams of an HRNet, whose names begin with 'encoder.', but not"
            " its stem and first stage"
        ) in str(caught.value)


class TestOtherHeadsOfDeepLabCut:
    def about(self, draw, name, shape):
        tensors = {
            n: a for n, a in draw("deeplabcut_top_down").items() if HEAT not in n
        }
        tensors[f"{HEAT}{name}.weight"] = np.ones(shape, np.float32)
        tensors[f"{HEAT}{name}.bias"] = np.ones(5, np.float32)
        checkpoint = recognise(tensors)
        assert checkpoint.kind is None and checkpoint.architecture["width"] == 4
        return checkpoint.about

    def test_joined_streams(self, draw):
        text = self.about(draw, "final_conv", (5, 60, 1, 1))
        assert "for 5 body parts, whose head reads 60 channels" in text
        assert "not the 4 of the finest one" in text

    def test_unknown_ones(self, draw):
        text = self.about(draw, "layers", (5, 4, 3, 3))
        assert "another head than one layer of heatmaps (its parts: heads.bodyp" in text
