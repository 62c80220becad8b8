"""The heatmap codec against the official code, and its own properties."""

import numpy as np
import pytest
import tensorflow as tf

from hrnet_tf.data.heatmaps import HeatmapCodec
from hrnet_tf.data.keypoint_sets import load_keypoint_set

CODEC = HeatmapCodec(image_size=(256, 192), sigma=2.0)


@pytest.fixture(scope="module")
def postprocess(golden):
    return dict(np.load(golden / "pose" / "postprocess.npz"))


def to_image(postprocess, points):
    regions = [tf.constant(postprocess[k], tf.float32) for k in ("centers", "scales")]
    return CODEC.to_image(points, regions[0], regions[1] * 200).numpy()


@pytest.mark.parametrize("refine", [False, True])
def test_decode_is_the_official_one(postprocess, refine):
    heatmaps = tf.constant(postprocess["heatmaps"], tf.float32)
    points, scores = CODEC.decode(heatmaps, refine=refine)
    name = "keypoints_quarter" if refine else "keypoints_argmax"
    np.testing.assert_allclose(
        to_image(postprocess, points), postprocess[name], atol=0.01
    )
    np.testing.assert_allclose(scores, postprocess["scores"][..., 0], atol=1e-6)


def test_flip_test_is_the_official_one(postprocess):
    merged = CODEC.merge_flipped(
        tf.constant(postprocess["heatmaps"], tf.float32),
        tf.constant(postprocess["heatmaps_of_flipped"], tf.float32),
        load_keypoint_set("coco").flip_indices,
    )
    points, scores = CODEC.decode(merged)
    expected = postprocess["keypoints_flip_shift_quarter"]
    np.testing.assert_allclose(to_image(postprocess, points), expected, atol=0.01)
    np.testing.assert_allclose(scores, postprocess["scores_flip"][..., 0], atol=1e-6)


def test_flip_test_of_softmax_maps_moves_nothing():
    codec = HeatmapCodec((64, 96), sigma=1.5, activation="spatial_softmax")
    points = np.random.default_rng(0).uniform(20, 44, (8, 3, 2)).astype("float32")
    mirrored = points * [-1, 1] + [95, 0]
    visible = tf.ones((8, 3))
    maps = [
        codec.encode(tf.constant(p, tf.float32), visible)[0] for p in (points, mirrored)
    ]
    merged = codec.merge_flipped(*maps, (0, 1, 2))
    decoded, _ = codec.decode(merged)
    errors = (decoded * 4 - points).numpy()
    # A whole cell's shift would move x by half a pixel. What is left comes from the
    # window around the maximum, on all sides alike.
    assert np.abs(errors).max() < 0.3
    assert np.abs(errors.mean((0, 1))).max() < 0.1


def test_targets_are_the_official_ones(golden):
    pipeline = np.load(golden / "pose" / "pipeline.npz")
    weights = pipeline["target_weights"]
    heatmaps, ours = CODEC.encode(tf.constant(pipeline["joints_in_input"]), weights)
    np.testing.assert_array_equal(ours, weights)
    np.testing.assert_allclose(heatmaps, pipeline["targets"], atol=1e-6)


def test_decode_inverts_encode_within_half_a_cell():
    points = np.random.default_rng(0).uniform(8, 180, (4, 17, 2)).astype("float32")
    heatmaps, weights = CODEC.encode(tf.constant(points), tf.ones((4, 17)))
    decoded, scores = CODEC.decode(heatmaps)
    assert np.all(weights == 1) and np.all(scores == 1)
    # The truncation of `points / 4 + 0.5` puts the Gaussian on the nearest cell.
    assert np.abs(decoded * 4 - points).max() <= 2.0 + 1e-4


def test_points_outside_have_no_weight_and_empty_maps():
    points = tf.constant([[[-40.0, 10.0], [10.0, 10.0], [300.0, 10.0]]])
    heatmaps, weights = CODEC.encode(points, tf.constant([[2.0, 0.0, 2.0]]))
    np.testing.assert_array_equal(weights, [[0, 0, 0]])
    assert not np.any(heatmaps)
    decoded, scores = CODEC.decode(heatmaps)
    assert not np.any(decoded) and not np.any(scores)


def test_softmax_output_is_read_on_the_scale_of_the_targets():
    codec = HeatmapCodec((64, 64), sigma=1.5, activation="spatial_softmax")
    target, _ = codec.encode(tf.constant([[[28.0, 36.0]]]), tf.ones((1, 1)))
    heatmaps = codec.activate(tf.math.log(target + 1e-9))
    # Cut at three sigma, the Gaussian's mass is 1 % below the formula's.
    np.testing.assert_allclose(heatmaps, target, atol=0.03)


def test_softmax_maps_are_read_more_finely_than_a_cell():
    codec = HeatmapCodec((64, 64), sigma=1.5, activation="spatial_softmax")
    points = np.random.default_rng(0).uniform(20, 44, (4, 17, 2)).astype("float32")
    heatmaps, _ = codec.encode(tf.constant(points), tf.ones((4, 17)))
    decoded, scores = codec.decode(codec.activate(tf.math.log(heatmaps + 1e-9)))
    assert np.abs(decoded * 4 - points).max() < 0.5
    assert np.max(scores) <= 1
    coarse, _ = codec.decode(heatmaps, refine=False)
    assert np.abs(coarse * 4 - points).max() > 1.5


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"image_size=\(250, 192\)"):
        HeatmapCodec((250, 192))
    with pytest.raises(ValueError, match="activation='relu'"):
        HeatmapCodec((256, 192), activation="relu")
