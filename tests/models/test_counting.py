"""Counts against built models and the official networks' exact numbers."""

import inspect
import json
import re

import numpy as np
import pytest

import hrnet_tf
from hrnet_tf.models import counting
from hrnet_tf.models.official import NETWORKS
from hrnet_tf.models.presets import ARCHITECTURES

FACE_POINTS = {"wflw": 98, "300w": 68, "cofw": 29, "aflw": 19}
# What the official names start with, our class, and the head's argument, if it is
# the number at the name's end.
CLASSES = (
    ("pose_resnet", "SimpleBaselinePose", None),
    ("pose_hrnet", "HRNetPose", None),
    ("cls", "HRNetClassifier", None),
    ("seg", "HRNetSegmenter", "num_classes"),
    ("ocr", "HRNetOCRSegmenter", "num_classes"),
    ("face", "HRNetLandmarks", None),
    ("higher", "HigherHRNetPose", None),
    ("hrnetv2p", "HRNetFeaturePyramid", None),
)
# Networks of other repositories, which have tests of their own.
ELSEWHERE = ("LiteHRNetPose", "StackedHourglassPose")


def network(name):
    """Returns (class name, preset, arguments of the head) of an official network."""
    model, argument = next(c[1:] for c in CLASSES if name.startswith(c[0]))
    head = {}
    if argument:
        head[argument] = int(re.search(r"\d+$", name)[0])
    elif model == "HRNetLandmarks":
        head["num_keypoints"] = FACE_POINTS[name.rsplit("_", 1)[1]]
    elif "mpii" in name or "crowdpose" in name:
        head["num_keypoints"] = 16 if "mpii" in name else 14
    width = re.search(r"resnet\d+|w\d+(_small_v\d)?", name)[0]
    return model, width if width.startswith("r") else f"hrnet_{width}", head


def built_parameters(model):
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


@pytest.fixture(scope="module")
def official(golden):
    """Every official network's parameters, and multiply-adds by (height, width)."""
    return json.loads((golden / "models" / "exact_counts.json").read_text())


def test_parameters_of_every_official_network_are_exact(official):
    assert len(official) == 48
    for name, numbers in official.items():
        model, preset, head = network(name)
        count = counting.count_parameters(model, preset, **head)
        assert count == numbers["parameters"], name


def test_macs_of_every_official_network_are_exact(official):
    for name, numbers in official.items():
        model, preset, head = network(name)
        for size, macs in numbers["macs"].items():
            image_size = tuple(map(int, size.split("x")))
            count = counting.count_macs(model, preset, image_size, **head)
            assert count == macs, (name, size)


def test_the_listed_networks_are_the_official_ones(official):
    """Two repositories may hold the same network: it is listed once."""
    listed = {
        (
            counting.count_parameters(n.model, n.preset, **n.head),
            counting.count_macs(n.model, n.preset, n.image_size, **n.head),
        )
        for n in NETWORKS
        if n.model not in ELSEWHERE
    }
    sizes = {
        (n["parameters"], m) for n in official.values() for m in n["macs"].values()
    }
    assert listed <= sizes
    assert {n["parameters"] for n in official.values()} == {p for p, _ in listed}


@pytest.mark.slow
def test_every_official_network_has_its_parameters_when_built(official):
    for name, numbers in official.items():
        model, preset, head = network(name)
        built = getattr(hrnet_tf, model).from_preset(preset, **head)
        assert built_parameters(built) == numbers["parameters"], name


@pytest.mark.parametrize(
    ("model", "head"),
    [
        ("HRNetPose", {"num_keypoints": 5}),
        ("HRNetPose", {"num_keypoints": 5, "representation": "v2"}),
        ("HRNetLandmarks", {"num_keypoints": 7}),
        ("HRNetClassifier", {"num_classes": 3, "head_width": 4}),
        ("HRNetClassifier", {"num_classes": 3}),
        ("HRNetSegmenter", {"num_classes": 3}),
        ("HRNetOCRSegmenter", {"num_classes": 3}),
        ("HRNetFeaturePyramid", {"num_channels": 8}),
        ("HRNetFasterRCNN", {"num_classes": 3, "with_masks": True}),
        ("HRNetFasterRCNN", {"num_classes": 3, "convention": "official"}),
        ("HRNetFCOS", {"num_classes": 3}),
        (
            "HRNetFCOS",
            {"convention": "official", "first_level": 2, "num_levels": 6},
        ),
        ("HigherHRNetPose", {"num_keypoints": 5}),
    ],
)
def test_counts_are_those_of_the_built_model(model, head):
    built = getattr(hrnet_tf, model).from_preset("hrnet_test", **head)
    assert counting.count_parameters(model, "hrnet_test", **head) == built_parameters(
        built
    )


DETECTORS = {
    "faster_rcnn": ("HRNetFasterRCNN", {}),
    "mask_rcnn": ("HRNetFasterRCNN", {"with_masks": True}),
    "cascade_rcnn": ("HRNetCascadeRCNN", {}),
    "cascade_mask_rcnn": ("HRNetCascadeRCNN", {"with_masks": True}),
    "fcos": ("HRNetFCOS", {}),
}
# Published beside HRNet-Object-Detection's Faster R-CNN.
FIRST_GENERATION = {18: 27486776, 32: 47283812, 40: 63530212, 48: 83364836}


def test_parameters_of_detectors_are_exact(golden):
    listed = json.loads((golden / "detection" / "counts.json").read_text())
    for name, (model, head) in DETECTORS.items():
        for width in FIRST_GENERATION:
            count = counting.count_parameters(model, f"hrnet_w{width}", **head)
            assert count == listed[f"{name}_w{width}"]["parameters"], (name, width)
    for width, number in FIRST_GENERATION.items():
        count = counting.count_parameters(
            "HRNetFasterRCNN", f"hrnet_w{width}", convention="official"
        )
        assert count == number


@pytest.mark.slow
@pytest.mark.parametrize("width", FIRST_GENERATION)
def test_detectors_have_their_parameters_when_built(golden, width):
    listed = json.loads((golden / "detection" / "counts.json").read_text())
    for name, (model, head) in DETECTORS.items():
        built = getattr(hrnet_tf, model).from_preset(f"hrnet_w{width}", **head)
        wanted = listed[f"{name}_w{width}"]["parameters"]
        assert built_parameters(built) == wanted, name
    official = hrnet_tf.HRNetFasterRCNN.from_preset(
        f"hrnet_w{width}", convention="official"
    )
    assert built_parameters(official) == FIRST_GENERATION[width]


def test_defaults_are_those_of_the_backbone():
    parameters = inspect.signature(hrnet_tf.HRNetBackbone).parameters
    for name, value in counting.DEFAULTS.items():
        assert parameters[name].default == value


def test_sides_are_rounded_up_by_strides():
    small, large = (
        counting.count_macs("HRNetPose", "hrnet_test", size)
        for size in ((32, 64), (33, 64))
    )
    assert large > small


def test_macs_grow_with_the_width():
    names = [name for name in ARCHITECTURES if name != "hrnet_test"]
    counts = [counting.count_macs("HRNetPose", name, (256, 192)) for name in names]
    assert counts == sorted(counts)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="hrnet_w31.*hrnet_w32"):
        counting.count_parameters("HRNetPose", "hrnet_w31")
    with pytest.raises(ValueError, match="HRNetPoser.*HRNetPose"):
        counting.count_parameters("HRNetPoser", "hrnet_w32")
    with pytest.raises(ValueError, match="hrnet_w32.*resnet50"):
        counting.count_macs("SimpleBaselinePose", "hrnet_w32", (64, 64))


def test_activations_grow_with_the_area():
    sizes = (128, 128), (256, 256)
    small, large = (
        counting.count_activations("HRNetPose", "hrnet_test", size) for size in sizes
    )
    assert large == 4 * small > 0
