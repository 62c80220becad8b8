"""Random and centre crops against Pillow and torchvision's rules."""

import io
import math

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from slow_params import cases

from hrnet_tf.data.augment import classification as crops
from hrnet_tf.io import decode_image

PLAIN = crops.ClassificationAugmentation(flip_probability=0.0)


def noise_image(height, width, seed=0):
    """Smooth noise: bilinear resizing of sharp noise would hide nothing, but little."""
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 4, width // 4, 3))
    image = Image.fromarray(coarse.astype("uint8"))
    return image.resize((width, height), Image.Resampling.BICUBIC)


def encode(image, format="JPEG", **options):
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def torchvision_center_crop(image, side, crop_fraction):
    """Resize of the shorter side and CenterCrop, as torchvision computes them."""
    shorter = math.floor(side / crop_fraction)
    width, height = image.size
    if width <= height:
        size = shorter, int(shorter * height / width)
    else:
        size = int(shorter * width / height), shorter
    resized = image.resize(size, Image.Resampling.BILINEAR)
    left, top = round((size[0] - side) / 2), round((size[1] - side) / 2)
    return np.asarray(resized.crop((left, top, left + side, top + side)))


@pytest.mark.parametrize(
    "size, side, crop_fraction",
    [
        ((150, 210), 96, 0.875),
        ((211, 149), 96, 0.95),
        ((100, 100), 96, 1.0),
        ((60, 40), 96, 0.875),
        ((331, 500), 64, 0.875),
    ],
)
def test_center_crop_is_torchvisions(size, side, crop_fraction):
    image = noise_image(*size)
    found = crops.center_crop(np.asarray(image), (side, side), crop_fraction).numpy()
    expected = torchvision_center_crop(image, side, crop_fraction)
    difference = np.abs(found.astype(int) - expected)
    # Pillow rounds between its two passes.
    assert difference.max() <= 1
    assert np.mean(difference > 0) < 0.3


def test_center_crop_of_another_shape_than_a_square():
    image = np.asarray(noise_image(120, 160))
    found = crops.center_crop(image, (64, 128), 1.0).numpy()
    resized = Image.fromarray(image).resize((128, 96), Image.Resampling.BILINEAR)
    assert np.abs(found.astype(int) - np.asarray(resized)[16:80]).max() <= 1


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
def test_jpegs_of_all_colour_spaces_become_rgb(mode):
    encoded = encode(noise_image(40, 60).convert(mode))
    expected = np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))
    found = decode_image(encoded).numpy()
    assert np.abs(found.astype(int) - expected).max() <= (2 if mode == "CMYK" else 0)


def window_by_torchvision(height, width, draws, place, augmentation):
    """RandomResizedCrop.get_params on given draws."""
    low, high = augmentation.aspect
    area = height * width
    for share, ratio in draws.T:
        target = area * (
            augmentation.area[0] + (augmentation.area[1] - augmentation.area[0]) * share
        )
        aspect = math.exp(math.log(low) + (math.log(high) - math.log(low)) * ratio)
        w = round(math.sqrt(target * aspect))
        h = round(math.sqrt(target / aspect))
        if 0 < w <= width and 0 < h <= height:
            top = math.floor(place[0] * (height - h + 1))
            return top, math.floor(place[1] * (width - w + 1)), h, w
    w, h = width, height
    if width / height < low:
        h = round(width / low)
    elif width / height > high:
        w = round(height * high)
    return (height - h) // 2, (width - w) // 2, h, w


@pytest.mark.parametrize("size", [(100, 100), (375, 500), (30, 400), (400, 30)])
def test_random_window_is_torchvisions(size):
    run = tf.function(lambda seed: crops.random_window(tf.constant(size), seed, PLAIN))
    for number in range(30):
        seed = tf.constant([7, number], tf.int64)
        draws = tf.random.stateless_uniform([2, 10], seed, dtype=tf.float64).numpy()
        place = tf.random.stateless_uniform(
            [2], crops.stream(seed, 1), dtype=tf.float64
        ).numpy()
        expected = window_by_torchvision(*size, draws, place, PLAIN)
        assert tuple(run(seed).numpy()) == expected


def test_extreme_shapes_fall_back_to_the_centre():
    for size, expected in (
        ((20, 2000), (0, 986, 20, 27)),
        ((2000, 20), (986, 0, 27, 20)),
    ):
        window = crops.random_window(
            tf.constant(size), tf.constant([0, 1], tf.int64), PLAIN
        )
        assert tuple(window.numpy()) == expected


def test_areas_are_distributed_as_torchvisions():
    @tf.function
    def area(number):
        seed = tf.stack([tf.constant(1, tf.int64), number])
        window = crops.random_window(tf.constant([500, 500]), seed, PLAIN)
        return tf.cast(window[2] * window[3], tf.float32) / 250_000

    data = tf.data.Dataset.range(2000).map(area)
    areas = np.array(list(data.as_numpy_iterator()))
    rng = np.random.default_rng(0)
    windows = [
        window_by_torchvision(
            500, 500, rng.uniform(size=(2, 10)), rng.uniform(size=2), PLAIN
        )
        for _ in range(2000)
    ]
    expected = np.array([height * width for _, _, height, width in windows]) / 250_000
    quantiles = np.linspace(0, 1, 11)
    np.testing.assert_allclose(
        np.quantile(areas, quantiles), np.quantile(expected, quantiles), atol=0.04
    )


@pytest.mark.parametrize("subsampling", cases([0, 1, 2], quick=[2]))
def test_windows_of_jpegs_are_those_of_the_whole_image(subsampling):
    """Chroma of half the resolution is not cut off at the window's border."""
    encoded = encode(noise_image(61, 83), subsampling=subsampling)
    whole = Image.open(io.BytesIO(encoded))
    run = tf.function(lambda seed: crops.random_crop(encoded, (64, 64), seed, PLAIN))
    for number in range(25):
        seed = tf.constant([3, number], tf.int64)
        top, left, height, width = crops.random_window(
            tf.constant([61, 83]), seed, PLAIN
        ).numpy()
        box = (left, top, left + width, top + height)
        expected = whole.crop(box).resize((64, 64), Image.Resampling.BILINEAR)
        found = run(seed).numpy().astype(int)
        assert np.abs(found - np.asarray(expected)).max() <= 1


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_random_crop_is_a_resized_window(format):
    image = noise_image(90, 130)
    encoded = encode(image, format)
    decoded = Image.open(io.BytesIO(encoded))
    seed = tf.constant([3, 4], tf.int64)
    top, left, height, width = crops.random_window(
        tf.constant([90, 130]), seed, PLAIN
    ).numpy()
    box = (left, top, left + width, top + height)
    expected = decoded.crop(box).resize((64, 48), Image.Resampling.BILINEAR)
    run = tf.function(lambda e: crops.random_crop(e, (48, 64), seed, PLAIN))
    found = run(encoded).numpy()
    assert found.dtype == np.uint8
    assert np.abs(found.astype(int) - np.asarray(expected)).max() <= 1


def test_mirrored_crop():
    encoded, seed = encode(noise_image(64, 64)), tf.constant([3, 4], tf.int64)
    plain = crops.random_crop(encoded, (32, 32), seed, PLAIN).numpy()
    always = crops.ClassificationAugmentation(flip_probability=1.0)
    mirrored = crops.random_crop(encoded, (32, 32), seed, always).numpy()
    np.testing.assert_array_equal(mirrored, plain[:, ::-1])


def test_all_variations_depend_on_the_seed_alone():
    encoded = encode(noise_image(64, 64))
    strong = crops.ClassificationAugmentation(
        rotation=30, brightness=0.3, contrast=0.3, rand_augment=2
    )
    first, again, other = (
        crops.random_crop(encoded, (32, 32), tf.constant(seed, tf.int64), strong)
        for seed in ([1, 2], [1, 2], [1, 3])
    )
    np.testing.assert_array_equal(first, again)
    assert np.mean(first != other) > 0.5


def test_rotation_reflects_the_border():
    white = encode(Image.new("RGB", (64, 64), (200, 200, 200)), "PNG")
    turned = crops.ClassificationAugmentation(rotation=45)
    for number in range(5):
        seed = tf.constant([0, number], tf.int64)
        crop = crops.random_crop(white, (32, 32), seed, turned).numpy()
        assert crop.min() == crop.max() == 200


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"area": (0.5, 0.2)}, r"area must be .*Received: area=\(0.5, 0.2\)"),
        ({"area": (0.5, 2.0)}, "area must be .* <= 1"),
        ({"aspect": (0, 1)}, "aspect must be"),
        ({"magnitude": 31}, r"magnitude must lie in 0\.\.30. Received: magnitude=31"),
        ({"label_smoothing": 1}, "label_smoothing must lie in 0..0.99"),
        ({"mixup": -1}, "mixup must lie in"),
    ],
)
def test_bad_settings(arguments, message):
    with pytest.raises(ValueError, match=message):
        crops.ClassificationAugmentation(**arguments)
