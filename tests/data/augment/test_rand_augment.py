"""RandAugment's operations against Pillow, and its draws."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageEnhance, ImageOps
from scipy.ndimage import binary_erosion

from hrnet_tf.data.augment import rand_augment as module

# Names of tf-models-official's function and ours, and the arguments of both.
PIXEL_OPERATIONS = {
    "color": ("grey", (0.0,), ()),
    "sharpness": ("smooth", (0.0,), ()),
    "posterize": ("posterize", (6,), (6,)),
    "solarize": ("solarize", (100,), (100,)),
    "autocontrast": ("autocontrast", (), ()),
    "equalize": ("equalize", (), ()),
}


@pytest.fixture(scope="module")
def image():
    coarse = np.random.default_rng(0).integers(20, 230, (8, 10, 3)).astype("uint8")
    image = Image.fromarray(coarse).resize((40, 32), Image.Resampling.BICUBIC)
    # Even at magnitude 0 solarize inverts what is 255.
    return Image.fromarray(np.clip(np.asarray(image), 5, 250))


def apply(name, image, sign=1.0, magnitude=15):
    pixels = tf.constant(np.asarray(image))
    operation = module.operations(pixels.shape, magnitude)[name]
    return operation(pixels, tf.constant(sign)).numpy().astype(int)


def assert_equal_inside(found, expected, message=None):
    """Compares where no black is near: there Pillow does not blend the border."""
    expected = np.asarray(expected).astype(int)
    inside = binary_erosion(expected.min(-1) > 0, iterations=2)
    assert inside.mean() > 0.4
    assert np.abs(found - expected).max(-1)[inside].max() <= 2, message


@pytest.mark.parametrize(
    "name, enhance",
    [
        ("brightness", ImageEnhance.Brightness),
        ("color", ImageEnhance.Color),
        ("contrast", ImageEnhance.Contrast),
        ("sharpness", ImageEnhance.Sharpness),
    ],
)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_enhancements_are_pillows(image, name, enhance, sign):
    expected = np.asarray(enhance(image).enhance(1 + sign * 0.45)).astype(int)
    assert np.abs(apply(name, image, sign) - expected).max() <= 2


def test_pixel_operations_are_pillows(image):
    expected = {
        "identity": image,
        "posterize": ImageOps.posterize(image, 6),
        "solarize": ImageOps.solarize(image, 128),
        "autocontrast": ImageOps.autocontrast(image),
        "equalize": ImageOps.equalize(image),
    }
    for name, result in expected.items():
        difference = np.abs(apply(name, image) - np.asarray(result).astype(int))
        assert difference.max() <= 1, name


def test_geometry_is_pillows(image):
    bilinear = Image.Resampling.BILINEAR
    width, height = image.size
    level = 15 / 30
    shift = 150 / 331 * level
    affine = {
        "translate_x": (1, 0, shift * width, 0, 1, 0),
        "translate_y": (1, 0, 0, 0, 1, shift * height),
        "shear_x": (1, 0.15, -0.15 * height / 2, 0, 1, 0),
        "shear_y": (1, 0, 0, 0.15, 1, -0.15 * width / 2),
    }
    for name, matrix in affine.items():
        expected = image.transform(
            image.size, Image.Transform.AFFINE, matrix, resample=bilinear
        )
        assert_equal_inside(apply(name, image), expected, name)
    turned = image.rotate(-15, resample=bilinear)
    assert_equal_inside(apply("rotate", image), turned)


def test_the_sign_turns_the_other_way(image):
    for name in ("rotate", "shear_x", "translate_y"):
        there, back = (apply(name, image, sign) for sign in (1.0, -1.0))
        assert np.abs(there - back).max() > 20, name


def test_magnitude_zero_changes_nothing_but_by_the_histogram(image):
    pixels = np.asarray(image)
    for name in module.operations(pixels.shape, 0):
        if name not in ("autocontrast", "equalize"):
            np.testing.assert_array_equal(apply(name, image, 1.0, 0), pixels, name)


def test_draws_reach_every_operation_with_both_signs(image):
    pixels = tf.constant(np.asarray(image))
    expected = {
        apply(name, image, sign, 20).tobytes()
        for name in module.operations(pixels.shape, 20)
        for sign in (1.0, -1.0)
    }

    def run(number):
        seed = tf.stack([tf.constant(5, tf.int64), number])
        return module.rand_augment(pixels, seed, 1, 20)

    data = tf.data.Dataset.range(400).map(run)
    found = [x.astype(int).tobytes() for x in data.as_numpy_iterator()]
    assert set(found) == expected
    again = [x.astype(int).tobytes() for x in data.as_numpy_iterator()]
    assert found == again


def random_images():
    """Images of many and of few values, of one value in a channel, and small ones."""
    rng = np.random.default_rng(7)
    images = [
        rng.integers(0, 256, (40, 36, 3)),
        rng.integers(90, 140, (20, 18, 3)) + [0, 30, 60],
        rng.choice([0, 7, 255], (17, 16, 3)),
        np.clip(rng.normal(200, 60, (24, 20, 3)), 0, 255),
        rng.integers(0, 256, (5, 4, 3)),
    ]
    images[1][..., 2] = 77
    return [image.astype("uint8") for image in images]


def run_ours(name, images):
    """Our operation's results, eager ones, which those of `Dataset.map` must equal."""
    ours, _, arguments = PIXEL_OPERATIONS[name]
    results = []
    for image in images:
        results.append(getattr(module, ours)(tf.constant(image), *arguments).numpy())
        assert results[-1].dtype == np.uint8
        data = tf.data.Dataset.from_tensors(image)
        data = data.map(lambda x: getattr(module, ours)(x, *arguments))
        np.testing.assert_array_equal(next(data.as_numpy_iterator()), results[-1])
    return results


@pytest.mark.parametrize("name", PIXEL_OPERATIONS)
def test_pixel_operations_are_bit_for_bit_those_of_tf_models_official(name, golden):
    """The file holds `random_images` and what release 2.20.0 makes of them.

    Each array is `getattr(official.vision.ops.augment, name)(image, *arguments)`.
    """
    stored = np.load(golden / "augment" / "tf_models_official.npz")
    images = [stored[f"image_{number}"] for number in range(5)]
    for number, found in enumerate(run_ours(name, images)):
        np.testing.assert_array_equal(found, stored[f"{name}_{number}"])


@pytest.mark.parametrize("name", PIXEL_OPERATIONS)
def test_pixel_operations_are_those_of_the_installed_tf_models_official(name):
    augment = pytest.importorskip(
        "official.vision.ops.augment",
        reason="tf-models-official is absent: pip install 'hrnet_tf[official]'",
        exc_type=ImportError,
    )
    _, arguments, _ = PIXEL_OPERATIONS[name]
    images = random_images()
    for image, found in zip(images, run_ours(name, images), strict=True):
        expected = getattr(augment, name)(tf.constant(image), *arguments)
        np.testing.assert_array_equal(found, expected.numpy())
