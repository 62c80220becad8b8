"""Targets and masks of whole images, against the official code."""

import json

import numpy as np
import pytest
import tensorflow as tf
from bottom_up_inputs import picture

from hrnet_tf.data.augment.affine import warp
from hrnet_tf.data.augment.people import (
    PeopleAugmentation,
    View,
    draw_view,
    mirrored_matrix,
    view_matrix,
)
from hrnet_tf.data.keypoint_sets import load_keypoint_set
from hrnet_tf.data.tags.targets import draw_people, tag_cells
from hrnet_tf.tasks.bottom_up.stream import view_targets

NAMES = (
    "targets_1_plain",
    "targets_2_augmented",
    "targets_3_flip",
    "targets_5_center",
    "targets_6_crowdpose_long",
)
NORM = np.float32([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])


def read(golden, name):
    facts = json.loads((golden / "bottom_up" / f"{name}.json").read_text())
    return facts, np.load(golden / "bottom_up" / f"{name}.npz")


def unpacked(bits, size):
    return np.unpackbits(bits)[: size[0] * size[1]].reshape(size)


def official_cells(index, side, count):
    """What `tag_cells` gives, of the official list of a person's keypoints."""
    cells = np.full(index.shape[:2], -1)
    for person, slot in zip(*np.nonzero(index[..., 1]), strict=True):
        joint, place = divmod(index[person, slot, 0], side * side)
        cells[person, joint] = place * count + joint
    return cells


@pytest.mark.parametrize("name", NAMES)
def test_views_targets_and_masks_are_the_official_ones(golden, name):
    facts, wanted = read(golden, name)
    told, size = facts["augmentation"], facts["image_hw"]
    count = wanted["joints_before"].shape[1]
    indices = load_keypoint_set("crowdpose" if count == 14 else "coco").flip_indices
    if facts["WITH_CENTER"]:
        # One point more, which lies in the middle of the others.
        indices = (*indices, 17)
    numbers = (told["center"], told["scale"] * 200, told["rotation"])
    view = View(*(tf.constant(x, tf.float64) for x in numbers), told["flipped"])
    learnt = tf.constant(255 * unpacked(wanted["mask_before"], size), tf.uint8)
    keypoints = tf.constant(wanted["joints_before"], tf.float64)
    for number, side in enumerate(facts["OUTPUT_SIZE"]):
        np.testing.assert_allclose(
            view_matrix(view, side), wanted[f"matrix_{number}"], atol=1e-9
        )
        heatmaps, mask, points, seen = view_targets(
            keypoints, learnt, view, side, 2.0, indices
        )
        drawn = np.moveaxis(heatmaps.numpy(), -1, 0)[:: 4 if number else 1]
        np.testing.assert_allclose(drawn, wanted[f"heat_{number}"], atol=1e-6)
        cells = tag_cells(points, seen, (side, side))
        official = official_cells(wanted[f"index_{number}"], side, count)
        np.testing.assert_array_equal(cells, official)
        other = mask.numpy() != unpacked(wanted[f"mask_{number}"], (side, side))
        assert other.sum() <= 4
    matrix = mirrored_matrix(view_matrix(view, 256), 256, view.flip)
    image = warp(
        tf.constant(picture(facts["seed"], *size)),
        tf.cast(matrix, tf.float32),
        (256, 256),
    )
    normalized = (image.numpy() / 255 - NORM[0]) / NORM[1]
    difference = np.moveaxis(normalized, -1, 0)[:, ::8, ::8] - wanted["input"]
    assert np.abs(difference).max() < 1.5 / (255 * 0.224)


def test_people_may_have_gaussians_of_their_own_width(golden):
    _, wanted = read(golden, "targets_4_scale_aware")
    for number, side in enumerate((64, 128)):
        joints = wanted[f"joints_{number}"]
        drawn = draw_people(
            tf.constant(joints[..., :2]),
            tf.constant(joints[..., 2] > 0),
            (side, side),
            tf.constant(joints[:, 0, 3]),
        )
        drawn = np.moveaxis(drawn.numpy(), -1, 0)[:: 4 if number else 1]
        np.testing.assert_allclose(drawn, wanted[f"heat_{number}"], atol=1e-6)


@pytest.mark.parametrize("stride", [2, 4])
def test_targets_of_mirrored_pixels_are_mirror_images(stride):
    side, indices = 64, load_keypoint_set("coco").flip_indices
    places = np.random.default_rng(0).integers(0, side, (3, 17, 2))
    keypoints = tf.constant(np.insert(places, 2, 2, -1), tf.float64)
    learnt = tf.fill((side, side), tf.constant(255, tf.uint8))
    numbers = ([side / 2, side / 2], side, 0)
    found = {}
    for flip in (False, True):
        view = View(*(tf.constant(x, tf.float64) for x in numbers), flip)
        for mirrors in (1, stride):
            targets = view_targets(
                keypoints, learnt, view, side // stride, 1.5, indices, mirrors
            )
            found[flip, mirrors] = targets[0].numpy()
    plain = found[False, 1]
    np.testing.assert_array_equal(found[False, stride], plain)
    turned = plain[:, ::-1][..., list(indices)]
    np.testing.assert_array_equal(found[True, stride], turned)
    # Officially points move among the cells, not among the pixels.
    assert np.abs(found[True, 1] - turned).max() > 0.1


@pytest.mark.parametrize("sigma", [1.0, 1.5, 2.0, 2.5, 2.7])
def test_gaussians_of_any_width_stand_on_their_cells(sigma):
    points = tf.constant([[[x + 0.5, 41.7 - x] for x in range(17, 23)]], tf.float64)
    visible = tf.ones((1, 6), tf.bool)
    sigmas = tf.constant([sigma], tf.float64)
    maps = draw_people(points, visible, (40, 40), sigmas).numpy()
    for k, x in enumerate(range(17, 23)):
        assert maps[41 - x, x, k] == 1
        rolled = np.roll(maps[..., 0], (-k, k), (0, 1))
        np.testing.assert_array_equal(maps[..., k], rolled)
    assert maps[24 - int(3 * sigma) - 1, 17, 0] > 0
    assert maps[24 - int(3 * sigma) - 2, 17, 0] == 0


def test_views_are_drawn_within_their_ranges_and_again_the_same():
    kind = PeopleAugmentation()
    views = [draw_view((300, 400), (7, i), kind) for i in range(40)]
    extents = np.array([view.extent for view in views])
    assert extents.min() >= 225 and extents.max() <= 450 and np.ptp(extents) > 100
    assert max(abs(float(view.rotation)) for view in views) <= 30
    moved = np.array([view.center - [200, 150] for view in views])
    assert (moved == np.round(moved)).all() and np.abs(moved).max() <= 90
    assert {bool(view.flip) for view in views} == {True, False}
    again = draw_view((300, 400), (7, 3), kind)
    np.testing.assert_array_equal(again.center, views[3].center)
    with pytest.raises(ValueError, match="side must be one of.*'middle'"):
        PeopleAugmentation(side="middle")
    with pytest.raises(ValueError, match="mirrors must be one of.*'points'"):
        PeopleAugmentation(mirrors="points")
    with pytest.raises(ValueError, match="positive factors.*2.0, 1.0"):
        PeopleAugmentation(scale=(2.0, 1.0))
