"""Official checkpoints give our models the official outputs, or one clear error."""

import json

import ml_dtypes
import numpy as np
import pytest
from draw_tensor import draw_tensor
from safetensors.numpy import save_file

from hrnet_tf.models.backbone import HRNetBackbone
from hrnet_tf.models.classifier import HRNetClassifier
from hrnet_tf.models.higher_pose import HigherHRNetPose
from hrnet_tf.models.pose import HRNetPose
from hrnet_tf.models.pyramid import HRNetFeaturePyramid
from hrnet_tf.models.segmenter import HRNetSegmenter
from hrnet_tf.models.simple_baseline import SimpleBaselinePose
from hrnet_tf.weights.convert import load_torch_weights
from hrnet_tf.weights.export_torch import export_torch_state_dict
from hrnet_tf.weights.names import official_name

HEAD = ["head/kernel", "head/bias"]


def state_dict(model):
    """A state dict in the official layout that fits the model."""
    tensors = {}
    for variable in model.weights:
        name, shape = official_name(variable.path), tuple(variable.shape)
        if len(shape) == 4:
            shape = tuple(shape[i] for i in (3, 2, 0, 1))
        tensors[name] = draw_tensor(name, shape)
        if name.endswith("running_var"):
            counter = name.replace("running_var", "num_batches_tracked")
            tensors[counter] = np.array(7, np.int64)
    return tensors


def make_pose(preset="hrnet_test", **options):
    return HRNetPose.from_preset(preset, image_size=(64, 64), **options)


@pytest.fixture(scope="module")
def pose_tensors():
    return state_dict(make_pose())


@pytest.fixture(scope="module")
def imagenet_tensors():
    """An ImageNet network: all rows of the last fusion, and its own head."""
    tensors = state_dict(HRNetBackbone.from_preset("hrnet_test"))
    for name in ("incre_modules.0.0.bn1", "downsamp_modules.0.0", "final_layer.0"):
        tensors[f"{name}.weight"] = np.ones((4, 4), np.float32)
    return {**tensors, "classifier.weight": np.ones((1000, 8), np.float32)}


def values(model):
    return {variable.path: np.array(variable) for variable in model.weights}


def assert_loaded(model, tensors, without=()):
    for path, value in values(model).items():
        if path not in without:
            tensor = tensors[official_name(path)].astype(np.float32)
            expected = tensor.transpose(2, 3, 1, 0) if tensor.ndim == 4 else tensor
            np.testing.assert_array_equal(value, expected, err_msg=path)


def failure(model, source, **options):
    """Returns the text of the error; the model's weights must stay untouched."""
    before = values(model)
    with pytest.raises(ValueError) as caught:
        load_torch_weights(model, source, **options)
    for path, value in values(model).items():
        np.testing.assert_array_equal(value, before[path])
    return str(caught.value)


@pytest.mark.slow
def test_golden_pose_w32(golden):
    folder = golden / "models"
    listing = json.loads((folder / "pose_w32_256x192.json").read_text())
    tensors = {name: draw_tensor(name, shape) for name, shape in listing["state_dict"]}
    model = HRNetPose.from_preset("hrnet_w32", include_preprocessing=False)
    report = load_torch_weights(model, tensors)
    assert report.num_assigned == 1462
    assert report.missing == report.unused == ()
    shape = listing["input_shape_nhwc"]
    images = np.random.default_rng(listing["input_seed"]).normal(0, 1, shape)
    heatmaps = model.predict(images.astype(np.float32), verbose=0)
    expected = np.load(folder / "pose_w32_256x192.npz")["output_0"]
    error = np.abs(heatmaps - expected).max() / np.abs(expected).max()
    # Measured: 1.3e-6.
    assert error < 1e-4


def test_assigns_every_variable_and_reports(pose_tensors):
    model = make_pose()
    report = load_torch_weights(model, pose_tensors)
    assert_loaded(model, pose_tensors)
    assert report.num_assigned == len(model.weights)
    assert report.layout == "official pose network"
    assert (report.missing, report.unused) == ((), ())
    text = str(report)
    assert text.startswith("a mapping: official pose network\n")
    assert "0 left as they were, 0 tensors unused" in text
    assert "step counters, which only PyTorch uses" in text


def test_files_prefixes_and_nesting(pose_tensors, tmp_path):
    wrapped = {f"module.{name}": array for name, array in pose_tensors.items()}
    model = make_pose()
    load_torch_weights(model, {"epoch": 3, "state_dict": wrapped})
    assert_loaded(model, pose_tensors)
    path = tmp_path / "pose.safetensors"
    save_file(wrapped, path)
    model = make_pose()
    report = load_torch_weights(model, path)
    assert_loaded(model, pose_tensors)
    assert report.source == str(path)


@pytest.mark.parametrize("dtype", [np.float64, np.float16, ml_dtypes.bfloat16])
def test_other_precisions_become_float32(pose_tensors, dtype):
    tensors = {
        name: array.astype(dtype) if array.dtype == np.float32 else array
        for name, array in pose_tensors.items()
    }
    model = make_pose()
    report = load_torch_weights(model, tensors)
    assert_loaded(model, tensors)
    kind = np.dtype(dtype).name
    count = len(model.weights)
    assert f"{count} tensors converted from {kind} to float32" in report.notes


def test_extra_rows_of_the_last_fusion_are_ignored(pose_tensors):
    rows = {
        name: array
        for name, array in state_dict(HRNetBackbone.from_preset("hrnet_test")).items()
        if name.startswith("stage4.0.fuse_layers")
    }
    model = make_pose()
    report = load_torch_weights(model, {**rows, **pose_tensors})
    assert_loaded(model, pose_tensors)
    assert report.missing == ()
    extra = [n for n in rows if n not in pose_tensors and "batches" not in n]
    assert sorted(report.unused) == sorted(extra)
    assert any("rows of the last fusion" in note for note in report.notes)


def test_imagenet_checkpoints_leave_the_head_fresh(imagenet_tensors):
    model = make_pose()
    before = values(model)
    report = load_torch_weights(model, imagenet_tensors)
    assert_loaded(model, imagenet_tensors, without=HEAD)
    for path in HEAD:
        np.testing.assert_array_equal(values(model)[path], before[path])
    assert report.layout == "official classification network"
    assert list(report.missing) == HEAD
    assert "classifier.weight" in report.unused
    assert "4 tensors ignored: the head of another task" in report.notes
    assert "the model's own head keeps its weights: train it" in report.notes


def test_backbones(imagenet_tensors, pose_tensors):
    backbone = HRNetBackbone.from_preset("hrnet_test")
    report = load_torch_weights(backbone, imagenet_tensors)
    assert_loaded(backbone, imagenet_tensors)
    assert report.missing == ()
    text = failure(backbone, pose_tensors)
    assert (
        "Missing, but the model needs them" in text
        and "stage4.0.fuse_layers.1.0.0.0" in text
    )
    single = HRNetBackbone.from_preset("hrnet_test", num_outputs=1)
    report = load_torch_weights(single, pose_tensors)
    assert sorted(report.unused) == ["final_layer.bias", "final_layer.weight"]


def test_everything_wrong_comes_in_one_error(pose_tensors):
    tensors = dict(pose_tensors)
    del tensors["bn2.bias"]
    tensors["extra.weight"] = np.ones(3, np.float32)
    tensors["bn1.weight"] = np.ones(9, np.float32)
    tensors["bn1.bias"] = np.ones(8, np.int64)
    tensors["layer1.0.conv2.weight"] = tensors["layer1.0.conv2.weight"] * np.nan
    text = failure(make_pose(), tensors)
    assert "a mapping (official pose network) does not fit the model hrnet_pose" in text
    assert "Another shape or type (2):" in text
    assert "bn1.weight: float32 [9], but the model needs float32 [8]" in text
    assert "bn1.bias: int64 [8]" in text
    assert "NaN or infinity (1):\n    layer1.0.conv2.weight" in text
    assert "Missing, but the model needs them (1):\n    bn2.bias" in text
    assert "Unused, as the model has no place for them (1):\n    extra.w" in text


def test_numbers_too_large_for_float32(pose_tensors):
    tensors = {**pose_tensors, "bn1.bias": np.full(8, 1e60)}
    assert "NaN or infinity (1):\n    bn1.bias" in failure(
        make_pose(), tensors, strict=False
    )


def test_another_width_names_the_preset_that_fits(pose_tensors):
    text = failure(make_pose("hrnet_w18_small_v1"), pose_tensors)
    assert "The checkpoint fits the preset 'hrnet_test': build that model." in text
    assert "more" in text and text.count("\n") < 45
    custom = make_pose(num_blocks=2)
    text = failure(make_pose(), state_dict(custom))
    assert "fits a model built with {'width': 4" in text and "'num_blocks': 2" in text


def test_another_number_of_keypoints(pose_tensors):
    model = make_pose(num_keypoints=14)
    text = failure(model, pose_tensors)
    assert "final_layer.weight: float32 [17, 4, 1, 1], but the model needs" in text
    assert "Build the model with num_keypoints=17, or pass strict=False" in text
    before = values(model)
    report = load_torch_weights(model, pose_tensors, strict=False)
    assert_loaded(model, pose_tensors, without=HEAD)
    np.testing.assert_array_equal(before["head/kernel"], values(model)["head/kernel"])
    assert list(report.missing) == HEAD
    assert "2 tensors ignored: a head for another number of keypoints" in report.notes


@pytest.mark.slow
def test_strict_false_loads_what_fits(pose_tensors):
    tensors = {**pose_tensors, "extra.weight": np.ones(3, np.float32)}
    del tensors["bn2.bias"]
    assert "Pass strict=False to load what fits" in failure(make_pose(), tensors)
    model = make_pose()
    report = load_torch_weights(model, tensors, strict=False)
    assert report.missing == ("stem_conv2/norm/beta",)
    assert report.unused == ("extra.weight",)
    assert_loaded(model, tensors, without=report.missing)
    wrong = {**tensors, "bn1.weight": np.ones(9, np.float32)}
    assert "bn1.weight" in failure(make_pose(), wrong, strict=False)


@pytest.mark.slow
def test_heads_of_other_tasks_stay_fresh(imagenet_tensors):
    models = [
        HRNetSegmenter.from_preset("hrnet_test", num_classes=3),
        HRNetFeaturePyramid.from_preset("hrnet_test"),
    ]
    for model in models:
        before = values(model)
        report = load_torch_weights(model, imagenet_tensors)
        assert "4 tensors ignored: the head of another task" in report.notes
        heads = [p for p in before if p.startswith(("mixer/", "head/", "pyramid/"))]
        assert list(report.missing) == heads
        for path in heads:
            np.testing.assert_array_equal(values(model)[path], before[path])
        kernel = imagenet_tensors["conv1.weight"].transpose(2, 3, 1, 0)
        np.testing.assert_array_equal(values(model)["stem_conv1/conv/kernel"], kernel)


def test_bodies_without_a_head_leave_the_head_fresh(pose_tensors):
    body = {n: a for n, a in pose_tensors.items() if not n.startswith("final_layer")}
    model = make_pose()
    report = load_torch_weights(model, body)
    assert report.layout == "official network without a known head"
    assert list(report.missing) == HEAD
    assert "the model's own head keeps its weights: train it" in report.notes
    # Half a head is damage.
    body["final_layer.weight"] = pose_tensors["final_layer.weight"]
    text = failure(make_pose(), body)
    assert "Missing, but the model needs them (1):\n    final_layer.bias" in text


@pytest.mark.slow
def test_classifiers_without_their_top():
    size = {"image_size": (64, 64)}
    whole = HRNetClassifier.from_preset("hrnet_test", num_classes=3, **size)
    tensors = export_torch_state_dict(whole)
    model = HRNetClassifier.from_preset("hrnet_test", include_top=False, **size)
    report = load_torch_weights(model, tensors)
    assert report.missing == ()
    assert report.unused == ("classifier.weight", "classifier.bias")
    assert (
        "2 tensors ignored: the last linear layer, which this model does not have"
    ) in report.notes
    other = HRNetClassifier.from_preset("hrnet_test", num_classes=4, **size)
    text = failure(other, tensors)
    assert "classifier.weight: float32 [3, 2048], but the model needs float32" in text
    assert "Build the model with num_classes=3, or pass strict=False" in text
    report = load_torch_weights(other, tensors, strict=False)
    assert report.missing == ("classifier/kernel", "classifier/bias")
    assert "2 tensors ignored: a head for another number of classes" in report.notes


def test_other_numbers_of_outputs_without_strictness():
    tensors = export_torch_state_dict(
        HigherHRNetPose.from_preset("hrnet_test", num_keypoints=5)
    )
    model = HigherHRNetPose.from_preset("hrnet_test", num_keypoints=6)
    assert "Build the model with num_keypoints=5" in failure(model, tensors)
    report = load_torch_weights(model, tensors, strict=False)
    # The transposed convolution sees the heatmaps and tags.
    assert set(report.missing) == {
        *("head/kernel", "head/bias", "high_head/kernel", "high_head/bias"),
        "deconv/conv/kernel",
    }
    assert "5 tensors ignored: a head for another number of keypoints" in report.notes
    tensors = export_torch_state_dict(
        HRNetFeaturePyramid.from_preset("hrnet_test", num_channels=5)
    )
    model = HRNetFeaturePyramid.from_preset("hrnet_test", num_channels=6)
    assert "Build the model with num_channels=5" in failure(model, tensors)
    report = load_torch_weights(model, tensors, strict=False)
    assert len(report.missing) == 12
    assert all(path.startswith("pyramid/") for path in report.missing)


def test_missing_biases_are_zero_only_before_normalisations():
    model = HRNetSegmenter.from_preset("hrnet_test", num_classes=3)
    tensors = export_torch_state_dict(model)
    del tensors["last_layer.0.bias"]
    model.get_layer("mixer").conv.bias.assign(np.ones(60))
    report = load_torch_weights(model, tensors)
    assert (
        "1 biases set to zero: the checkpoint's convolutions have none" in report.notes
    )
    assert not np.array(model.get_layer("mixer").conv.bias).any()
    del tensors["last_layer.3.bias"]
    assert "needs them (1):\n    last_layer.3.bias" in failure(model, tensors)


def test_resnets_and_hrnets_name_each_other(pose_tensors):
    baseline = SimpleBaselinePose.from_preset("resnet50", image_size=(64, 64))
    text = failure(baseline, pose_tensors)
    assert (
        "The checkpoint looks like an HRNet: build HRNetPose with the preset"
        " 'hrnet_test'." in text
    )
    text = failure(make_pose(), export_torch_state_dict(baseline))
    assert "(official SimpleBaseline) does not fit" in text
    assert (
        "The checkpoint looks like a ResNet-50: build SimpleBaselinePose with the"
        " preset 'resnet50'." in text
    )


def test_other_architectures_are_named():
    tensors = {
        "backbone.stages.0.blocks.0.attn.w_msa.relative_position_bias_table": np.ones(
            (169, 3), np.float32
        ),
        "backbone.stages.0.downsample.reduction.weight": np.ones((4, 8), np.float32),
        "keypoint_head.final_layer.weight": np.ones((17, 256, 1, 1), np.float32),
    }
    text = failure(make_pose(), tensors)
    assert "(unknown layout) does not fit" in text
    assert "not from an HRNet: its first names are ['backbone.stag" in text
    assert text.endswith(" It looks like a Swin Transformer.")


def test_foreign_networks():
    tensors = {
        f"features.{i}.weight": np.ones((8, 3, 3, 3), np.float32) for i in range(20)
    }
    for strict in (True, False):
        text = failure(make_pose(), tensors, strict=strict)
        assert "unknown layout" in text
        assert "no place for them (20):" in text and "... and 12 more" in text
        assert "not from an HRNet: its first names are ['features.0.w" in text


def test_foreign_models(pose_tensors):
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="dense")])
    text = failure(model, pose_tensors)
    assert "dense/kernel" in text and "no HRNet of this package" in text


def test_unreadable_files_are_named(tmp_path):
    path = tmp_path / "pose_hrnet_w32.pth"
    path.write_text("<html>quota exceeded</html>")
    assert "pose_hrnet_w32.pth: it is neither" in failure(make_pose(), path)
