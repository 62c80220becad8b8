"""The classification recipes train an epoch of a tiny network on drawn shapes."""

import keras
import numpy as np
import pytest
from drawn_shapes import CLASSES, draw_data_set

from hrnet_tf.models.loading import load_model
from hrnet_tf.training.recipe import load_recipe
from hrnet_tf.training.run import train


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return draw_data_set(tmp_path_factory.mktemp("shapes"))


def load(name, data, **arguments):
    return load_recipe(
        name,
        preset="hrnet_test",
        batch_size=8,
        epochs=1,
        data_dir=str(data),
        **arguments,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, arguments",
    [
        ("digits", {}),
        pytest.param("imagenet", {}, marks=pytest.mark.slow),
        pytest.param(
            *("imagenet", {"mixup": 0.2, "cutmix": 1.0, "rand_augment": 2}),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_recipe_trains(name, arguments, data, tmp_path):
    result = train(load(name, data, **arguments), tmp_path / "run")
    (row,) = result.history
    assert np.isfinite(row["loss"])
    assert row["score"] == row["top1"] and row["top5"] == 1.0
    model = load_model(tmp_path / "run" / "best.keras")
    assert model.arguments["class_names"] == CLASSES
    assert model.arguments["crop_fraction"] == 0.875


def test_published_settings(data):
    recipe = load("imagenet", data)
    assert recipe.settings["learning_rate"] == pytest.approx(0.05 * 8 / 128)
    assert recipe.protocol["image_size"] == [224, 224]
    assert recipe.augmentation.area == (0.08, 1.0) and recipe.augmentation.mixup == 0.0
    assert isinstance(recipe.loss(), keras.losses.SparseCategoricalCrossentropy)
    smooth = load("imagenet", data, label_smoothing=0.1)
    assert isinstance(smooth.loss(), keras.losses.CategoricalCrossentropy)
    published = load_recipe("imagenet", data_dir=str(data))
    optimizer = published.optimizer(10)
    assert (optimizer.momentum, optimizer.nesterov, optimizer.l2) == (0.9, True, 1e-4)
    rates = [optimizer._learning_rate(10 * e) for e in (0, 29, 30, 60, 90, 99)]
    expected = [0.05, 0.05, 0.005, 5e-4, 5e-5, 5e-5]
    np.testing.assert_allclose(rates, expected, rtol=1e-5)


def test_cosine(data):
    recipe = load("imagenet", data, schedule="cosine", learning_rate=0.2)
    schedule = recipe.optimizer(10)._learning_rate
    np.testing.assert_allclose([schedule(0), schedule(5)], [0.2, 0.1], rtol=1e-5)
    with pytest.raises(ValueError, match=r"schedule must be one of .*'poly'"):
        load("imagenet", data, schedule="poly")


def test_names_of_classes(data, tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("stripes Streifen\nsquare Quadrat\ncircle Kreis\n")
    model = load("imagenet", data, class_names=str(path)).model()
    assert model.arguments["class_names"] == ("Kreis", "Quadrat", "Streifen")


def test_absent_validation_shows_before_training(data, tmp_path):
    (tmp_path / "train").symlink_to(data / "train")
    recipe = load("digits", tmp_path)
    with pytest.raises(ValueError, match="There is no image folder .*val"):
        recipe.train_data(0, 0)


def test_picture_of_predictions(data, tmp_path):
    recipe = load("digits", data)
    model = recipe.model()
    picture = recipe.pictures(model, lambda images: np.eye(12, 3) * 5)
    assert picture.dtype == np.uint8 and picture.shape[2] == 3
    assert picture.std() > 10
