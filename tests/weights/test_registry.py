"""The published weights: every entry can be built, and lookups that help."""

import collections
import json
import re
from pathlib import Path

import pytest

import hrnet_tf
from hrnet_tf.data.keypoint_sets import COCO, KeypointSet
from hrnet_tf.weights import registry
from hrnet_tf.weights.registry import PublishedWeights, names, published

FOLDER = Path(registry.__file__).parent / "published"
ENTRIES = [published(name) for name in names()]
HOSTS = {"timm": "https://huggingface.co/timm/"}


def table(name):
    return json.loads((FOLDER / f"{name}.json").read_text())


def test_a_pose_network_of_mmpose():
    url = (
        "https://download.openmmlab.com/mmpose/v1/body_2d_keypoint/topdown_heatmap/"
        "coco/td-hm_hrnet-w32_8xb64-210e_coco-256x192-81c58e40_20220909.pth"
    )
    assert published("hrnet_w32_coco_256x192") == PublishedWeights(
        name="hrnet_w32_coco_256x192",
        model="HRNetPose",
        preset="hrnet_w32",
        arguments={
            "num_keypoints": 17,
            "image_size": (256, 192),
            "heatmap_sigma": 2.0,
            "interpolation": "nearest",
            "momentum": 0.9,
            "keypoint_set": COCO.to_dict(),
        },
        url=url,
        sha256="81c58e40",
        metric="AP 0.749 on COCO val2017 with the official detections",
        source="open-mmlab/mmpose, branch main: configs/body_2d_keypoint/"
        "topdown_heatmap/coco/hrnet_coco.md",
    )


@pytest.mark.parametrize(
    ("name", "model", "preset", "arguments", "metric"),
    [
        (
            "hrnet_w48_cityscapes_512x1024_160k",
            "HRNetSegmenter",
            "hrnet_w48",
            {"num_classes": 19, "interpolation": "bilinear"},
            "mIoU 80.65 (81.92 with scales and flip) on Cityscapes",
        ),
        (
            "hrnet_w18_small_v2_ocr_ade20k_512x512_80k",
            "HRNetOCRSegmenter",
            "hrnet_w18_small_v2",
            # The official networks of this class align corners; these do not.
            {"num_classes": 150, "interpolation": "bilinear"},
            "mIoU 35.06 (35.80 with scales and flip) on ADE20K",
        ),
        (
            "hrnet_w18_wflw_256x256",
            "HRNetLandmarks",
            "hrnet_w18",
            {"num_keypoints": 98, "interpolation": "bilinear", "momentum": 0.9},
            "NME test 4.06 on WFLW",
        ),
        (
            "hrnet_w18_onehand10k_256x256_dark",
            "HRNetPose",
            "hrnet_w18",
            {"num_keypoints": 21, "representation": "v2", "interpolation": "bilinear"},
            "PCK@0.2 0.990, AUC 0.572, EPE 23.96 on OneHand10K val",
        ),
        (
            "hrnet_w48_coco_wholebody_384x288_dark",
            "HRNetPose",
            "hrnet_w48",
            {"num_keypoints": 133, "image_size": (384, 288), "heatmap_sigma": 3.0},
            "Whole AP 0.661 on COCO-WholeBody v1.0 val with COCO's official detections",
        ),
        (
            "higher_hrnet_w32_crowdpose_512x512",
            "HigherHRNetPose",
            "hrnet_w32",
            {"num_keypoints": 14},
            "AP 0.655 on CrowdPose test, one scale",
        ),
        (
            "hrnet_w40_coco_htc_20e",
            "HRNetFeaturePyramid",
            "hrnet_w40",
            {"interpolation": "nearest"},
            "box AP 46.4, mask AP 40.8 on COCO val2017",
        ),
        (
            "simple_baseline_resnet50_coco_256x192",
            "SimpleBaselinePose",
            "resnet50",
            # The official networks of this class saw BGR; these do not.
            {"num_keypoints": 17, "channel_order": "rgb"},
            "AP 0.718 on COCO val2017 with the official detections",
        ),
        (
            "hrnet_w18_small_v1_imagenet",
            "HRNetClassifier",
            "hrnet_w18_small_v1",
            {"num_classes": 1000, "interpolation": "nearest"},
            "top-1 72.340, top-5 90.688 on ImageNet val at 224x224",
        ),
        (
            "hrnet_w40_coco_fcos_multiscale_2x",
            "HRNetFCOS",
            "hrnet_w40",
            # The other detectors saw RGB.
            {
                "num_classes": 80,
                "convention": "mmdet",
                "channel_order": "bgr",
                "pixel_std": (0.225, 0.224, 0.229),
            },
            "box AP 42.7 on COCO val2017",
        ),
        (
            "hrnet_w32_coco_dekr_512x512",
            "HRNetBackbone",
            "hrnet_w32",
            {"num_outputs": 4, "interpolation": "nearest", "momentum": 0.9},
            "AP 0.686 on COCO val2017, one scale",
        ),
        (
            "hrnet_w48_posetrack18_384x288_posewarper",
            "HRNetBackbone",
            "hrnet_w48",
            {"num_outputs": 1, "interpolation": "nearest", "momentum": 0.9},
            "mAP 85.0 on PoseTrack2018 val with ground-truth boxes; mAP 79.8 on"
            " PoseTrack2018 val with PoseWarper's boxes",
        ),
    ],
)
def test_entries_of_each_class(name, model, preset, arguments, metric):
    entry = published(name)
    assert (entry.model, entry.preset, entry.metric) == (model, preset, metric)
    assert {key: entry.arguments[key] for key in arguments} == arguments


def test_numbers_of_entries():
    counts = collections.Counter(entry.model for entry in ENTRIES)
    assert counts == {
        "HRNetPose": 91,
        "SimpleBaselinePose": 28,
        "LiteHRNetPose": 7,
        "HRNetLandmarks": 10,
        "HigherHRNetPose": 9,
        "HRNetSegmenter": 37,
        "HRNetOCRSegmenter": 21,
        # Of Hybrid Task Cascades, whose heads are not here.
        "HRNetFeaturePyramid": 3,
        "HRNetFasterRCNN": 12,
        "HRNetCascadeRCNN": 6,
        "HRNetFCOS": 7,
        "HRNetBackbone": 23,
        "HRNetClassifier": 14,
    }
    assert len({entry.url for entry in ENTRIES}) == len(ENTRIES)
    tables = {path.stem for path in FOLDER.glob("*.json")} - {"keypoint_sets"}
    assert sum(len(table(name)) for name in tables) == len(ENTRIES)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_entry_is_consistent(entry):
    model = getattr(hrnet_tf, entry.model)
    assert entry.preset in model.architectures
    assert (
        entry.name.removeprefix("higher_").removeprefix("simple_baseline_")[
            : len(entry.preset)
        ]
        == entry.preset
    )
    size = re.search(r"_(\d+)x(\d+)(?:_|$)", entry.name)
    if "image_size" in entry.arguments:
        assert entry.arguments["image_size"] == tuple(map(int, size.groups()))
    if entry.arguments.get("keypoint_set"):
        keypoints = KeypointSet.from_dict(entry.arguments["keypoint_set"])
        assert keypoints.num_keypoints == entry.arguments["num_keypoints"]
    assert entry.metric and re.search(r"\d\.\d", entry.metric)
    assert re.fullmatch(r"[\w-]+/[\w-]+, branch [\w.]+: [\w./+-]+", entry.source)
    host = HOSTS["timm"] if entry.sha256 is None else "https://download.openmmlab.com/"
    if entry.name == "hrnet_w32_exlpose_256x192":  # the one file named without digits
        assert entry.sha256 is None and "only its length is checked" in entry.notes
        return
    assert entry.url.startswith(host)
    if entry.sha256 is not None:
        assert re.search(rf"[-_]{entry.sha256}([-_]\d{{8}})?\.pth$", entry.url)
        assert re.fullmatch("[0-9a-f]{8}", entry.sha256)


def test_crops_of_classifiers_are_those_that_the_notes_tell():
    entries = [entry for entry in ENTRIES if entry.model == "HRNetClassifier"]
    fractions = {
        entry.name: entry.arguments.get("crop_fraction", 0.875) for entry in entries
    }
    for entry in entries:
        assert f"on a {fractions[entry.name]:g} centre crop" in entry.notes
    assert [name for name, value in fractions.items() if value == 0.95] == [
        *("hrnet_w18_imagenet_aug", "hrnet_w18_imagenet_ssld"),
        "hrnet_w48_imagenet_ssld",
    ]


def test_conventions_of_heatmaps_are_those_that_the_notes_tell():
    signs = {
        "dark": "Trained with DARK's Gaussians, whose centres are not rounded",
        "udp": "Trained and evaluated with UDP, which aligns the centres of pixels",
    }
    counts = collections.Counter()
    for entry in ENTRIES:
        if entry.model in ("HRNetPose", "HRNetLandmarks", "SimpleBaselinePose"):
            found = [name for name, sign in signs.items() if sign in entry.notes]
            convention = entry.arguments.get("heatmap_convention", "official")
            assert found == ([] if convention == "official" else [convention])
            assert all(f"_{name}" in entry.name for name in found)
            counts[convention] += 1
    assert counts == {"official": 83, "dark": 32, "udp": 14}


def test_files_are_identified_by_their_checksum():
    digest = "73EDE547" + 56 * "0"
    assert registry.identify(digest) == published("hrnet_w32_coco_256x192_udp")
    assert registry.identify("0" * 64) is None


def kinds():
    """One entry of every class and set of arguments, as building takes seconds."""
    found = {}
    for entry in ENTRIES:
        found.setdefault((entry.model, *sorted(entry.arguments)), entry)
    return list(found.values())


@pytest.mark.parametrize("entry", kinds(), ids=lambda entry: entry.name)
def test_models_take_the_arguments(entry):
    model = getattr(hrnet_tf, entry.model)
    smallest = next(iter(model.architectures))
    built = model.from_preset(smallest, **entry.arguments)
    config = built.get_config()
    assert {key: config[key] for key in entry.arguments} == entry.arguments


def test_bodies_of_models_with_other_heads():
    for entry in ENTRIES:
        if entry.model == "HRNetBackbone":
            assert entry.notes.startswith("The body of a")
            assert re.search(r"the score is the whole \w+'s.* left out\.", entry.notes)
            # Heads on all streams need the last fusion's coarse rows.
            is_multiscale = re.search("_(?:dekr|cid)_", entry.name)
            assert entry.arguments["num_outputs"] == (4 if is_multiscale else 1)
    notes = published("hrnet_w40_coco_fcos_multiscale_2x").notes
    assert "The source's table calls it W48" in notes


def test_names():
    assert names() == sorted(names())
    assert names("HigherHRNetPose")[:2] == [
        "higher_hrnet_w32_aic_512x512",
        "higher_hrnet_w32_coco_512x512",
    ]
    assert all(published(name).model == "HRNetPose" for name in names("HRNetPose"))
    with pytest.raises(
        ValueError,
        match=r"No published weights fit that class. Received: model='HRNetPosse'\."
        r" Expected one of: HRNetBackbone, HRNetCascadeRCNN, .*SimpleBaselinePose",
    ):
        names("HRNetPosse")


def test_unknown_names():
    with pytest.raises(ValueError) as caught:
        published("hrnet_w32_coco_256x19")
    text = str(caught.value)
    assert (
        "Received: name='hrnet_w32_coco_256x19'. Did you mean hrnet_w32_coco_" in text
    )
    assert f"registry.names() lists all {len(ENTRIES)}." in text
    with pytest.raises(ValueError, match=r"Received: name=7\. hrnet_tf\.weights"):
        published(7)


def test_entries_are_not_shared():
    published("hrnet_w32_coco_256x192").arguments["num_keypoints"] = 3
    assert published("hrnet_w32_coco_256x192").arguments["num_keypoints"] == 17
