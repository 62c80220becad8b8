"""Maps of several scales and mirrored images, against the official code."""

import json

import numpy as np
import pytest
import tensorflow as tf
from bottom_up_inputs import network_outputs, picture

from hrnet_tf.data.keypoint_sets import load_keypoint_set
from hrnet_tf.data.tags.aggregation import aggregate, merge_stages, unmirror
from hrnet_tf.tasks.bottom_up.views import image_matrix, invert, resample, view_size

NAMES = (
    "aggregation_1_single",
    "aggregation_2_single_projected",
    "aggregation_3_flip",
    "aggregation_4_multi_scale_flip",
    "aggregation_5_multi_scale_not_projected",
    "aggregation_6_crowdpose",
)


def keypoint_set(count):
    return load_keypoint_set("coco" if count == 17 else "crowdpose")


@pytest.mark.parametrize("name", NAMES)
def test_maps_are_the_official_ones(golden, name):
    facts = json.loads((golden / "bottom_up" / f"{name}.json").read_text())
    wanted = np.load(golden / "bottom_up" / f"{name}.npz")
    count = facts["channels"][1]
    scales = sorted(facts["SCALE_FACTOR"], reverse=True)
    least, side = min(scales), facts["INPUT_SIZE"]
    image_size = tf.constant(facts["image_hw"])
    image = picture(facts["seed"], *facts["image_hw"])
    calls, number = [], 0
    for scale, told in zip(scales, facts["scales"], strict=True):
        size = view_size(image_size, side, scale, least)
        assert size.numpy().tolist() == told["input_hw"]
        view = resample(image[None], size)[0].numpy()[::4, ::4].astype(int)
        assert np.abs(view - wanted[f"input_{scale:g}"]).max() <= 1
        found = []
        for mirrored in range(1 + facts["FLIP_TEST"]):
            quarter, half = network_outputs(
                facts["seed"], number, facts["channels"], *told["input_hw"]
            )
            number += 1
            outputs = {
                "heatmaps_quarter": quarter[..., :count],
                "tags": quarter[..., count:],
                "heatmaps_half": half,
            }
            pair = merge_stages(outputs)
            if mirrored:
                indices = keypoint_set(count).flip_indices
                pair = [unmirror(x, indices) for x in pair]
            found.append(pair)
        calls.append(found)
    base = view_size(image_size, side, 1.0, least)
    maps = aggregate(calls, scales, base if facts["PROJECT2IMAGE"] else None)
    heatmaps = np.moveaxis(maps.heatmaps.numpy()[0], -1, 0)
    tags = np.moveaxis(maps.tags.numpy()[0], 2, 0)
    kept, stride = facts["kept_channels"], facts["stride"]
    np.testing.assert_allclose(
        heatmaps[kept][:, ::stride, ::stride], wanted["heat"], atol=1e-5
    )
    np.testing.assert_allclose(
        tags[kept][:, ::stride, ::stride], wanted["tags"], atol=1e-5
    )
    matrix = invert(image_matrix(image_size, tf.constant(heatmaps.shape[1:]))).numpy()
    points = wanted["points_in_map"][..., :2] @ matrix[:, :2].T + matrix[:, 2]
    np.testing.assert_allclose(points, wanted["points_in_image"][..., :2], atol=1e-4)


@pytest.mark.parametrize(
    ("side", "scales"),
    [(96, (1.0,)), (192, (0.5, 1.0, 2.0)), (640, (0.5, 1.0, 2.0)), (64, (1.0, 1.5))],
)
@pytest.mark.parametrize("image_size", [(100, 150), (150, 100), (99, 99)])
def test_the_shorter_side_is_what_is_asked_for(side, scales, image_size):
    for scale in scales:
        size = view_size(tf.constant(image_size), side, scale, min(scales)).numpy()
        assert min(size) == side * scale and not (size % 32).any()


def test_sides_that_networks_do_not_take_are_rounded_up_as_officially():
    image_size = tf.constant((100, 100))
    # 48 at the least scale.
    sizes = [view_size(image_size, 96, scale, 0.5).numpy() for scale in (0.5, 1.0)]
    assert [size.tolist() for size in sizes] == [[64, 64], [128, 128]]
