"""What all models share: shapes, saving, sizes, precision, backends, errors."""

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from slow_params import cases

import hrnet_tf
from hrnet_tf.data.keypoint_sets import load_keypoint_set

# What the others share with these.
QUICK = ("HRNetPose", "HRNetOCRSegmenter")
# The arguments of a small model of each class, and its outputs' shapes for two
# images of 64x96 pixels.
SMALL = {
    "HRNetPose": ({"num_keypoints": 5}, (2, 16, 24, 5)),
    "HRNetLandmarks": ({"num_keypoints": 5}, (2, 16, 24, 5)),
    "HRNetSegmenter": ({"num_classes": 3}, (2, 16, 24, 3)),
    "HRNetOCRSegmenter": (
        {"num_classes": 3},
        {"aux": (2, 16, 24, 3), "main": (2, 16, 24, 3)},
    ),
    "HRNetClassifier": ({"num_classes": 3}, (2, 3)),
    "HRNetFeaturePyramid": (
        {"num_channels": 6},
        {f"P{i}": (2, 64 // 2**i, 96 // 2**i, 6) for i in range(2, 7)},
    ),
    "HigherHRNetPose": (
        {"num_keypoints": 5},
        {
            "heatmaps_quarter": (2, 16, 24, 5),
            "tags": (2, 16, 24, 5),
            "heatmaps_half": (2, 32, 48, 5),
        },
    ),
}
ANY_SIZE = ("HRNetSegmenter", "HRNetOCRSegmenter", "HRNetLandmarks")


def make(name, **kwargs):
    """A tiny network; He's initialisation keeps its activations apart from zero."""
    keras.utils.set_random_seed(1)
    options = {"image_size": (64, 96), "kernel_initializer": "he_normal"}
    options = {**options, **SMALL[name][0], **kwargs}
    return getattr(hrnet_tf, name).from_preset("hrnet_test", **options)


def images(size=(64, 96), count=2):
    rng = np.random.default_rng(0)
    return rng.uniform(0, 255, (count, *size, 3)).astype("float32")


def arrays(outputs):
    """The outputs by name, as arrays."""
    outputs = outputs if isinstance(outputs, dict) else {"output": outputs}
    return {name: np.array(x, "float32") for name, x in outputs.items()}


def assert_close(actual, expected, tolerance):
    actual, expected = arrays(actual), arrays(expected)
    assert actual.keys() == expected.keys()
    for name, array in expected.items():
        error = np.abs(actual[name] - array).max()
        assert error <= tolerance * np.abs(array).max(), (name, error)
        assert np.ptp(array) > 0, name


@pytest.mark.parametrize("name", SMALL)
def test_shapes_and_types(name):
    outputs = make(name)(images())
    shapes = SMALL[name][1]
    assert {k: v.shape for k, v in arrays(outputs).items()} == (
        shapes if isinstance(shapes, dict) else {"output": shapes}
    )
    for x in outputs.values() if isinstance(outputs, dict) else [outputs]:
        assert keras.backend.standardize_dtype(x.dtype) == "float32"


@pytest.mark.parametrize("name", cases(SMALL, QUICK))
def test_saved_models_load_equal(name, tmp_path):
    model = make(name)
    model.save(tmp_path / "model.keras")
    loaded = hrnet_tf.load_model(tmp_path / "model.keras")
    assert type(loaded) is type(model)
    assert loaded.get_config() == model.get_config()
    assert [v.path for v in loaded.weights] == [v.path for v in model.weights]
    assert_close(loaded(images()), model(images()), 0)
    again = type(model).from_config(json.loads(json.dumps(model.get_config())))
    assert again.get_config() == model.get_config()


@pytest.mark.slow
@pytest.mark.parametrize("name", cases(SMALL, QUICK))
def test_mixed_precision_stays_close(name):
    full, mixed = make(name), make(name, dtype="mixed_bfloat16")
    assert mixed.backbone.get_layer("stem_conv1").compute_dtype == "bfloat16"
    mixed.set_weights(full.get_weights())
    assert_close(mixed(images()), full(images()), 0.06)
    for head in ("head", "high_head", "aux_head", "classifier"):
        layers = [layer for layer in mixed.layers if layer.name == head]
        if layers and head != "head":
            assert layers[0].compute_dtype == "float32"


@pytest.mark.parametrize("name", cases(list(ANY_SIZE), quick=["HRNetSegmenter"]))
@pytest.mark.parametrize(
    "height,width", cases([(65, 97), (50, 52), (33, 129)], quick=[65])
)
def test_bilinear_models_take_any_size(name, height, width):
    size = (height, width)
    static, dynamic = make(name, image_size=size), make(name, image_size=None)
    assert [v.path for v in static.weights] == [v.path for v in dynamic.weights]
    dynamic.set_weights(static.get_weights())
    expected = static(images(size))
    for x in arrays(expected).values():
        assert x.shape[1:3] == tuple(-(-side // 4) for side in size)
    assert_close(dynamic(images(size)), expected, 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["HRNetSegmenter", "HRNetOCRSegmenter"])
def test_upsampled_logits_have_the_size_of_the_image(name):
    small = make(name, image_size=None)
    large = make(name, image_size=None, upsample_logits=True)
    large.set_weights(small.get_weights())
    logits, upsampled = arrays(small(images())), arrays(large(images((65, 97))))
    assert all(x.shape[1:3] == (65, 97) for x in upsampled.values())
    upsampled = arrays(large(images()))
    for key, x in upsampled.items():
        assert x.shape == (2, 64, 96, 3)
        # Interpolation leaves the range alone.
        assert logits[key].min() <= x.min() and x.max() <= logits[key].max()


@pytest.mark.slow
def test_sizes_unknown_when_traced():
    import tensorflow as tf

    model = make("HRNetOCRSegmenter", image_size=None, upsample_logits=True)
    run = tf.function(
        lambda x: model(x, training=False),
        input_signature=[tf.TensorSpec((None, None, None, 3), tf.float32)],
    )
    for size in ((64, 96), (65, 97)):
        assert_close(run(images(size)), model(images(size)), 1e-5)


@pytest.mark.slow
def test_any_size_includes_that_of_pascal_context():
    model = make("HRNetSegmenter", image_size=None)
    assert model(images((520, 520), 1)).shape == (1, 130, 130, 3)


@pytest.mark.slow
@pytest.mark.parametrize("interpolation", ["bilinear", "bilinear_align_corners"])
@pytest.mark.parametrize(
    "name", cases(("HRNetClassifier", "HigherHRNetPose", "HRNetPose"), QUICK)
)
def test_every_model_takes_every_interpolation(name, interpolation):
    model = make(name, interpolation=interpolation, image_size=(33, 65))
    other = make(name, interpolation="nearest", image_size=(64, 96))
    other.set_weights(model.get_weights())
    assert model(images((33, 65))) is not None
    for x in arrays(model(images((33, 65)))).values():
        assert np.isfinite(x).all()


@pytest.mark.parametrize(
    "name",
    cases(
        ["HRNetPose", "HRNetClassifier", "HRNetFeaturePyramid", "HigherHRNetPose"],
        quick=["HRNetPose"],
    ),
)
def test_nearest_fusion_refuses_other_sizes(name):
    with pytest.raises(ValueError, match=r"divisible by 32.*\(65, 96\)"):
        make(name, image_size=(65, 96))
    with pytest.raises(ValueError, match=r"divisible by 32.*maps of"):
        make(name, image_size=None)(images((65, 96)))


_ON_JAX = """
import sys, numpy as np
import hrnet_tf, keras
assert keras.backend.backend() == "jax"
images = np.load(sys.argv[1])
for path in sys.argv[2:]:
    model = hrnet_tf.load_model(path)
    outputs = model(images, training=False)
    outputs = outputs if isinstance(outputs, dict) else {"output": outputs}
    np.savez(path + ".npz", **{k: np.array(v) for k, v in outputs.items()})
"""


@pytest.mark.slow
def test_jax_backend_gives_the_same_outputs(tmp_path):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("compares JAX with the TensorFlow backend, which is not active")
    np.save(tmp_path / "images.npy", images((65, 97)))
    models = {name: make(name, image_size=None) for name in ANY_SIZE}
    models["align"] = make(
        "HRNetSegmenter", image_size=None, interpolation="bilinear_align_corners"
    )
    for name, model in models.items():
        model.save(tmp_path / f"{name}.keras")
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    paths = [str(tmp_path / f"{name}.keras") for name in models]
    command = [sys.executable, "-c", _ON_JAX, str(tmp_path / "images.npy"), *paths]
    subprocess.run(command, check=True, env=environment, timeout=300)
    for (_, model), path in zip(models.items(), paths, strict=True):
        with np.load(path + ".npz") as outputs:
            assert_close(dict(outputs), arrays(model(images((65, 97)))), 1e-4)


@pytest.mark.slow
def test_bgr_networks_take_rgb_pixels():
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
    inside = make("HRNetSegmenter", channel_order="bgr", pixel_mean=mean, pixel_std=std)
    outside = make("HRNetSegmenter", include_preprocessing=False)
    outside.set_weights(inside.get_weights())
    pixels = images()
    seen = (pixels[..., ::-1] / 255 - np.float32(mean)) / np.float32(std)
    assert_close(inside(pixels), outside(seen.astype("float32")), 1e-5)
    again = hrnet_tf.HRNetSegmenter.from_config(inside.get_config())
    assert again.get_config() == inside.get_config()


def test_frozen_statistics_stay_and_scales_learn():
    model = make("HRNetFeaturePyramid", frozen_statistics=True)
    again = hrnet_tf.HRNetFeaturePyramid.from_config(model.get_config())
    again.set_weights(model.get_weights())
    for network in (model, again):
        assert_close(network(images(), training=True), network(images()), 0)
    before = {v.path: np.array(v) for v in model.weights}
    network = keras.Model(model.input, model.output["P2"])
    network.compile(keras.optimizers.SGD(0.01), "mse")
    network.train_on_batch(images(), np.ones((2, 16, 24, 6), "float32"))
    for variable in model.weights:
        same = np.array_equal(before[variable.path], np.array(variable))
        if "moving" in variable.path:
            assert same, variable.path
        elif variable.path == "stem_conv1/norm/gamma":
            assert not same


def test_frozen_statistics_are_those_of_the_body():
    model = make("HRNetSegmenter", frozen_statistics=True)
    before = {v.path: np.array(v) for v in model.non_trainable_variables}
    model(images(), training=True)
    moved = [
        v.path
        for v in model.non_trainable_variables
        if not np.array_equal(v, before[v.path])
    ]
    assert moved == ["mixer/norm/moving_mean", "mixer/norm/moving_variance"]


@pytest.mark.slow
def test_frozen_layers_stay_frozen_when_loaded(tmp_path):
    model = make("HRNetSegmenter")
    model.backbone.trainable = False
    model.get_layer("head").trainable = False
    model.compile(keras.optimizers.Adam(0.1), "mse")
    model.train_on_batch(images(), np.ones((2, 16, 24, 3), "float32"))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    paths = [v.path for v in loaded.trainable_variables]
    assert paths == [v.path for v in model.trainable_variables]
    assert {path.split("/")[0] for path in paths} == {"mixer"}
    for ours, theirs in zip(
        loaded.optimizer.variables, model.optimizer.variables, strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_frozen_backbone_does_not_move():
    model = make("HRNetSegmenter")
    model.backbone.trainable = False
    before = [np.array(v) for v in model.backbone.weights]
    model.compile(keras.optimizers.SGD(0.1), "mse")
    model.train_on_batch(images(), np.ones((2, 16, 24, 3), "float32"))
    for old, variable in zip(before, model.backbone.weights, strict=True):
        np.testing.assert_array_equal(old, np.array(variable), variable.path)
    assert {v.path.split("/")[0] for v in model.trainable_variables} == {
        "mixer",
        "head",
    }


class TestClassifier:
    @pytest.mark.slow
    def test_without_the_top(self):
        features = make("HRNetClassifier", include_top=False)(images())
        assert features.shape == (2, 2, 3, 2048)
        for pooling, reduce in (("avg", np.mean), ("max", np.max)):
            model = make("HRNetClassifier", include_top=False, pooling=pooling)
            expected = reduce(np.array(features), axis=(1, 2))
            np.testing.assert_allclose(model(images()), expected, rtol=1e-4, atol=1e-5)

    def test_a_narrower_head(self):
        model = make("HRNetClassifier", include_top=False, head_width=4)
        assert model(images()).shape == (2, 2, 3, 256)
        again = hrnet_tf.HRNetClassifier.from_config(model.get_config())
        again.set_weights(model.get_weights())
        assert_close(again(images()), model(images()), 0)
        # Models from before there were others have the official one.
        config = model.get_config()
        del config["head_width"]
        whole = hrnet_tf.HRNetClassifier.from_config(config)
        assert whole.output_shape[-1] == 2048

    @pytest.mark.slow
    def test_activation(self):
        logits = make("HRNetClassifier")
        model = make("HRNetClassifier", classifier_activation="softmax")
        model.set_weights(logits.get_weights())
        expected = keras.ops.softmax(logits(images()))
        np.testing.assert_allclose(model(images()), expected, rtol=1e-4)
        again = hrnet_tf.HRNetClassifier.from_config(model.get_config())
        assert again.get_config()["classifier_activation"] == "softmax"

    def test_errors_say_what_arrived(self):
        with pytest.raises(ValueError, match="pooling='mean'"):
            make("HRNetClassifier", pooling="mean")
        with pytest.raises(ValueError, match="num_classes=0"):
            make("HRNetClassifier", num_classes=0)
        with pytest.raises(ValueError, match="head_width=0"):
            make("HRNetClassifier", head_width=0)


class TestSimpleBaseline:
    @pytest.mark.slow
    def test_saved_model_loads_equal(self, tmp_path):
        keras.utils.set_random_seed(1)
        model = hrnet_tf.SimpleBaselinePose(
            num_keypoints=3,
            image_size=(64, 32),
            num_blocks=(1, 1, 1, 1),
            kernel_initializer="he_normal",
        )
        assert model.output_shape == (None, 16, 8, 3)
        model.save(tmp_path / "model.keras")
        loaded = hrnet_tf.load_model(tmp_path / "model.keras")
        pixels = images((64, 32))
        assert_close(loaded(pixels), model(pixels), 0)
        assert loaded.get_config() == model.get_config()

    def test_presets_are_the_resnets(self):
        with pytest.raises(ValueError, match="hrnet_w32.*resnet50, resnet101"):
            hrnet_tf.SimpleBaselinePose.from_preset("hrnet_w32")
        with pytest.raises(ValueError, match=r"divisible by 32.*\(65, 32\)"):
            hrnet_tf.SimpleBaselinePose.from_preset("resnet50", image_size=(65, 32))
        with pytest.raises(ValueError, match="image_size=None"):
            hrnet_tf.SimpleBaselinePose.from_preset("resnet50", image_size=None)
        keypoints = load_keypoint_set("coco").to_dict()
        with pytest.raises(ValueError, match="names 17 keypoints.*num_keypoints=16"):
            hrnet_tf.SimpleBaselinePose(num_keypoints=16, keypoint_set=keypoints)


def test_errors_say_what_arrived():
    for name, argument in (
        ("HRNetSegmenter", "num_classes"),
        ("HRNetOCRSegmenter", "num_classes"),
        ("HRNetLandmarks", "num_keypoints"),
        ("HigherHRNetPose", "num_keypoints"),
        ("HRNetFeaturePyramid", "num_channels"),
    ):
        with pytest.raises(ValueError, match=f"{argument}=-1"):
            make(name, **{argument: -1})
    with pytest.raises(ValueError, match="interpolation='cubic'"):
        make("HRNetSegmenter", interpolation="cubic")
    with pytest.raises(ValueError, match="num_modules=.1, 4.*num_outputs=4"):
        hrnet_tf.HRNetBackbone(num_modules=(1, 4))
    with pytest.raises(ValueError, match="num_outputs=5"):
        hrnet_tf.HRNetBackbone(num_outputs=5)
    with pytest.raises(ValueError, match="heatmap_sigma=-1"):
        make("HRNetLandmarks", heatmap_sigma=-1)
    with pytest.raises(ValueError, match="must be a dict.*KeypointSet"):
        make("HRNetPose", keypoint_set=load_keypoint_set("coco"))
    with pytest.raises(ValueError, match="channel_order='gbr'"):
        make("HRNetSegmenter", channel_order="gbr")
    with pytest.raises(ValueError, match=r"pixel_std=\(1, 1, 0\)"):
        make("HRNetSegmenter", pixel_std=(1, 1, 0))
