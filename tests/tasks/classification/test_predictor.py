"""Predictions of classes, from files, arrays and exported models."""

import io

import numpy as np
import pytest
from drawn_shapes import CLASSES, draw_shape

from hrnet_tf import HRNetClassifier
from hrnet_tf.data.augment.classification import center_crop
from hrnet_tf.export.saved_model import export_saved_model
from hrnet_tf.predict import Predictor


@pytest.fixture(scope="module")
def model():
    return HRNetClassifier.from_preset(
        "hrnet_test", num_classes=3, image_size=(32, 32), class_names=CLASSES
    )


@pytest.fixture(scope="module")
def image():
    return np.asarray(draw_shape("circle", 0, (60, 44)))


def expected(model, image, crop_fraction=0.875):
    crop = center_crop(image, (32, 32), crop_fraction)[None]
    scores = np.asarray(model(np.asarray(crop, "float32")), "float64")[0]
    scores = np.exp(scores - scores.max())
    return scores / scores.sum()


def test_probabilities(model, image):
    found = Predictor(model).predict(image)
    probabilities = expected(model, image)
    order = np.argsort(-probabilities)
    np.testing.assert_array_equal(found.labels, order)
    np.testing.assert_allclose(found.probabilities, probabilities[order], atol=1e-6)
    assert found.names == tuple(CLASSES[label] for label in order)
    assert found.name == CLASSES[order[0]] and found.image_path is None


def test_files_bytes_and_crops(model, image, tmp_path):
    predictor = Predictor(model, crop_fraction=1.0)
    path = tmp_path / "image.bmp"
    file = io.BytesIO()
    draw_shape("circle", 0, (60, 44)).save(file, "PNG")
    # The name's ending does not count.
    path.write_bytes(file.getvalue())
    results = [predictor.predict(x, top_k=2) for x in (image, path, file.getvalue())]
    best = np.sort(expected(model, image, 1.0))[::-1][:2]
    for result in results:
        assert len(result) == 2
        np.testing.assert_allclose(result.probabilities, best, atol=1e-6)
    assert results[1].image_path == str(path)


def test_a_batch_is_its_images_one_by_one(model, image, tmp_path):
    predictor = Predictor(model)
    path = tmp_path / "square.png"
    draw_shape("square", 1, (40, 70)).save(path)
    found = predictor.predict_batch([image, path], top_k=2)
    for one, alone in zip(found, (image, path), strict=True):
        alone = predictor.predict(alone, top_k=2)
        np.testing.assert_array_equal(one.labels, alone.labels)
        np.testing.assert_allclose(one.probabilities, alone.probabilities, atol=1e-6)
        assert one.image_path == alone.image_path
    assert [one.image_path for one in found] == [None, str(path)]


def test_load(model, image, tmp_path):
    model.save(tmp_path / "model.keras")
    export_saved_model(model, tmp_path / "exported")
    direct = Predictor(model).predict(image)
    for name in ("model.keras", "exported", "exported/1"):
        predictor = Predictor.load(tmp_path / name)
        assert predictor.image_size == (32, 32) and predictor.num_classes == 3
        assert predictor.crop_fraction == 0.875 and predictor.class_names == CLASSES
        found = predictor.predict(image)
        assert found.names == direct.names
        np.testing.assert_allclose(found.probabilities, direct.probabilities, atol=1e-5)


@pytest.mark.slow
def test_exported_crop_fraction_is_kept(model, image, tmp_path):
    export_saved_model(model, tmp_path / "exported", crop_fraction=1.0)
    predictor = Predictor.load(tmp_path / "exported")
    assert predictor.crop_fraction == 1.0
    best = np.sort(expected(model, image, 1.0))[::-1]
    np.testing.assert_allclose(predictor.predict(image).probabilities, best, atol=1e-5)
    other = Predictor.load(tmp_path / "exported", crop_fraction=0.5)
    best = np.sort(expected(model, image, 0.5))[::-1]
    np.testing.assert_allclose(other.predict(image).probabilities, best, atol=1e-5)


@pytest.mark.slow
def test_a_saved_model_keeps_its_crop_fraction(model, image, tmp_path):
    config = {**model.get_config(), "crop_fraction": 0.6}
    narrow = HRNetClassifier.from_config(config)
    narrow.set_weights(model.get_weights())
    narrow.save(tmp_path / "narrow.keras")
    predictor = Predictor.load(tmp_path / "narrow.keras")
    assert predictor.crop_fraction == 0.6
    best = np.sort(expected(model, image, 0.6))[::-1]
    np.testing.assert_allclose(predictor.predict(image).probabilities, best, atol=1e-5)
    # Files of before it was kept mean the official one.
    config.pop("crop_fraction")
    assert HRNetClassifier.from_config(config).arguments["crop_fraction"] == 0.875


def test_without_names(image):
    model = HRNetClassifier.from_preset("hrnet_test", num_classes=2, image_size=None)
    predictor = Predictor(model)
    assert predictor.image_size == (224, 224)
    found = predictor.predict(image)
    assert found.names is None and found.name == str(found.labels[0])


@pytest.mark.slow
def test_activated_outputs_are_probabilities_already(image):
    model = HRNetClassifier.from_preset(
        "hrnet_test",
        num_classes=3,
        image_size=(32, 32),
        classifier_activation="softmax",
    )
    found = Predictor(model).predict(image)
    crop = np.asarray(center_crop(image, (32, 32), 0.875)[None], "float32")
    best = np.sort(np.asarray(model(crop))[0])[::-1]
    np.testing.assert_allclose(found.probabilities, best, atol=1e-6)


def test_bad_arguments(model, image):
    predictor = Predictor(model)
    with pytest.raises(ValueError, match="top_k must be positive. Received: top_k=0"):
        predictor.predict(image, top_k=0)
    with pytest.raises(ValueError, match="There is no image file absent.jpg"):
        predictor.predict("absent.jpg")
    with pytest.raises(ValueError, match=r"crop_fraction must be in \(0, 1\]"):
        Predictor(model, crop_fraction=2.0)
    with pytest.raises(ValueError, match=r"such as 0.875 for 224 .* crop_fraction=0\."):
        HRNetClassifier.from_preset("hrnet_test", num_classes=3, crop_fraction=0)
    with pytest.raises(
        ValueError, match="classification take no boxes. Expected: crop"
    ):
        predictor.predict(image, boxes=[])
