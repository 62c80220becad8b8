"""Checkpoints of detectors: whose they are, what they become, and back again."""

import re

import numpy as np
import pytest
from safetensors.numpy import save_file
from slow_params import cases

import hrnet_tf
from hrnet_tf.weights.export_torch import export_torch_state_dict
from hrnet_tf.weights.layouts import recognise
from hrnet_tf.weights.transfer import start_from

CASES = {
    "faster": (
        "HRNetFasterRCNN",
        {},
        "OpenMMLab Faster R-CNN (mmdetection 2 or 3)",
    ),
    "mask": (
        "HRNetFasterRCNN",
        {"with_masks": True},
        "OpenMMLab Mask R-CNN (mmdetection 2 or 3)",
    ),
    "official": (
        "HRNetFasterRCNN",
        {"convention": "official", "with_masks": True},
        "official Mask R-CNN",
    ),
    "cascade": (
        "HRNetCascadeRCNN",
        {},
        "OpenMMLab Cascade R-CNN (mmdetection 2 or 3)",
    ),
    "official_cascade": (
        "HRNetCascadeRCNN",
        {"convention": "official"},
        "official Cascade R-CNN",
    ),
    "fcos": (
        "HRNetFCOS",
        {
            "channel_order": "bgr",
            "pixel_mean": (0.406, 0.456, 0.485),
            "pixel_std": (0.225, 0.224, 0.229),
        },
        "OpenMMLab FCOS (mmdetection 2 or 3)",
    ),
    "official_fcos": (
        "HRNetFCOS",
        {
            "convention": "official",
            "first_level": 2,
            "num_levels": 6,
            "channel_order": "bgr",
            "pixel_mean": tuple(m / 255 for m in (102.9801, 115.9465, 122.7717)),
            "pixel_std": (1 / 255,) * 3,
        },
        "official FCOS",
    ),
}


def build(case, **arguments):
    name, own, _ = CASES[case]
    model = getattr(hrnet_tf, name).from_preset(
        "hrnet_test",
        load_weights=False,
        **{"num_classes": 3, "num_channels": 32, **own, **arguments},
    )
    rng = np.random.default_rng(0)
    for variable in model.weights:
        variable.assign(rng.normal(0, 1, variable.shape))
    return model


def load_again(model, tensors, **options):
    """Loads into the model once its weights are gone; returns the report."""
    before = model.get_weights()
    for variable in model.weights:
        variable.assign(np.zeros(variable.shape))
    report = hrnet_tf.load_torch_weights(model, tensors, **options)
    for ours, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    return report


@pytest.mark.parametrize("case", cases(list(CASES), ("mask", "official")))
def test_round_trips_are_exact_and_recognised(case):
    model = build(case)
    tensors = export_torch_state_dict(model)
    report = load_again(model, {f"module.{n}": t for n, t in tensors.items()})
    assert (report.missing, report.unused) == ((), ())
    assert load_again(model, tensors).notes == ()
    found = recognise(tensors)
    assert found.layout == report.layout == CASES[case][2]
    assert found.count_outputs() == 3
    known = {key: model.arguments[key] for key in found.trained_with}
    assert found.trained_with == known
    again = export_torch_state_dict(model)
    assert list(again) == list(tensors)
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(again[name], tensor)
        assert tensor.flags.c_contiguous


def test_names_and_shapes_are_those_of_mmdetection(golden):
    import json

    listed = json.loads((golden / "detection" / "counts.json").read_text())
    for case, name in (("mask", "mask_rcnn_w18"), ("fcos", "fcos_w18")):
        model = build(case, num_classes=80, num_channels=256)
        heads = {
            n: list(t.shape)
            for n, t in export_torch_state_dict(model).items()
            if not n.startswith("backbone.") and "reduction_conv" not in n
        }
        wanted = dict(listed[name]["head_state_dict"])
        wanted = {n: s for n, s in wanted.items() if "reduction_conv" not in n}
        assert heads == wanted


def test_the_background_is_the_first_class_of_official_files():
    model = build("official")
    tensors = export_torch_state_dict(model)
    head = model.box_heads[0]
    kernel = np.array(head.classes.kernel)
    np.testing.assert_array_equal(tensors["bbox_head.fc_cls.weight"][0], kernel[:, 3])
    np.testing.assert_array_equal(tensors["bbox_head.fc_cls.weight"][1], kernel[:, 0])
    deltas = np.array(head.deltas.kernel)
    np.testing.assert_array_equal(tensors["bbox_head.fc_reg.weight"][4], deltas[:, 0])
    np.testing.assert_array_equal(tensors["bbox_head.fc_reg.weight"][3], deltas[:, 15])
    masks = np.array(model.mask_heads[0].masks.kernel)[0, 0]
    np.testing.assert_array_equal(
        tensors["mask_head.conv_logits.weight"][0, :, 0, 0], masks[:, 3]
    )


def test_files_of_mmdetection_1_have_its_pyramid_and_the_official_heads():
    model = build("official")
    tensors = {
        re.sub(
            r"fpn_conv\.(\d)",
            r"fpn_convs.\1.conv",
            n.replace("reduction_conv.0.", "reduction_conv.conv."),
        ): t
        for n, t in export_torch_state_dict(model).items()
    }
    report = load_again(model, tensors)
    assert report.layout == "OpenMMLab Mask R-CNN (mmdetection 1)"


def test_another_convention_is_refused_with_the_right_one():
    tensors = export_torch_state_dict(build("official"))
    model = build("mask")
    with pytest.raises(ValueError, match="Build the model with convention='official'"):
        hrnet_tf.load_torch_weights(model, tensors)


def test_other_classes_leave_their_layers_fresh():
    tensors = export_torch_state_dict(build("mask"))
    model = build("mask", num_classes=5)
    with pytest.raises(ValueError, match="Build the model with num_classes=3"):
        hrnet_tf.load_torch_weights(model, tensors)
    report = hrnet_tf.load_torch_weights(model, tensors, strict=False)
    assert sorted(report.missing) == [
        f"{layer}/{leaf}"
        for layer in ("box_head0/classes", "box_head0/deltas", "mask_head0/masks")
        for leaf in ("bias", "kernel")
    ]


@pytest.mark.slow
def test_classes_are_carried_over_by_name(tmp_path):
    theirs = build("official", class_names=("cat", "dog", "owl"))
    theirs.save(tmp_path / "theirs.keras")
    model = build("mask", num_classes=2, class_names=("owl", "ant"))
    before = np.array(model.box_heads[0].classes.bias)
    report = start_from(model, tmp_path / "theirs.keras")
    assert (report.carried, report.fresh) == (("owl",), ("ant",))
    head, other = model.box_heads[0], theirs.box_heads[0]
    # Of the classes the owl, and the background.
    np.testing.assert_array_equal(
        head.classes.bias, [other.classes.bias[2], before[1], other.classes.bias[3]]
    )
    np.testing.assert_array_equal(head.deltas.bias[:4], other.deltas.bias[8:12])
    np.testing.assert_array_equal(
        model.mask_heads[0].masks.kernel[..., 0], other_mask(theirs)[..., 2]
    )
    np.testing.assert_array_equal(head.hidden[0].kernel, other.hidden[0].kernel)


def other_mask(model):
    return np.array(model.mask_heads[0].masks.kernel)


def test_hybrid_task_cascades_give_their_pyramid():
    tensors = export_torch_state_dict(build("cascade"))
    tensors["roi_head.mask_head.1.conv_res.conv.weight"] = np.zeros((4, 4, 1, 1), "f")
    found = recognise(tensors)
    assert found.kind == "feature_pyramid"
    assert "roi_head.bbox_head.0.fc_cls.weight" in found.ignored


@pytest.mark.parametrize("name", ["HRNetFeaturePyramid", "HRNetBackbone"])
def test_bodies_are_taken_out_of_detectors(name):
    tensors = export_torch_state_dict(build("mask"))
    arguments = {"num_channels": 32} if name == "HRNetFeaturePyramid" else {}
    model = getattr(hrnet_tf, name).from_preset(
        "hrnet_test", load_weights=False, **arguments
    )
    report = hrnet_tf.load_torch_weights(model, tensors)
    assert not report.missing
    assert "26 tensors ignored: the heads of a detector" in report.notes
    np.testing.assert_array_equal(
        np.transpose(model.get_layer("hrnet_backbone").get_weights()[0], (3, 2, 0, 1))
        if name == "HRNetFeaturePyramid"
        else np.transpose(model.get_weights()[0], (3, 2, 0, 1)),
        tensors["backbone.conv1.weight"],
    )


def test_files_become_models(tmp_path):
    from hrnet_tf.weights.build import build_model
    from hrnet_tf.weights.torch_checkpoint import read_checkpoint

    source = build("official_cascade")
    save_file(export_torch_state_dict(source), tmp_path / "model.safetensors")
    tensors = read_checkpoint(tmp_path / "model.safetensors")
    model = build_model(recognise(tensors), num_channels=32)
    assert type(model) is hrnet_tf.HRNetCascadeRCNN
    assert (model.num_classes, model.convention) == (3, "official")
    assert not hrnet_tf.load_torch_weights(model, tensors).missing
