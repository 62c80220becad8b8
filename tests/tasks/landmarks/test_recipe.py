"""The recipes of faces: an epoch of a tiny network, and the protocol's constants."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from drawn_faces import (
    cofw_arrays,
    draw_faces,
    write_csv,
    write_json,
    write_mat73,
)

from hrnet_tf.data.augment import affine
from hrnet_tf.data.augment.affine import PoseAugmentation
from hrnet_tf.data.keypoint_sets import load_keypoint_set
from hrnet_tf.losses.heatmap import HeatmapMSE
from hrnet_tf.models.loading import load_model
from hrnet_tf.tasks.landmarks import recipe as landmarks
from hrnet_tf.training.recipe import load_recipe
from hrnet_tf.training.run import train

NAMES = ("300w", "wflw", "cofw", "aflw")


def lay_out(folder, name, count=6, **changes):
    """The official layout of a data set, filled with drawn faces."""
    keypoint_set = load_keypoint_set("300w" if name == "face68" else name)
    splits = {"train": draw_faces(folder / "images", keypoint_set, count, seed=0)}
    splits["test"] = draw_faces(folder / "images", keypoint_set, 3, seed=1)
    for split, faces in splits.items():
        for face in faces:
            face.update(changes)
        if name == "face68":
            split = {"test": "val"}.get(split, split)
            path = folder / "annotations" / f"face_landmarks_{split}.json"
            write_json(path, faces, center=None, scale=None)
        elif name == "cofw":
            arrays = cofw_arrays(folder / "images", faces, grey=split == "test")
            names = ("IsTr", "phisTr") if split == "train" else ("IsT", "phisT")
            write_mat73(folder / f"COFW_{split}_color.mat", *arrays, names)
        else:
            split = {"300w_test": "valid"}.get(f"{name}_{split}", split)
            sizes = [200 * face["scale"] for face in faces] if name == "aflw" else None
            write_csv(folder / f"face_landmarks_{name}_{split}.csv", faces, sizes)
    return folder


def load(name, data_dir, **arguments):
    recipe = name if name == "face68" else f"{name}_face"
    arguments = {"preset": "hrnet_test", "batch_size": 3, "epochs": 1, **arguments}
    return load_recipe(recipe, data_dir=str(data_dir), **arguments)


@pytest.mark.parametrize(
    "name",
    [
        # The others differ from it in constants alone.
        pytest.param(name, marks=() if name == "wflw" else pytest.mark.slow)
        for name in NAMES
    ]
    + [pytest.param("face68", marks=pytest.mark.slow)],
)
def test_recipe_trains(name, tmp_path):
    recipe = load(name, lay_out(tmp_path / "data", name))
    result = train(recipe, tmp_path / "run")
    (epoch,) = result.history
    assert np.isfinite(epoch["loss"])
    assert 0 <= epoch["AUC@0.10"] <= 1 and epoch["score"] == 1 - epoch["NME"]
    model = load_model(tmp_path / "run" / "best.keras")
    assert type(model).__name__ == "HRNetLandmarks"
    keypoint_set = load_keypoint_set("300w" if name == "face68" else name)
    assert model.arguments["keypoint_set"]["name"] == keypoint_set.name
    official = name in NAMES
    assert model.arguments["momentum"] == (0.99 if official else 0.9)
    assert model.heatmap_sigma == (1.0 if name in ("300w", "face68") else 1.5)
    assert model.image_size == ((256, 256) if official else (128, 128))
    assert model.heatmap_convention == ("face" if official else "official")


@pytest.mark.parametrize("name, rate", [("wflw", 1e-4), ("aflw", 2e-4)])
def test_official_learning_rates(name, rate, tmp_path):
    recipe = load(name, tmp_path, epochs=None)
    assert (recipe.epochs, recipe.settings["preset"]) == (60, "hrnet_test")
    optimizer = recipe.optimizer(10)
    assert isinstance(optimizer, keras.optimizers.Adam) and not optimizer.weight_decay
    rates = [float(optimizer._learning_rate(10 * epoch)) for epoch in (29, 30, 49, 50)]
    np.testing.assert_allclose(rates, [rate, rate / 10, rate / 10, rate / 100], 1e-5)


def test_the_loss_is_the_plain_mean_of_the_squares(tmp_path):
    recipe = load("cofw", lay_out(tmp_path, "cofw"))
    batches, steps = recipe.train_data(0, 0)
    assert steps == 2
    _, heatmaps, weights = next(iter(batches))
    assert weights.shape == (3, 29)
    predicted = np.random.default_rng(0).normal(size=heatmaps.shape).astype("f4")
    loss = recipe.loss()(heatmaps, predicted, sample_weight=weights)
    expected = np.mean(np.square(predicted - heatmaps.numpy()))
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    assert isinstance(recipe.loss(), HeatmapMSE)


def test_landmarks_above_the_image_get_an_empty_map_that_counts(tmp_path):
    center, points = [64.0, 20.0], np.tile([64.0, 24.0], (19, 1))
    points[3] = [60.0, 0.0]
    points[4] = [60.0, -3.0]
    changes = {"center": center, "points": points, "scale": 0.3}
    recipe = load("aflw", lay_out(tmp_path, "aflw", **changes))
    for _, heatmaps, weights in recipe.train_data(0, 0)[0]:
        peaks = tf.reduce_max(heatmaps, (1, 2)).numpy()
        assert (weights.numpy() == 2).all()
        # Mirrored faces have the two at the places of their partners.
        for row in peaks:
            assert set(np.flatnonzero(row == 0)) in ({3, 4}, {1, 2})
    report = recipe.evaluate(recipe.model(), lambda x: np.zeros((len(x), 64, 64, 19)))
    assert report.num_unscored == 0 and all(np.isfinite(report.errors))


def test_the_official_augmentation():
    augmentation = landmarks.AUGMENTATION
    assert (augmentation.scale, augmentation.rotation) == (0.25, 30)
    assert augmentation.flip_probability == 0.5
    count = 20_000
    center, size = tf.zeros((count, 2)), tf.ones((count, 2))
    keypoints = tf.zeros((count, 5, 3))
    found_center, found_size, rotation, flip = affine.random_region(
        keypoints, center, size, tf.constant([3, 4], tf.int64), augmentation, [False]
    )
    scale = found_size[:, 0].numpy()
    rotation = rotation.numpy()
    np.testing.assert_array_equal(found_center, center)
    np.testing.assert_array_equal(found_size[:, 1], scale)
    turned = rotation[rotation != 0]
    assert np.mean(rotation != 0) == pytest.approx(0.6, abs=0.02)
    assert np.mean(flip) == pytest.approx(0.5, abs=0.02)
    for values, middle, reach in ((scale, 1, 0.25), (turned, 0, 30)):
        assert (np.abs(values - middle) <= reach).all()
        # The shares of the quarters of a uniform distribution.
        shares = np.histogram(values, 4, (middle - reach, middle + reach))[0]
        np.testing.assert_allclose(shares / len(values), 0.25, atol=0.02)


def test_an_unknown_distribution():
    with pytest.raises(ValueError, match="distribution must be one of.*'cauchy'"):
        PoseAugmentation(distribution="cauchy")


def test_what_is_wrong_with_the_test_shows_before_training(tmp_path):
    lay_out(tmp_path, "aflw")
    faces = draw_faces(tmp_path / "images", load_keypoint_set("aflw"), 2)
    write_csv(tmp_path / "face_landmarks_aflw_test.csv", faces, [20, 0])
    with pytest.raises(ValueError, match="box.size"):
        load("aflw", tmp_path).train_data(0, 0)


@pytest.mark.slow
def test_a_resumed_run_sees_the_same_batches(tmp_path):
    recipe = load("wflw", lay_out(tmp_path, "wflw"), epochs=2)
    whole = [images.numpy() for images, _, _ in recipe.train_data(5, 0)[0]]
    later = [images.numpy() for images, _, _ in recipe.train_data(5, 1)[0]]
    np.testing.assert_array_equal(whole[2:], later)
    assert not np.array_equal(whole[0], whole[2])
