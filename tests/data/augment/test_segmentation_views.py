"""Random crops of images and label maps, against resizing the whole image."""

import numpy as np
import pytest
import tensorflow as tf

from hrnet_tf.data.augment.segmentation import (
    SegmentationAugmentation,
    random_view,
    sample,
)

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (37, 53, 3)).astype(np.uint8)
LABELS = RNG.integers(0, 6, (37, 53)).astype(np.uint8)
TABLE = np.full(256, 255, np.uint8)
TABLE[:6] = (0, 2, 1, 3, 4, 5)
STILL = {"min_scale": 1.0, "max_scale": 1.0, "flip_probability": 0.0}


def view(seed, crop_size=(16, 24), image=IMAGE, labels=LABELS, **changes):
    augmentation = SegmentationAugmentation(**{"base_size": 53, **changes})
    seed = tf.constant([seed, 0], tf.int64)
    crop, cut = random_view(image, labels, seed, crop_size, augmentation, TABLE)
    return crop.numpy(), cut.numpy()


@pytest.mark.parametrize("size", [(37, 53), (61, 90), (20, 31), (74, 40)])
@pytest.mark.parametrize("offset", [(0, 0), (3, 7)])
def test_a_crop_is_that_of_the_resized_image(size, offset):
    crop_size = (17, 24)
    whole = tf.image.resize(IMAGE, size, "bilinear").numpy()
    names = tf.image.resize(LABELS[..., None], size, "nearest").numpy()[..., 0]
    crop, labels = sample(
        tf.constant(IMAGE), tf.constant(LABELS), size, offset, crop_size
    )
    area = tuple(slice(o, o + s) for o, s in zip(offset, crop_size, strict=True))
    np.testing.assert_allclose(crop, whole[area], atol=2e-3)
    np.testing.assert_array_equal(labels, names[area])


def test_still_views_are_parts_of_the_image():
    places = set()
    for seed in range(12):
        crop, labels = view(seed, **STILL)
        found = [
            (y, x)
            for y in range(37 - 15)
            for x in range(53 - 23)
            if (IMAGE[y : y + 16, x : x + 24] == crop).all()
        ]
        assert len(found) == 1
        ((y, x),) = found
        np.testing.assert_array_equal(labels, LABELS[y : y + 16, x : x + 24])
        places.add((y, x))
    assert len(places) > 8
    again, _ = view(3, **STILL)
    np.testing.assert_array_equal(again, view(3, **STILL)[0])


def test_small_images_are_padded_at_the_end():
    crop, labels = view(0, crop_size=(48, 64), **STILL)
    np.testing.assert_array_equal(crop[:37, :53], IMAGE)
    np.testing.assert_array_equal(labels[:37, :53], LABELS)
    assert (crop[37:] == 0).all() and (crop[:, 53:] == 0).all()
    assert (labels[37:] == 255).all() and (labels[:, 53:] == 255).all()


def test_mirroring_swaps_the_pairs_of_classes():
    crop, labels = view(0, (37, 53), **{**STILL, "flip_probability": 1.0})
    np.testing.assert_array_equal(crop, IMAGE[:, ::-1])
    np.testing.assert_array_equal(labels, TABLE[LABELS[:, ::-1]])


def test_scales_are_steps_of_a_tenth_of_the_longer_side():
    widths = set()
    for seed in range(60):
        _, labels = view(seed, (200, 200), min_scale=0.5, max_scale=2.1, base_size=50)
        rows, columns = ((labels != 255).any(axis) for axis in (1, 0))
        widths.add(int(columns.sum()))
        assert abs(rows.sum() - columns.sum() * 37 / 53) <= 0.51
    assert widths <= {round(50 * (5 + i) / 10) for i in range(17)}
    assert len(widths) > 12


def test_images_can_be_warped_to_one_size_first():
    # LIP's rule: the longer side is that of the warped image.
    _, labels = view(0, (90, 90), resize_to=(40, 40), base_size=40, **STILL)
    assert (labels != 255).sum() == 40 * 40
    assert (labels[:40, :40] != 255).all()


def test_brightness_and_contrast_change_pixels_but_not_padding():
    changes = {**STILL, "brightness": 0.4, "contrast": 0.4}
    crops = [view(seed, (48, 64), **changes)[0] for seed in range(4)]
    means = [crop[:37, :53].mean() for crop in crops]
    assert np.ptp(means) > 5
    assert all((crop[37:] == 0).all() for crop in crops)


LUMA = np.array([0.299, 0.587, 0.114])


def test_saturation_and_hue_change_colours_but_neither_brightness_nor_padding():
    # Colours so dull that no channel leaves its range.
    image = (96 + np.random.default_rng(0).integers(0, 64, (37, 53, 3))).astype("uint8")
    labels = np.zeros((37, 53), "uint8")
    plain, _ = view(0, (48, 64), image=image, labels=labels, **STILL)
    for changes in ({"saturation": 0.9}, {"hue": 90.0}):
        crops = [
            view(seed, (48, 64), image=image, labels=labels, **{**STILL, **changes})[0]
            for seed in range(4)
        ]
        for crop in crops:
            assert abs(crop[:37, :53].astype(float) - plain[:37, :53]).max() > 3
            np.testing.assert_allclose(crop @ LUMA, plain @ LUMA, atol=1.01)
            assert (crop[37:] == 0).all()


def test_hue_turns_red_towards_its_neighbours_and_leaves_grey_alone():
    red, grey = np.array([150, 110, 110]), np.array([120, 120, 120])
    image = np.tile(np.stack([red, grey]).astype("uint8"), (8, 8, 1))
    labels = np.zeros(image.shape[:2], "uint8")
    changes = {**STILL, "base_size": 16, "hue": 60.0}
    for seed in range(4):
        crop, _ = view(seed, (8, 16), image=image, labels=labels, **changes)
        assert crop[0, 0, 0] > crop[0, 0].min() + 10
        np.testing.assert_array_equal(crop[:, 1::2], 120)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"base_size": 0}, "base_size=0"),
        ({"min_scale": 2.0, "max_scale": 1.0}, "min_scale=2.0"),
        ({"flip_probability": 1.5}, "flip_probability=1.5"),
        ({"brightness": 1.0}, "brightness=1.0"),
        ({"saturation": 1.0}, "saturation=1.0"),
        ({"hue": 181.0}, "hue=181.0"),
    ],
)
def test_refuses_what_is_out_of_range(changes, text):
    with pytest.raises(ValueError, match=text):
        SegmentationAugmentation(**changes)
