"""From a name to a model: over HTTP, checked, converted, and every weight as it was.

A server on this machine serves files in the layout of each framework at the addresses
of the registry; only the architecture is a tiny one.
"""

import dataclasses
import hashlib
import re
from urllib.parse import urlsplit

import keras
import numpy as np
import pytest
from framework_names import FORMS, rename
from safetensors.numpy import save
from slow_params import cases

import hrnet_tf
from hrnet_tf.weights import download, registry
from hrnet_tf.weights.export_torch import export_torch_state_dict

OFFICIAL = [(r"(.+)", r"\1")]
BODY = []
HYBRID = (
    "rpn_head.rpn_conv.weight",
    "rpn_head.rpn_reg.bias",
    "roi_head.bbox_head.0.shared_fcs.0.weight",
    "roi_head.bbox_head.0.fc_cls.weight",
    "roi_head.mask_head.1.conv_res.conv.weight",
    "roi_head.semantic_head.conv_logits.weight",
)
DEKR = (
    "head.heatmap_conv_layers.0.conv.weight",
    "head.displacement_conv_layers.1.transform_matrix_conv.weight",
    "head.rescore_net.l1.weight",
)
CID = (
    "keypoint_head.keypoint_center_conv.weight",
    "keypoint_head.conv_down.weight",
    "keypoint_head.c_attn.atn.weight",
    "keypoint_head.s_attn.conv.bias",
    "keypoint_head.fuse_attn.weight",
    "keypoint_head.heatmap_conv.bias",
)
POSE_WARPER = (
    "neck.trans_layer.weight",
    "neck.offset_feats.0.downsample.1.running_mean",
    "neck.offset_layers.4.weight",
    "neck.deform_conv_layers.0.weight",
)


def form(layout):
    return FORMS[f"OpenMMLab {layout}"][1]


# Name of the weights, what the framework calls the tensors, and what its files hold
# that has no place in the model.
# One of each kind of layout.
QUICK = (
    "hrnet_w32_coco_256x192",
    "hrnet_w18_300w_256x256",
    "hrnet_w18_small_v2_ocr_ade20k_512x512_80k",
    "hrnet_w18_coco_fcos_1x",
)
CASES = [
    ("hrnet_w18_small_v1_imagenet", OFFICIAL, ()),
    (
        "hrnet_w32_coco_256x192",
        form("pose network (mmpose 1.x)"),
        ("data_preprocessor.mean",),
    ),
    (
        "hrnet_w18_300w_256x256",
        form("face landmark network (mmpose 0.x)"),
        (),
    ),
    (
        "hrnet_w48_cityscapes_512x1024_160k",
        form("segmentation network (mmsegmentation)"),
        (),
    ),
    (
        "hrnet_w18_small_v2_ocr_ade20k_512x512_80k",
        form("segmentation network with OCR (mmsegmentation)"),
        (),
    ),
    # Their weights are written with the names of mmdetection.
    ("hrnet_w32_coco_faster_rcnn_1x", OFFICIAL, ("data_preprocessor.mean",)),
    ("hrnet_w18_coco_fcos_1x", OFFICIAL, ()),
    (
        "hrnet_w18_coco_htc_20e",
        form("detection network (mmdetection)"),
        HYBRID,
    ),
    (
        "hrnet_w32_coco_ae_512x512",
        BODY,
        ("keypoint_head.final_layer.weight", "keypoint_head.final_layer.bias"),
    ),
    ("hrnet_w32_coco_dekr_512x512", BODY, DEKR),
    ("hrnet_w32_coco_cid_512x512_v0", BODY, CID),
    ("hrnet_w48_posetrack18_384x288_posewarper", BODY, POSE_WARPER),
]


@pytest.fixture
def publish(server, torch_file, monkeypatch, tmp_path):
    """Serves tensors as the file of published weights of a tiny architecture."""

    def serve(entry, tensors):
        is_torch = entry.url.endswith(".pth")
        server.content = torch_file(tensors) if is_torch else save(tensors)
        digest = hashlib.sha256(server.content).hexdigest()
        # As many digits as the registry knows, or all if it knows none.
        entry = dataclasses.replace(
            entry, preset="hrnet_test", sha256=digest[: len(entry.sha256 or digest)]
        )
        monkeypatch.setattr(registry, "published", {entry.name: entry}.__getitem__)
        monkeypatch.setenv(download.MIRROR_VARIABLE, server.base)
        monkeypatch.setenv(download.CACHE_VARIABLE, str(tmp_path / "cache"))
        return entry

    return serve


def draw_model(model, arguments, rules):
    """A tiny network of random weights, without what the framework does not have."""
    keras.utils.set_random_seed(5)
    network = model.from_preset(
        "hrnet_test", kernel_initializer="he_normal", **arguments
    )
    without = [pattern for pattern, theirs in rules if theirs is None]
    names = export_torch_state_dict(network)
    for variable, name in zip(network.weights, names, strict=True):
        if any(re.fullmatch(pattern, name) for pattern in without):
            variable.assign(np.zeros(variable.shape))
        elif len(variable.shape) == 1:  # these are alike in every new network
            variable.assign(keras.random.uniform(variable.shape, 0.5, 1.5))
    return network


def assert_same(model, source):
    for ours, theirs in zip(model.weights, source.weights, strict=True):
        assert ours.path == theirs.path
        np.testing.assert_array_equal(ours, theirs, ours.path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "rules", "extras"), cases(CASES, QUICK), ids=[c[0] for c in CASES]
)
def test_models(name, rules, extras, server, publish, monkeypatch, tmp_path):
    entry = registry.published(name)
    model = getattr(hrnet_tf, entry.model)
    source = draw_model(model, entry.arguments, rules)
    tensors = rename(export_torch_state_dict(source), rules)
    entry = publish(
        entry, {**tensors, **{extra: np.ones(2, np.float32) for extra in extras}}
    )
    loaded = model.from_preset(name)
    assert_same(loaded, source)
    config = loaded.get_config()
    assert {key: config[key] for key in entry.arguments} == entry.arguments
    assert server.asked == [(urlsplit(entry.url).path, None)]
    server.shutdown()
    server.server_close()
    assert_same(model.from_preset(name), source)
    # The server is really gone.
    with pytest.raises(ConnectionError, match=re.escape(server.base)):
        download.fetch_weights(entry, tmp_path / "other_cache", progress=False)
