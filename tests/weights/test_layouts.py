"""Checkpoints of every layout are recognised, and give the models their values."""

import functools
import re

import numpy as np
import pytest
from draw_tensor import draw_tensor
from framework_names import FORMS, TIMM, rename
from safetensors.numpy import save_file

import hrnet_tf
from hrnet_tf.weights.export_torch import export_torch_state_dict
from hrnet_tf.weights.layouts import recognise

SIZE = (64, 64)
MODELS = {
    "pose": ("HRNetPose", {"num_keypoints": 5, "image_size": SIZE}),
    "landmarks": ("HRNetLandmarks", {"num_keypoints": 5, "image_size": SIZE}),
    "segmenter": ("HRNetSegmenter", {"num_classes": 7}),
    "ocr_segmenter": (
        "HRNetOCRSegmenter",
        {"num_classes": 7, "interpolation": "bilinear"},
    ),
    "classifier": ("HRNetClassifier", {"num_classes": 7, "image_size": SIZE}),
    "feature_pyramid": ("HRNetFeaturePyramid", {"num_channels": 6}),
    "higher_pose": ("HigherHRNetPose", {"num_keypoints": 5}),
}


@functools.cache
def make(kind):
    """A model of a kind, and official tensors that fit it."""
    name, arguments = MODELS[kind]
    model = getattr(hrnet_tf, name).from_preset("hrnet_test", **arguments)
    tensors = {
        name: draw_tensor(name, array.shape)
        for name, array in export_torch_state_dict(model).items()
    }
    return model, tensors


@functools.cache
def make_simple_baseline():
    model = hrnet_tf.SimpleBaselinePose(
        num_blocks=(1, 1, 1, 1), num_keypoints=5, image_size=SIZE
    )
    tensors = export_torch_state_dict(model)
    return model, {n: draw_tensor(n, array.shape) for n, array in tensors.items()}


def load(model, tensors, **options):
    """Loads into a model whose weights are all 9 before."""
    for variable in model.weights:
        variable.assign(np.full(variable.shape, 9))
    return hrnet_tf.load_torch_weights(model, tensors, **options)


def assert_equal(model, tensors, zeros=()):
    for name, array in export_torch_state_dict(model).items():
        expected = np.zeros(array.shape) if name in zeros else tensors[name]
        np.testing.assert_array_equal(array, expected, err_msg=name)


@pytest.mark.parametrize("layout", FORMS)
def test_openmmlab(layout):
    kind, rules = FORMS[layout]
    model, tensors = make(kind)
    theirs = rename(tensors, rules)
    without = [p for p, theirs in rules if theirs is None]
    zeros = [n for n in tensors if any(re.fullmatch(p, n) for p in without)]
    report = load(model, theirs)
    assert_equal(model, tensors, zeros)
    assert report.layout == layout
    assert (report.missing, report.unused) == ((), ())
    assert report.num_assigned == len(model.weights)
    count = sum(name.endswith("num_batches_tracked") for name in theirs)
    notes = [f"{count} tensors ignored: step counters, which only PyTorch uses"]
    if zeros:
        notes.append(
            f"{len(zeros)} biases set to zero: the checkpoint's convolutions have none"
        )
    assert report.notes == tuple(notes)


def test_mmpose_files_that_moved_to_its_version_1():
    model, tensors = make("landmarks")
    theirs = rename(tensors, [(r"head\.(.+)", r"head.final_layer.\1")])
    assert "face landmark network (mmpose 1.x)" in load(model, theirs).layout
    assert_equal(model, tensors)


@pytest.mark.parametrize("head", ["keypoint_head", "head"])
def test_simple_baselines_of_mmpose(head):
    model, tensors = make_simple_baseline()
    rules = [(r"((?:deconv_layers|final_layer)\..+)", rf"{head}.\1")]
    report = load(model, rename(tensors, rules))
    version = "0.x" if head == "keypoint_head" else "1.x"
    assert report.layout == f"OpenMMLab SimpleBaseline (mmpose {version})"
    assert_equal(model, tensors)
    assert (
        "networks of this layout have channel_order='rgb', but the model has 'bgr':"
        " build it as the weights were trained"
    ) in report.notes


def test_torchvision_resnets_start_simple_baselines():
    model, tensors = make_simple_baseline()
    head = [n for n in tensors if re.match("deconv_layers|final_layer", n)]
    theirs = {n: array for n, array in tensors.items() if n not in head}
    theirs["fc.weight"] = np.ones((1000, 2048), np.float32)
    theirs["fc.bias"] = np.ones(1000, np.float32)
    report = load(model, theirs)
    assert report.layout == "ResNet classification network"
    assert len(report.missing) == len(head)
    assert report.unused == ("fc.weight", "fc.bias")
    assert "2 tensors ignored: the head of another task" in report.notes
    assert_equal(model, {**tensors, **{n: np.full_like(tensors[n], 9) for n in head}})


def test_timm(tmp_path):
    model, tensors = make("classifier")
    path = tmp_path / "model.safetensors"
    save_file(dict(sorted(rename(tensors, [(r"(.+)", r"\1")]).items())), path)
    # timm calls its tensors as the official code does.
    assert load(model, path).layout == "official classification network"
    assert_equal(model, tensors)
    report = load(model, rename(tensors, TIMM))
    assert report.layout == "timm classification network"
    zeros = [name for name in tensors if re.fullmatch(TIMM[0][0], name)]
    assert_equal(model, tensors, zeros)
    assert any(note.startswith("4 biases set to zero") for note in report.notes)


class TestOfficialVariants:
    @pytest.mark.parametrize(
        ("kind", "layout"),
        [
            ("pose", "official pose network"),
            ("landmarks", "official face landmark network"),
            ("segmenter", "official segmentation network"),
            ("ocr_segmenter", "official segmentation network with OCR"),
            ("classifier", "official classification network"),
            ("feature_pyramid", "official detection network"),
            ("higher_pose", "official HigherHRNet"),
        ],
    )
    def test_layouts(self, kind, layout):
        model, tensors = make(kind)
        assert load(model, tensors).layout == layout
        assert_equal(model, tensors)
        found = recognise(tensors)
        assert found.kind == kind
        assert found.count_outputs() == next(iter(MODELS[kind][1].values()))

    def test_more_and_fewer_levels_of_normalisations(self):
        model, tensors = make("ocr_segmenter")
        theirs = {
            re.sub(r"^(conv3x3_ocr|aux_head)\.1\.", r"\1.1.0.", name): array
            for name, array in tensors.items()
        }
        assert "aux_head.1.0.running_var" in theirs
        load(model, theirs)
        assert_equal(model, tensors)
        theirs = {
            re.sub(r"^(ocr_distri_head.+\.[13])\.0\.", r"\1.", name): array
            for name, array in tensors.items()
        }
        assert "ocr_distri_head.conv_bn_dropout.1.weight" in theirs
        load(model, theirs)
        assert_equal(model, tensors)

    def test_the_wrapper_of_segmentation_and_its_loss(self):
        model, tensors = make("segmenter")
        theirs = {f"model.{name}": array for name, array in tensors.items()}
        theirs["loss.criterion.weight"] = np.ones(7, np.float32)
        report = load(model, theirs)
        assert_equal(model, tensors)
        assert report.unused == ("loss.criterion.weight",)
        assert "1 tensors ignored: weights of the training's loss" in report.notes

    def test_half_precision_training_of_higher_hrnet(self):
        model, tensors = make("higher_pose")
        load(model, {f"1.{name}": array for name, array in tensors.items()})
        assert_equal(model, tensors)

    @pytest.mark.parametrize(
        "prefix", ["module.", "model.", "_orig_mod.module.", "net."]
    )
    def test_wrappers(self, prefix):
        kind, rules = FORMS["OpenMMLab pose network (mmpose 0.x)"]
        model, tensors = make(kind)
        theirs = rename(tensors, rules)
        # What is beside the network keeps read_checkpoint from removing a prefix.
        theirs = {f"{prefix}{name}": array for name, array in theirs.items()}
        theirs["ema_backbone_conv1_weight"] = tensors["conv1.weight"] + 1
        assert load(model, theirs).layout == "OpenMMLab pose network (mmpose 0.x)"
        assert_equal(model, tensors)


OTHER_HEAD = "a head that this package does not have"


class TestIgnored:
    EXTRAS = {
        "ema_backbone_conv1_weight": "moving averages kept beside the weights",
        "ema.module.conv1.weight": "moving averages kept beside the weights",
        "state_dict_ema.conv1.weight": "moving averages kept beside the weights",
        "optimizer.state.0.exp_avg": "the optimizer's state",
        "data_preprocessor.mean": "the preprocessing's pixel statistics",
        "auxiliary_head.conv_seg.weight": "auxiliary heads, which only training uses",
        "decode_head.loss_decode.weight": "weights of the training's loss",
        "rpn_head.rpn_conv.weight": "the heads of a detector",
        "roi_head.bbox_head.0.fc_cls.weight": "the heads of a detector",
        "bbox_head.fc_cls.weight": "the heads of a detector",
        "mask_head.convs.0.conv.weight": "the heads of a detector",
        "semantic_head.conv_logits.weight": "the heads of a detector",
        "head.displacement_conv_layers.1.adapt_conv.weight": OTHER_HEAD,
        "keypoint_head.offset_conv_layers.3.bias": OTHER_HEAD,
        "rescore_net.l1.weight": OTHER_HEAD,
        "head.gfd_module.channel_attention.atn.bias": OTHER_HEAD,
        "keypoint_head.heatmap_conv.weight": OTHER_HEAD,
        "neck.offset_feats.3.bn2.running_var": OTHER_HEAD,
    }

    def test_what_is_beside_the_network(self):
        kind, rules = FORMS["OpenMMLab detection network (mmdetection)"]
        model, tensors = make(kind)
        extras = {name: np.full((2, 2), np.nan) for name in self.EXTRAS}
        report = load(model, {**rename(tensors, rules), **extras})
        assert_equal(model, tensors)
        assert report.layout == "OpenMMLab detection network (mmdetection)"
        assert sorted(report.unused) == sorted(self.EXTRAS)
        for reason in set(self.EXTRAS.values()):
            count = list(self.EXTRAS.values()).count(reason)
            assert f"{count} tensors ignored: {reason}" in report.notes

    def test_detectors_of_one_stage_warn_of_their_strides(self):
        model, tensors = make("feature_pyramid")
        extra = {"bbox_head.conv_cls.weight": np.ones(2, np.float32)}
        note = load(model, {**tensors, **extra}).notes[-1]
        assert "if its pyramid's convolutions have stride 2 (FCOS)" in note
        extra["rpn_head.rpn_cls.weight"] = np.ones(2, np.float32)
        assert "FCOS" not in str(load(model, {**tensors, **extra}))

    def test_the_imagenet_networks_of_the_official_pose_code(self):
        model, tensors = make("pose")
        body = {n: a for n, a in tensors.items() if not n.startswith("final_layer")}
        extras = ("head.0.0.0.conv1.weight", "head.1.0.0.weight", "fc.weight")
        theirs = {**body, **{name: np.ones((2, 2), np.float32) for name in extras}}
        report = load(model, theirs)
        assert report.unused == extras
        assert report.missing == ("head/kernel", "head/bias")
        assert (
            "3 tensors ignored: an ImageNet head of a form that no model here has"
        ) in report.notes


class TestHints:
    def test_interpolations_that_differ(self):
        kind, rules = FORMS["OpenMMLab segmentation network with OCR (mmsegmentation)"]
        model = hrnet_tf.HRNetOCRSegmenter.from_preset("hrnet_test", num_classes=7)
        theirs = rename(make(kind)[1], rules)
        note = (
            "networks of this layout have interpolation='bilinear', but the model has"
            " 'bilinear_align_corners': build it as the weights were trained"
        )
        assert note in load(model, theirs).notes
        assert recognise(theirs).trained_with == {"interpolation": "bilinear"}
        # Another task's training starts anew, and may choose.
        body = {n: a for n, a in theirs.items() if n.startswith("backbone.")}
        assert "interpolation" not in str(load(model, body))

    def test_two_networks_in_one_file(self):
        model, tensors = make("pose")
        theirs = {**tensors, "backbone.conv1.weight": tensors["conv1.weight"]}
        with pytest.raises(ValueError) as caught:
            load(model, theirs)
        text = str(caught.value)
        assert "Two tensors for one variable (1):" in text
        assert "    conv1.weight and backbone.conv1.weight\n" in text
        assert "The file holds two networks: pass the mapping of one of them." in text

    def test_errors_show_the_names_of_the_file(self):
        kind, rules = FORMS["OpenMMLab pose network (mmpose 1.x)"]
        model, tensors = make(kind)
        theirs = rename(tensors, rules)
        theirs["head.final_layer.weight"] = np.ones((9, 4, 1, 1), np.float32)
        theirs["head.mlp_head_x.weight"] = np.ones((9, 4), np.float32)
        del theirs["backbone.bn1.bias"]
        with pytest.raises(ValueError) as caught:
            load(model, theirs)
        text = str(caught.value)
        assert "(OpenMMLab pose network (mmpose 1.x)) does not fit" in text
        assert "head.final_layer.weight: float32 [9, 4, 1, 1], but the model" in text
        assert "no place for them (1):\n    head.mlp_head_x.weight" in text
        assert "Missing, but the model needs them (1):\n    bn1.bias" in text
        assert "Build the model with num_keypoints=9" in text
