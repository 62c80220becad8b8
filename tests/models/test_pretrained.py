"""Published weights and foreign bodies inside our models."""

import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest

import hrnet_tf
from hrnet_tf.data.heatmaps import HeatmapCodec
from hrnet_tf.models.presets import ARCHITECTURES
from hrnet_tf.weights import download, registry
from hrnet_tf.weights.export_torch import export_torch_state_dict

KEYPOINTS = "hrnet_w32_coco_256x192"


@pytest.fixture
def published(monkeypatch):
    """Puts a tiny network's weights in the place of the published ones."""
    keras.utils.set_random_seed(3)
    source = hrnet_tf.HRNetPose.from_preset(
        "hrnet_test", num_keypoints=17, kernel_initializer="he_normal"
    )
    tensors = export_torch_state_dict(source)
    real = registry.published
    asked = []

    def find(name):
        entry = real(name)
        return registry.PublishedWeights(**{**vars(entry), "preset": "hrnet_test"})

    def fetch(entry, *args, **kwargs):
        asked.append(entry.name)
        return tensors

    monkeypatch.setattr(registry, "published", find)
    monkeypatch.setattr(download, "fetch_weights", fetch)
    return source, asked


def images():
    rng = np.random.default_rng(0)
    return rng.uniform(0, 255, (2, 64, 64, 3)).astype("float32")


def test_published_weights_by_name(published):
    source, asked = published
    model = hrnet_tf.HRNetPose.from_preset(KEYPOINTS)
    assert asked == [KEYPOINTS]
    assert model.image_size == (256, 192)
    assert model.get_config()["keypoint_set"]["names"][0] == "nose"
    for ours, theirs in zip(model.weights, source.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs, ours.path)


def test_repeating_the_published_number_changes_nothing(published):
    model = hrnet_tf.HRNetPose.from_preset(KEYPOINTS, num_keypoints=17)
    assert model.get_config()["keypoint_set"]["names"][0] == "nose"


def test_another_body_is_no_silent_success(published):
    with pytest.warns(UserWarning, match="left as they were: stage4_module0"):
        hrnet_tf.HRNetPose.from_preset(KEYPOINTS, num_keypoints=5, representation="v2")


@pytest.mark.parametrize("convention", ["official", "dark", "udp"])
def test_published_weights_say_how_their_maps_are_read(published, convention):
    name = KEYPOINTS if convention == "official" else f"{KEYPOINTS}_{convention}"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = hrnet_tf.HRNetPose.from_preset(name)
    assert model.heatmap_convention == convention
    assert HeatmapCodec.for_model(model).convention == convention
    other = hrnet_tf.HRNetPose.from_preset(name, heatmap_convention="face")
    assert other.heatmap_convention == "face"


def test_another_head_stays_fresh(published):
    source, _ = published
    model = hrnet_tf.HRNetPose.from_preset(KEYPOINTS, num_keypoints=5)
    assert model.output_shape[-1] == 5
    assert model.get_config()["keypoint_set"] is None
    np.testing.assert_array_equal(model.weights[0], source.weights[0])


def test_bodies_of_other_tasks(published):
    source, _ = published
    with pytest.warns(UserWarning, match="left as they were: stage4_module0"):
        model = hrnet_tf.HRNetSegmenter.from_preset(
            "hrnet_test", num_classes=11, backbone_weights=KEYPOINTS
        )
    np.testing.assert_array_equal(model.backbone.weights[0], source.weights[0])
    assert model.output_shape[-1] == 11
    with pytest.raises(ValueError, match="whole HRNetPose.*HRNetPose.from_preset"):
        hrnet_tf.HRNetSegmenter.from_preset(KEYPOINTS)
    with pytest.raises(ValueError, match=r"from_preset\('hrnet_w32_coco_256x192'\)\.$"):
        hrnet_tf.SimpleBaselinePose.from_preset(KEYPOINTS)


@pytest.mark.slow
def test_bodies_from_saved_models(tmp_path):
    keras.utils.set_random_seed(3)
    source = hrnet_tf.HRNetSegmenter.from_preset("hrnet_test", num_classes=3)
    source.save(tmp_path / "source.keras")
    model = hrnet_tf.HRNetSegmenter.from_preset(
        "hrnet_test", num_classes=5, backbone_weights=tmp_path / "source.keras"
    )
    for ours, theirs in zip(
        model.backbone.weights, source.backbone.weights, strict=True
    ):
        np.testing.assert_array_equal(ours, theirs, ours.path)
    with pytest.raises(ValueError, match="fits the preset 'hrnet_test'"):
        hrnet_tf.HRNetPose.from_preset(
            "hrnet_test", width=8, backbone_weights=tmp_path / "source.keras"
        )


def test_bodies_from_mappings_and_errors(tmp_path):
    source = hrnet_tf.HRNetClassifier.from_preset("hrnet_test", num_classes=3)
    tensors = export_torch_state_dict(source)
    model = hrnet_tf.HRNetLandmarks.from_preset("hrnet_test", backbone_weights=tensors)
    for ours, theirs in zip(
        model.backbone.weights, source.backbone.weights, strict=True
    ):
        np.testing.assert_array_equal(ours, theirs, ours.path)
    with pytest.raises(ValueError, match="nothing at that path"):
        hrnet_tf.HRNetPose.from_preset("hrnet_test", backbone_weights="absent.pth")
    with pytest.raises(ValueError, match="no published weights of that name.*w32_coco"):
        hrnet_tf.HRNetPose.from_preset(
            "hrnet_test", backbone_weights="hrnet_w32_coco_256x19"
        )
    with pytest.raises(ValueError, match="SimpleBaselinePose has"):
        hrnet_tf.SimpleBaselinePose.from_preset("resnet50", backbone_weights=tensors)
    with pytest.raises(ValueError, match="hrnet_w33.*hrnet_w32, .*hrnet_w3"):
        hrnet_tf.HRNetPose.from_preset("hrnet_w33")


def test_an_architecture_has_random_weights_and_says_so_once(caplog):
    model = hrnet_tf.HRNetPose.from_preset("hrnet_test")
    (record,) = caplog.records
    text = record.getMessage()
    assert record.name.startswith("hrnet_tf") and record.levelname == "WARNING"
    assert text.startswith("HRNetPose.from_preset('hrnet_test') has random weights")
    assert "HRNetPose.presets" in text and "load_weights=False" in text
    caplog.clear()
    quiet = hrnet_tf.HRNetPose.from_preset("hrnet_test", load_weights=False)
    tensors = export_torch_state_dict(model)
    hrnet_tf.HRNetPose.from_preset("hrnet_test", backbone_weights=tensors)
    assert not caplog.records
    assert quiet.count_params() == model.count_params()


def test_the_note_names_weights_of_the_architecture(caplog):
    hrnet_tf.HRNetClassifier.from_preset("hrnet_w18_small_v1")
    assert "such as 'hrnet_w18_small_v1_" in caplog.text


def test_published_weights_are_left_out_on_demand(published, caplog):
    source, asked = published
    model = hrnet_tf.HRNetPose.from_preset(KEYPOINTS, load_weights=False)
    assert asked == [] and not caplog.records
    # The architecture and the arguments are the published ones, the values are not.
    assert model.image_size == (256, 192)
    ours, theirs = (network.get_weights()[0] for network in (model, source))
    assert ours.shape == theirs.shape and np.abs(ours - theirs).max() > 0.01


def test_presets_are_listed_with_a_description():
    presets = hrnet_tf.HRNetPose.presets
    assert list(presets)[: len(ARCHITECTURES)] == list(ARCHITECTURES)
    assert presets["hrnet_w32"] == (
        "Architecture, random weights: streams of 32, 64, 128, 256 channels."
    )
    assert presets[KEYPOINTS].startswith("Published weights: ")
    weights = [name for name in presets if name not in ARCHITECTURES]
    assert weights == registry.names("HRNetPose")
    others = hrnet_tf.SimpleBaselinePose.presets
    assert "bottlenecks of 3, 4, 6, 3" in others["resnet50"]
    assert not {*others} & {*weights, *ARCHITECTURES}

    class Own(hrnet_tf.HRNetPose):
        """A class that nothing is published for."""

    assert list(Own.presets) == list(ARCHITECTURES)


def test_presets_are_described_without_a_framework():
    script = (
        "import sys\n"
        "from hrnet_tf.models.presets import ARCHITECTURES, describe_presets\n"
        "assert 'hrnet_w32' in describe_presets('HRNetPose', ARCHITECTURES)\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
