"""Networks as fixed graphs compute what the model does."""

import collections

import keras
import numpy as np
import pytest
import segmenters
import tensorflow as tf
from slow_params import cases

from hrnet_tf.export import load_exported
from hrnet_tf.export.compare import differences
from hrnet_tf.export.optimize import optimized_network
from hrnet_tf.export.saved_model import export_saved_model
from hrnet_tf.models.cascade_rcnn import HRNetCascadeRCNN
from hrnet_tf.models.classifier import HRNetClassifier
from hrnet_tf.models.faster_rcnn import HRNetFasterRCNN
from hrnet_tf.models.fcos import HRNetFCOS
from hrnet_tf.models.fixed_graphs import fixed_detect, fixed_function
from hrnet_tf.models.loading import inference_function
from hrnet_tf.tasks import make_inference
from hrnet_tf.weights.exported import restore_model


def trained(model):
    """The model with normalisations that change something."""
    generator = np.random.default_rng(1)
    for variable in model.variables:
        if variable.path.endswith(("mean", "variance", "gamma", "beta")):
            variable.assign(generator.uniform(0.5, 1.5, variable.shape))
    return model


def make(kind, make_pose):
    if kind == "pose":
        return trained(make_pose())
    if kind == "classification":
        options = {"num_classes": 3, "image_size": (64, 64)}
        return trained(HRNetClassifier.from_preset("hrnet_test", **options))
    return trained(segmenters.make_segmenter(ocr=kind == "ocr", image_size=(64, 64)))


def operations(network, shape, dtype=tf.uint8):
    """How often a graph has each operation."""
    spec = tf.TensorSpec(shape, dtype)
    graph = tf.function(network).get_concrete_function(spec).graph.as_graph_def()
    nodes = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]
    return collections.Counter(node.op for node in nodes)


@pytest.mark.parametrize(
    "kind", cases(("pose", "classification", "segmentation", "ocr"), quick=("pose",))
)
def test_normalisations_are_folded(make_pose, kind):
    model = make(kind, make_pose)
    shape = (2, *model.input_shape[1:3], 3)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    network = optimized_network(model)
    expected = tf.nest.flatten(inference_function(model)(images))
    found = tf.nest.flatten(network(images))
    for wanted, given in zip(expected, found, strict=True):
        limit = 1e-5 * np.abs(wanted).max()
        np.testing.assert_allclose(given, wanted, rtol=0, atol=limit)
    count = operations(network, shape)
    assert count["Rsqrt"] == count["ReadVariableOp"] == 0
    # One is the normalisation of pixels; attention is scaled.
    assert count["Mul"] <= (2 if kind == "ocr" else 1)


def test_weights_may_stay_beside_the_graph(make_pose):
    model = make("pose", make_pose)
    images = np.random.default_rng(0).uniform(0, 255, (2, 96, 64, 3)).astype("float32")
    spec = tf.TensorSpec((None, None, None, 3), tf.float32)
    found = [
        fixed_function(lambda x: model(x, training=False), model, [spec], constant)
        for constant in (True, False)
    ]
    wanted, given = (np.asarray(function(images)) for function in found)
    limit = 1e-6 * np.abs(wanted).max()
    np.testing.assert_allclose(given, wanted, rtol=0, atol=limit)
    sizes, counts = [], []
    for function in found:
        graph = tf.function(function).get_concrete_function(spec).graph.as_graph_def()
        sizes.append(graph.ByteSize())
        counts.append(operations(function, images.shape, tf.float32))
    weights = sum(x.nbytes for x in map(np.asarray, model.variables))
    assert sizes[1] < sizes[0] - 0.9 * weights
    assert counts[1]["Rsqrt"] == 0 and counts[1]["Mul"] == counts[0]["Mul"]


@pytest.mark.slow
def test_half_precision_is_folded_too(make_pose):
    model = make("pose", make_pose)
    images = np.random.default_rng(0).integers(0, 256, (2, 96, 64, 3), dtype=np.uint8)
    network = optimized_network(model, "bfloat16")
    expected = inference_function(model)(images)
    found = network(images)
    assert found.dtype == tf.float32
    assert np.abs(found - expected).max() < 0.1 * np.abs(expected).max()
    count = operations(network, images.shape)
    assert count["Rsqrt"] == 0 and count["Mul"] <= 1


def test_saved_models_are_optimised(pose_model, tmp_path, photo, encode):
    export_saved_model(pose_model, tmp_path, optimize=True, flip_test=True)
    exported = load_exported(tmp_path)
    inference = make_inference(pose_model, flip_test=True)
    apart = differences(inference, exported)
    found = {one.name: one.worst / one.largest for one in apart}
    assert set(found) == {"heatmaps", "keypoints", "scores"}
    assert max(found["heatmaps"], found["scores"]) < 1e-5
    files = tf.constant([encode(photo(100, 140), "JPEG")])
    boxes = tf.constant([[[10.0, 12, 50, 60], [0, 0, 0, 0]]])
    found = exported.signature("serving_default")(image_bytes=files, boxes=boxes)
    expected = inference.people(files, boxes)
    np.testing.assert_allclose(found["keypoints"], expected["keypoints"], atol=1e-2)
    with pytest.raises(ValueError, match="with this version and --no-optimize"):
        restore_model(tmp_path)


@pytest.mark.parametrize(
    "kind, options",
    cases(
        (
            ("fcos", {}),
            ("mask_rcnn", {"with_masks": True}),
            ("cascade_rcnn", {"frozen_statistics": True}),
        ),
        quick=("fcos",),
    ),
)
def test_detectors_are_fixed_with_their_heads(kind, options):
    model = make_detector(kind, **options)
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 96, 3), dtype=np.uint8)
    sizes = tf.constant([[64.0, 96], [50, 70]])
    detect = optimized_network(model)
    beside = fixed_detect(model, constant_weights=False)
    expected = model.detect(images, sizes, 0.0, 6)
    for found in (detect(images, sizes, 0.0, 6), beside(images, sizes, 0.0, 6)):
        assert set(found) == set(expected) and found["num_detections"][0] == 6
        for name, wanted in expected.items():
            limit = 1e-5 * np.abs(wanted).max()
            np.testing.assert_allclose(found[name], wanted, rtol=0, atol=limit)
    count = operations(lambda x: detect(x, sizes, 0.0, 6), images.shape)
    assert count["ReadVariableOp"] == count["FusedBatchNormV3"] == 0
    # Those of the towers are of groups, by each image's own statistics.
    assert count["Rsqrt"] == (40 if kind == "fcos" else 0)


@pytest.mark.slow
def test_saved_models_of_detectors_are_optimised(tmp_path):
    model = make_detector("mask_rcnn", with_masks=True)
    options = {"score_threshold": 0.0, "max_detections": 4}
    export_saved_model(model, tmp_path, optimize=True, **options)
    exported = load_exported(tmp_path)
    found = differences(make_inference(model, **options), exported)
    apart = {one.name: one.worst / one.largest for one in found}
    # Masks are sigmoids of logits up to 118 here, which are compared above.
    assert apart.pop("box_masks") < 1e-5 * 118
    assert set(apart) == {"boxes", "classes", "num_detections", "scores"}
    assert max(apart.values()) < 1e-5
    # All signatures share the weights.
    size = sum(x.nbytes for x in map(np.asarray, model.variables))
    assert (tmp_path / "1" / "saved_model.pb").stat().st_size < 1.5 * size + 2e6


@pytest.mark.slow
def test_the_detector_of_a_pose_model_is_fixed_too(pose_model, tmp_path):
    people = make_detector("fcos", num_classes=1, class_names=("person",))
    inference = make_inference(people, score_threshold=0.0, max_detections=3)
    given = {"detector": inference, "min_box_score": 0.0}
    export_saved_model(pose_model, tmp_path, optimize=True, **given)
    exported = load_exported(tmp_path)
    image = np.random.default_rng(0).integers(0, 256, (1, 96, 64, 3), dtype=np.uint8)
    found = exported.signature("boxes")(images=image)
    expected = make_inference(pose_model, **given).signatures["boxes"](images=image)
    for name, wanted in expected.items():
        np.testing.assert_allclose(found[name], wanted, atol=1e-5 * np.max(wanted))
    assert found["box_scores"].any()
    assert (tmp_path / "1/variables/variables.data-00000-of-00001").stat().st_size < 999


def make_detector(kind, **options):
    classes = {
        "fcos": HRNetFCOS,
        "mask_rcnn": HRNetFasterRCNN,
        "cascade_rcnn": HRNetCascadeRCNN,
    }
    keras.utils.set_random_seed(0)
    options = {"num_classes": 3, "num_channels": 32, **options}
    options["kernel_initializer"] = "he_normal"
    made = classes[kind].from_preset("hrnet_test", load_weights=False, **options)
    return trained(made)


def test_what_cannot_be_optimised(pose_model, tmp_path):
    with pytest.raises(ValueError, match="is float32 where optimize is not set"):
        export_saved_model(pose_model, tmp_path, precision="bfloat16")
    assert not list(tmp_path.iterdir())
