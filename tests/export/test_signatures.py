import heatmap_reference
import numpy as np
import pytest
import tensorflow as tf

from hrnet_tf.data.augment.affine import decode_crop
from hrnet_tf.export.graphs import check_exportable
from hrnet_tf.models.backbone import HRNetBackbone
from hrnet_tf.tasks.pose.inference import PoseInference


@pytest.fixture(scope="module")
def crops():
    shape = (2, 12, 8, 3)
    small = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    return tf.cast(tf.image.resize(small, (96, 64)), tf.uint8)


def test_crops_gives_what_the_model_says(pose_model, crops, decode_by_hand):
    found = PoseInference(pose_model).crops(crops)
    heatmaps = pose_model.predict_on_batch(crops.numpy())
    np.testing.assert_allclose(found["heatmaps"], heatmaps, rtol=1e-4, atol=1e-4)
    for i in range(2):
        cells, scores = decode_by_hand(found["heatmaps"][i].numpy())
        np.testing.assert_allclose(found["keypoints"][i], cells * 4)
        np.testing.assert_allclose(found["scores"][i], scores)


@pytest.mark.slow
def test_crops_turns_logits_into_heatmaps(make_pose, crops):
    model = make_pose(heatmap_activation="spatial_softmax")
    found = PoseInference(model).crops(crops)
    heatmaps = found["heatmaps"].numpy()
    logits = model.predict_on_batch(crops.numpy()).reshape(2, -1, 17)
    powers = np.exp(logits - logits.max(1, keepdims=True))
    shares = powers / powers.sum(1, keepdims=True)
    expected = (shares * 2 * np.pi * 4).reshape(heatmaps.shape)
    # Where one cell has nearly all of the share, a map exceeds its target's peak...
    assert expected.max() > 1
    np.testing.assert_allclose(heatmaps, expected, rtol=1e-4, atol=1e-3)
    # ... which a score may not.
    peaks = np.minimum(expected.max((1, 2)), 1)
    np.testing.assert_allclose(found["scores"], peaks, rtol=1e-4, atol=1e-3)


def test_flip_test_averages_with_the_mirrored_crop(pose_model, crops):
    signatures = PoseInference(pose_model, flip_test=True)
    heatmaps = pose_model.predict_on_batch(crops.numpy())
    flipped = pose_model.predict_on_batch(crops.numpy()[:, :, ::-1])[:, :, ::-1]
    flipped = flipped[..., list(signatures.keypoint_set.flip_indices)]
    flipped[:, :, 1:] = flipped[:, :, :-1].copy()
    found = signatures.crops(crops)["heatmaps"]
    np.testing.assert_allclose(found, (heatmaps + flipped) / 2, atol=2e-4)


@pytest.mark.parametrize("convention", ["dark", "udp", "face"])
def test_crops_are_read_by_the_models_convention(make_pose, crops, convention):
    model = make_pose(heatmap_convention=convention)
    found = PoseInference(model).crops(crops)
    scale = np.array([63 / 15, 95 / 23]) if convention == "udp" else 4
    for i in range(2):
        maps = found["heatmaps"][i].numpy()
        cells, scores = heatmap_reference.decode(convention, maps, 2.0)
        np.testing.assert_allclose(found["keypoints"][i], cells * scale, atol=1e-2)
        np.testing.assert_allclose(found["scores"][i], scores)


def test_flip_test_of_udp_shifts_nothing(make_pose, crops):
    model = make_pose(heatmap_convention="udp")
    signatures = PoseInference(model, flip_test=True)
    heatmaps = model.predict_on_batch(crops.numpy())
    flipped = model.predict_on_batch(crops.numpy()[:, :, ::-1])[:, :, ::-1]
    flipped = flipped[..., list(signatures.keypoint_set.flip_indices)]
    found = signatures.crops(crops)["heatmaps"]
    np.testing.assert_allclose(found, (heatmaps + flipped) / 2, atol=2e-4)


def test_people_are_cut_and_mapped_back_as_udp_does(make_pose, photo, encode):
    model = make_pose(heatmap_convention="udp")
    image, box = encode(photo(100, 140), "JPEG"), np.float32([10, 12, 50, 60])
    signatures = PoseInference(model)
    found = signatures.people(tf.constant([image]), tf.constant([[box]]))
    # The box is extended to the crop's shape, and by a quarter.
    height = max(box[3], box[2] * 96 / 64) * 1.25
    size = np.array([height * 64 / 96, height])
    corner = box[:2] + box[2:] / 2 - size / 2
    scale = np.array([63, 95]) / size
    matrix = np.column_stack([np.diag(scale), -corner * scale])
    crop = decode_crop(image, tf.constant(matrix, tf.float32), (96, 64))
    expected = signatures.crops(crop[None])
    keypoints = expected["keypoints"][0] / scale + corner
    np.testing.assert_allclose(found["keypoints"][0, 0], keypoints, atol=1e-2)
    np.testing.assert_allclose(found["scores"][0], expected["scores"], rtol=1e-3)


def test_flip_test_needs_the_keypoint_set(make_pose):
    model = make_pose(keypoint_set=None)
    PoseInference(model)
    with pytest.raises(ValueError, match="has keypoint_set=None"):
        PoseInference(model, flip_test=True)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"image_size": None}, "image_size=None, but crops need one size"),
        ({"include_preprocessing": False}, "has include_preprocessing=False"),
    ],
)
def test_models_that_cannot_read_crops_are_refused(make_pose, options, text):
    with pytest.raises(ValueError, match=text):
        PoseInference(make_pose(**options))


def test_other_models_are_refused():
    with pytest.raises(ValueError, match="Expected an HRNetPose. Received: HRNetBack"):
        PoseInference(HRNetBackbone.from_preset("hrnet_test"))


def test_diverged_models_are_not_exported(make_pose):
    model = make_pose()
    check_exportable(model)
    model.get_layer("head").bias.assign(np.full(17, np.nan))
    with pytest.raises(ValueError, match="head/bias .* its training diverged"):
        check_exportable(model)
