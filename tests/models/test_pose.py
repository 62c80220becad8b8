"""The pose network: counts, saving, precision, backends, errors."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from slow_params import cases

import hrnet_tf
from hrnet_tf import HRNetPose
from hrnet_tf.data.keypoint_sets import load_keypoint_set


def small(**kwargs):
    """A tiny network; He's initialisation keeps its activations apart from zero."""
    keras.utils.set_random_seed(1)
    kwargs = {"image_size": (64, 96), "kernel_initializer": "he_normal", **kwargs}
    return HRNetPose.from_preset("hrnet_test", num_keypoints=5, **kwargs)


def images(seed=0, size=(64, 96)):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 255, (2, *size, 3)).astype("float32")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "count"), [("hrnet_w32", 28_536_113), ("hrnet_w48", 63_595_745)]
)
def test_parameters_are_the_official_ones(preset, count):
    model = HRNetPose.from_preset(preset, num_keypoints=17)
    shapes = [v.shape for v in model.trainable_variables]
    assert sum(int(np.prod(shape)) for shape in shapes) == count


def test_heatmaps_are_float32_at_a_quarter_of_the_size():
    model = small()
    output = model(images())
    assert output.shape == (2, 16, 24, 5)
    assert keras.backend.standardize_dtype(output.dtype) == "float32"
    assert model.output_shape == (None, 16, 24, 5)


def test_any_size_that_the_streams_allow():
    model = small(image_size=None)
    assert model(images(size=(96, 32))).shape == (2, 24, 8, 5)


def test_preprocessing_is_the_official_normalisation():
    pixels = images()
    inside = small()
    outside = small(include_preprocessing=False)
    outside.set_weights(inside.get_weights())
    mean = np.array([0.485, 0.456, 0.406], "float32")
    std = np.array([0.229, 0.224, 0.225], "float32")
    expected = np.array(outside((pixels / 255 - mean) / std))
    difference = np.abs(np.array(inside(pixels)) - expected).max()
    assert difference < 1e-5 * np.abs(expected).max()


@pytest.mark.slow
def test_moving_the_image_by_32_pixels_moves_the_heatmaps_by_8_cells():
    model = small(image_size=(32, 1024))
    image = np.zeros((1, 32, 1024, 3), "float32")
    image[:, :, 480:544] = np.random.default_rng(0).uniform(0, 255, (32, 64, 3))
    heatmaps = np.array(model(image))
    moved = np.array(model(np.roll(image, 32, axis=2)))
    # Far from the borders, whose padding does not move.
    middle = slice(96, 160)
    np.testing.assert_allclose(
        np.roll(heatmaps, 8, axis=2)[:, :, middle], moved[:, :, middle], atol=1e-4
    )
    assert np.ptp(heatmaps[:, :, middle]) > 1e-2


def test_save_and_load_keep_everything(tmp_path):
    keypoints = load_keypoint_set("coco").to_dict()
    model = HRNetPose.from_preset(
        "hrnet_test",
        image_size=(64, 64),
        keypoint_set=keypoints,
        heatmap_activation="spatial_softmax",
        heatmap_sigma=1.5,
    )
    assert model.heatmap_convention == "official"
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    pixels = images(size=(64, 64))
    np.testing.assert_array_equal(
        loaded.predict(pixels, verbose=0), model.predict(pixels, verbose=0)
    )
    assert loaded.get_config() == model.get_config()
    assert loaded.heatmap_sigma == 1.5
    assert loaded.backbone.name == "hrnet_backbone"


@pytest.mark.parametrize(
    "name",
    cases(["HRNetPose", "HRNetLandmarks", "SimpleBaselinePose"], quick=["HRNetPose"]),
)
def test_the_convention_travels_with_the_model(name, tmp_path):
    make = getattr(hrnet_tf, name).from_preset
    preset = "resnet50" if name == "SimpleBaselinePose" else "hrnet_test"
    model = make(preset, image_size=(64, 64), heatmap_convention="udp")
    config = json.loads(json.dumps(model.get_config()))
    assert type(model).from_config(config).heatmap_convention == "udp"
    # Models saved before there were others.
    del config["heatmap_convention"]
    assert type(model).from_config(config).heatmap_convention == "official"
    with pytest.raises(ValueError, match=r"must be one of \('official'.*: 'msra'"):
        make(preset, heatmap_convention="msra")
    with pytest.raises(ValueError, match="convention is 'official'.*: 'dark'. Leave"):
        make(preset, heatmap_convention="dark", heatmap_activation="spatial_softmax")


def test_configuration_round_trip():
    model = small(interpolation="bilinear", momentum=0.99)
    again = HRNetPose.from_config(json.loads(json.dumps(model.get_config())))
    assert again.get_config() == model.get_config()
    assert [v.path for v in again.variables] == [v.path for v in model.variables]


def test_mixed_precision_computes_in_bfloat16_and_stays_close(tmp_path):
    full = small()
    mixed = small(dtype="mixed_bfloat16")
    mixed.set_weights(full.get_weights())
    assert mixed.backbone.get_layer("stem_conv1").compute_dtype == "bfloat16"
    assert mixed.variables[0].dtype == "float32"
    expected = np.array(full(images()))
    difference = np.abs(np.array(mixed(images())) - expected).max()
    assert difference < 0.05 * np.abs(expected).max()
    mixed.save(tmp_path / "mixed.keras")
    loaded = keras.models.load_model(tmp_path / "mixed.keras")
    assert loaded.backbone.get_layer("stem_conv1").compute_dtype == "bfloat16"


_ON_JAX = """
import sys, jax, numpy as np
from hrnet_tf.models.pose import HRNetPose
import keras
assert keras.backend.backend() == "jax"
model = keras.models.load_model(sys.argv[1])
data = np.load(sys.argv[2])
state = [v.value for v in model.trainable_variables]
other = [v.value for v in model.non_trainable_variables]

def run(x):
    call = model.stateless_call
    return [call(state, other, x, training=t)[0] for t in (False, True)]

test, train = jax.jit(run)(data)
np.savez(sys.argv[3], test=test, train=train)
"""


@pytest.mark.slow
def test_jax_backend_gives_the_same_outputs(tmp_path):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("compares JAX with the TensorFlow backend, which is not active")
    model = small()
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "images.npy", images())
    arguments = [tmp_path / n for n in ("model.keras", "images.npy", "outputs.npz")]
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", _ON_JAX, *map(str, arguments)]
    subprocess.run(command, check=True, env=environment, timeout=300)
    outputs = np.load(arguments[2])
    for name, training in (("test", False), ("train", True)):
        expected = np.array(model(images(), training=training))
        np.testing.assert_allclose(
            outputs[name], expected, atol=1e-4 * np.abs(expected).max()
        )


def test_errors_say_what_arrived():
    with pytest.raises(ValueError, match=r"divisible by 32.*\(72, 32\)"):
        HRNetPose.from_preset("hrnet_test", image_size=(72, 32))
    with pytest.raises(ValueError, match="preset='hrnet_w33'.*hrnet_w32"):
        HRNetPose.from_preset("hrnet_w33")
    with pytest.raises(ValueError, match="num_keypoints=0"):
        HRNetPose.from_preset("hrnet_test", num_keypoints=0)
    with pytest.raises(ValueError, match="names 17 keypoints.*num_keypoints=5"):
        small(keypoint_set=load_keypoint_set("coco").to_dict())
    with pytest.raises(ValueError, match="heatmap_activation='relu'"):
        small(heatmap_activation="relu")
    with pytest.raises(ValueError, match="interpolation='cubic'"):
        small(interpolation="cubic")


def test_v2_representation_mixes_all_streams():
    model = small(representation="v2")
    assert model(images()).shape == (2, 16, 24, 5)
    assert model.get_layer("mixer").conv.kernel.shape == (1, 1, 60, 60)
    again = HRNetPose.from_config(json.loads(json.dumps(model.get_config())))
    assert again.get_config() == model.get_config()
    with pytest.raises(ValueError, match="representation='v3'"):
        small(representation="v3")
