"""The comparison systems of segmentation: sizes, counts and files."""

import json

import keras
import numpy as np
import pytest
from slow_params import cases

import hrnet_tf
from hrnet_tf.data.label_sets import load_label_set
from hrnet_tf.export import load_exported
from hrnet_tf.layers.max_pool_places import MaxPoolPlaces
from hrnet_tf.layers.max_unpool import MaxUnpool
from hrnet_tf.models.presets import is_architecture
from hrnet_tf.tasks.segmentation.inference import SegmentationInference
from hrnet_tf.tasks.segmentation.networks import SERIES, segmentation_network

SMALL = {
    "UNetSegmenter": {"filters": 4, "depth": 2},
    "SegNetSegmenter": {"filters": (4, 6), "counts": (1, 2)},
    "FCNSegmenter": {"linear_filters": 8},
    "DeconvNetSegmenter": {
        "filters": (4, 6),
        "counts": (1, 2),
        "linear_filters": 8,
    },
    "DeepLabSegmenter": {"num_blocks": (1, 1, 1, 2), "width": 4, "stride": 16},
    "EncoderDecoderSegmenter": {"encoder": "alexnet"},
}
STRIDES = {
    "FCNSegmenter": 8,
    "DeepLabSegmenter": 16,
    "EncoderDecoderSegmenter": 4,
}
# Trainable parameters. Those of DeepLab are torchvision's, less the auxiliary head's
# 2,365,205; the papers say 31, 134 and 252 million of U-Net, FCN and DeconvNet, and
# SegNet's 29.5.
FULL = {
    ("unet_paper", 2): 31030658,
    ("segnet", 12): 29449932,
    ("deeplab_resnet50", 21): 42004074 - 2365205,
    ("deeplab_resnet101", 21): 60996202 - 2365205,
    ("fcn_8s", 21): 134362751,
    ("deconvnet", 21): 251805653,
}


def make(name, **arguments):
    return getattr(hrnet_tf, name)(
        **{"num_classes": 3, **SMALL[name], "upsample_logits": False, **arguments}
    )


def images(*size):
    return np.random.default_rng(0).uniform(0, 255, (1, *size, 3)).astype("float32")


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_any_size_and_files(name, tmp_path):
    model = make(name)
    pixels = images(45, 38)
    stride = STRIDES.get(name, 1)
    size = -(-45 // stride), -(-38 // stride)
    logits = model(pixels)
    assert logits.shape == (1, *size, 3) and logits.dtype == "float32"
    again = type(model).from_config(json.loads(json.dumps(model.get_config())))
    assert again.get_config() == model.get_config()
    model.save(tmp_path / "model.keras")
    loaded = hrnet_tf.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(pixels), logits)
    large = type(model).from_config({**model.get_config(), "upsample_logits": True})
    assert large(pixels).shape == (1, 45, 38, 3)


@pytest.mark.parametrize("name", cases(list(SMALL), ("DeconvNetSegmenter",)))
def test_images_may_be_smaller_than_those_that_are_trained_on(name):
    """As they may be in a test, after an epoch of training on larger crops."""
    model = make(name, num_classes=1, upsample_logits=True)
    for size in ((10, 13), (1, 1)):
        logits = model(images(*size))
        assert logits.shape == (1, *size, 1) and np.isfinite(logits).all()


def test_deconvnet_is_the_same_for_images_that_are_large_enough():
    small, fixed = (make("DeconvNetSegmenter", image_size=s) for s in (None, (25, 28)))
    fixed.set_weights(small.get_weights())
    assert not [layer for layer in fixed.layers if layer.name == "fill_up"]
    pixels = images(25, 28)
    np.testing.assert_allclose(small(pixels), fixed(pixels), atol=1e-5)
    tiny = make("DeconvNetSegmenter", image_size=(10, 13))
    tiny.set_weights(small.get_weights())
    pixels = images(10, 13)
    np.testing.assert_allclose(tiny(pixels), small(pixels), atol=1e-5)


@pytest.mark.parametrize("name", cases(list(SMALL), ("SegNetSegmenter",)))
def test_a_litert_file_says_what_the_model_says(name, tmp_path):
    model, size = make(name, image_size=(37, 45)), (37, 45)
    file = hrnet_tf.export_litert(model, tmp_path / "small.tflite", image_size=size)
    pixels = images(*size)[0].astype("uint8")
    found, wanted = (
        SegmentationInference(source, **known).run([pixels], confidence=True)[0]
        for source, known in ((load_exported(file), {}), (model, {"image_size": size}))
    )
    assert found.labels.shape == size
    np.testing.assert_allclose(found.confidence, wanted.confidence, atol=1e-4)
    assert (found.labels == wanted.labels).mean() > 0.99


def test_equal_maxima_count_once():
    """Of equal ones the first counts, whatever the type; and NaN stays."""
    x = np.array([[3, 3], [1, 3]], np.float32)[None, :, :, None]
    for dtype in ("float32", "mixed_bfloat16"):
        pooled, places = MaxPoolPlaces(dtype=dtype)(np.concatenate([x, 0 * x], 3))
        assert np.array(places, np.float32)[0, 0, 0].T.tolist() == [[1, 0, 0, 0]] * 2
        assert np.array(pooled, np.float32).ravel().tolist() == [3, 0]
    assert np.isnan(MaxPoolPlaces()(x + np.nan)[0]).all()


def test_unpooling_puts_maxima_back():
    x = np.random.default_rng(1).normal(size=(1, 5, 4, 2)).astype("float32")
    x[0, 0, 0, 0] = x[0, 0, 1, 0] = 9.0
    pooled, places = MaxPoolPlaces()(x)
    back = np.array(MaxUnpool()((pooled, places, x)))
    # One of each four, of equal ones the first; of the odd row both count.
    assert back.shape == x.shape and back[0, 0, 0, 0] == 9.0 and back[0, 0, 1, 0] == 0
    assert ((back == x) | (back == 0)).all()
    for channel in range(2):
        kept = np.count_nonzero(back[0, :4, :, channel])
        assert kept == 4
    np.testing.assert_array_equal(
        np.array(pooled)[0, :2], x[0, :4].reshape(2, 2, 2, 2, 2).max((1, 3))
    )


@pytest.mark.parametrize(
    ("preset", "classes"), cases(list(FULL), ("deeplab_resnet50",))
)
def test_parameters_are_the_published_ones(preset, classes):
    model = segmentation_network(preset, num_classes=classes, load_weights=False)
    count = sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    if preset == "unet_paper":
        # The paper's pictures have one channel.
        count -= 2 * 64 * 9
    assert count == FULL[preset, classes]
    keras.backend.clear_session()


def test_presets_are_of_one_class():
    names = [name for kind in SERIES for name in kind.architectures]
    assert len(set(names)) == len(names) and all(map(is_architecture, names))
    assert set(hrnet_tf.UNetSegmenter.presets) == {"unet", "unet_small", "unet_paper"}


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("FCNSegmenter", {"stride": 4}, "stride=4"),
        ("DeepLabSegmenter", {"stride": 32}, "stride=32"),
        ("SegNetSegmenter", {"counts": (1,)}, r"counts=\(1,\)"),
        ("UNetSegmenter", {"filters": 0}, "filters=0"),
        ("EncoderDecoderSegmenter", {"encoder": "lenet5"}, "encoder='lenet5'"),
        ("UNetSegmenter", {"interpolation": "nearest"}, "interpolation='nearest'"),
        (
            "UNetSegmenter",
            {"label_set": load_label_set("camvid").to_dict()},
            "names 11 classes, which contradicts num_classes=3",
        ),
    ],
)
def test_errors_say_what_arrived(name, arguments, text):
    with pytest.raises(ValueError, match=text):
        make(name, **arguments)
