"""Networks of classification that only go from high resolution to low."""

import json

import keras
import numpy as np
import pytest
from slow_params import cases

import hrnet_tf
from hrnet_tf.tasks.classification.inference import checked_image_size
from hrnet_tf.tasks.classification.networks import classification_network

# Trainable parameters of 1000 classes; Keras' of its own networks, less the moving
# statistics, and those of the published Caffe networks.
PARAMETERS = {
    "googlenet": 6998552,
    "alexnet": 60965224,
    "vgg16": 138357544,
    "vgg19": 143667240,
    "resnet50": 25583592,
}


def make(preset, **arguments):
    return classification_network(preset, load_weights=False, **arguments)


@pytest.mark.parametrize(("preset", "count"), cases(list(PARAMETERS.items()), ()))
def test_parameters_are_the_published_ones(preset, count):
    model = make(preset)
    found = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    assert found == count
    keras.backend.clear_session()


def test_lenet():
    model = make("lenet5", num_classes=10, image_size=(32, 32))
    count = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    # 61,706 with one channel.
    assert count == 61706 + 2 * 6 * 25
    assert checked_image_size(model) == (32, 32)


@pytest.mark.slow
@pytest.mark.parametrize(
    "preset", cases(("lenet5", "googlenet", "resnet50"), ("lenet5",))
)
def test_saved_models_load_equal(preset, tmp_path):
    model = make(
        preset, num_classes=3, image_size=(32, 32), class_names=("a", "b", "c")
    )
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3))
    logits = model(images)
    assert logits.shape == (2, 3) and logits.dtype == "float32"
    model.save(tmp_path / "model.keras")
    loaded = hrnet_tf.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(images), logits, rtol=1e-6)
    again = type(model).from_config(json.loads(json.dumps(model.get_config())))
    assert again.get_config() == model.get_config()


@pytest.mark.slow
def test_mixed_precision_is_that_of_the_model():
    before = keras.config.dtype_policy()
    model = make("vgg16", num_classes=3, image_size=(32, 32), dtype="mixed_bfloat16")
    assert keras.config.dtype_policy() == before
    assert model.get_layer("block1_conv1").compute_dtype == "bfloat16"
    assert model(np.zeros((1, 32, 32, 3))).dtype == "float32"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"network": "vgg11"}, "one of .*vgg16.*network='vgg11'"),
        ({"image_size": None}, "of 32 pixels at least.*image_size=None"),
        ({"network": "alexnet", "image_size": (32, 32)}, "of 63 pixels"),
        ({"class_names": ("a",)}, "names 1 classes"),
    ],
)
def test_errors_say_what_arrived(arguments, text):
    with pytest.raises(ValueError, match=text):
        hrnet_tf.PlainClassifier(**{"num_classes": 3, **arguments})
