"""SavedModels of classifiers: outputs, names and descriptions."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from drawn_shapes import draw_shape

from hrnet_tf import HRNetClassifier
from hrnet_tf.data.augment.classification import center_crop
from hrnet_tf.export import load_exported
from hrnet_tf.export.saved_model import export_saved_model
from hrnet_tf.tasks import make_inference
from hrnet_tf.tasks.classification.inference import ClassificationInference

NAMES = tuple("abcdefg")


@pytest.fixture(scope="module")
def model():
    return HRNetClassifier.from_preset(
        "hrnet_test", num_classes=7, image_size=(32, 32), class_names=NAMES
    )


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    return export_saved_model(model, folder, crop_fraction=0.9)


def images():
    return [
        np.asarray(draw_shape("square", 1, (50, 70))),
        np.asarray(draw_shape("stripes", 2, (40, 33))),
    ]


def png(pixels):
    return tf.io.encode_png(pixels).numpy()


def probabilities(model, crops):
    scores = np.asarray(model(np.asarray(crops, "float32")), "float64")
    scores = np.exp(scores - scores.max(1, keepdims=True))
    return scores / scores.sum(1, keepdims=True)


def test_image_files(model, exported):
    loaded = tf.saved_model.load(str(exported))
    files = tf.constant([png(image) for image in images()])
    found = loaded.signatures["serving_default"](image_bytes=files)
    crops = np.stack([center_crop(image, (32, 32), 0.9) for image in images()])
    expected = probabilities(model, crops)
    np.testing.assert_allclose(found["probabilities"], expected, atol=1e-5)
    order = np.argsort(-expected, axis=1)[:, :5]
    np.testing.assert_array_equal(found["top_labels"], order)
    best = np.take_along_axis(expected, order, 1)
    np.testing.assert_allclose(found["top_probabilities"], best, atol=1e-5)
    names = [[NAMES[label].encode() for label in row] for row in order]
    assert found["top_names"].numpy().tolist() == names


def test_crops_and_no_crops(model, exported):
    loaded = tf.saved_model.load(str(exported))
    crops = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype("uint8")
    found = loaded.signatures["crops"](images=tf.constant(crops))
    expected = probabilities(model, crops)
    np.testing.assert_allclose(found["probabilities"], expected, atol=1e-5)
    none = loaded.signatures["crops"](images=tf.constant(crops[:0]))
    assert none["probabilities"].shape == (0, 7) and none["top_names"].shape == (0, 5)
    none = loaded.signatures["serving_default"](image_bytes=tf.constant([], tf.string))
    assert none["top_labels"].shape == (0, 5)


@pytest.mark.slow
@pytest.mark.parametrize("mode, format", [("L", "JPEG"), ("P", "GIF"), ("RGBA", "PNG")])
def test_files_of_any_kind(exported, mode, format):
    file = io.BytesIO()
    draw_shape("circle", 3).convert(mode).save(file, format)
    loaded = tf.saved_model.load(str(exported))
    found = loaded.signatures["serving_default"](
        image_bytes=tf.constant([file.getvalue()])
    )
    assert found["probabilities"].numpy().sum() == pytest.approx(1, abs=1e-5)


def test_description_and_names(exported):
    description = json.loads((exported / "assets.extra" / "hrnet.json").read_text())
    assert description.pop("hrnet_tf")
    assert description == {
        "task": "classification",
        "image_size": [32, 32],
        "crop_fraction": 0.9,
        "num_classes": 7,
        "class_names": list(NAMES),
    }
    text = (exported / "assets.extra" / "class_names.txt").read_text()
    assert text.splitlines() == list(NAMES)


def test_classes_are_an_asset_of_the_graph(exported, tmp_path):
    assert [path.name for path in (exported / "assets").iterdir()] == ["classes.txt"]
    # Wherever the folder is moved.
    folder = shutil.copytree(exported, tmp_path / "moved")
    loaded = tf.saved_model.load(str(folder))
    path = loaded.classes.asset_path.numpy().decode()
    assert Path(path) == folder / "assets" / "classes.txt"
    assert Path(path).read_text("utf-8").splitlines() == list(NAMES)


def test_loading(exported):
    found = load_exported(exported)
    inference = make_inference(found)
    assert (inference.image_size, inference.crop_fraction) == ((32, 32), 0.9)
    assert (inference.num_classes, inference.class_names) == (7, NAMES)


@pytest.mark.slow
def test_without_names(tmp_path):
    bare = HRNetClassifier.from_preset("hrnet_test", num_classes=2, image_size=(32, 32))
    signatures = ClassificationInference(bare)
    assert signatures.assets == {}
    found = signatures.crops(tf.zeros((1, 32, 32, 3), tf.uint8))
    # Fewer classes than five, and no names of them.
    assert set(found) == {"probabilities", "top_labels", "top_probabilities"}
    assert found["top_labels"].shape == (1, 2)
    folder = export_saved_model(bare, tmp_path)
    assert not list((folder / "assets").iterdir())
    assert not hasattr(tf.saved_model.load(str(folder)), "classes")


@pytest.mark.slow
def test_crop_fraction_is_the_models_own():
    wider = HRNetClassifier.from_preset(
        "hrnet_test", num_classes=2, image_size=(32, 32), crop_fraction=0.95
    )
    assert ClassificationInference(wider).description["crop_fraction"] == 0.95
    other = ClassificationInference(wider, crop_fraction=1.0)
    assert other.description["crop_fraction"] == 1.0


def test_flip_test_is_refused(model, tmp_path):
    with pytest.raises(ValueError, match="flip_test=True for a HRNetClassifier"):
        export_saved_model(model, tmp_path, flip_test=True)
