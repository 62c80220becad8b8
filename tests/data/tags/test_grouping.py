"""Grouping of keypoints, against the official code and by itself."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf
from bottom_up_inputs import grouping_inputs
from slow_params import cases

from hrnet_tf.data.tags.graph_grouping import group_in_graph
from hrnet_tf.data.tags.grouping import GroupingRule, group_people, match_peaks
from hrnet_tf.data.tags.peaks import Peaks, find_peaks, top_peaks
from hrnet_tf.data.tags.refinement import fill_missing

NAMES = (
    "grouping_1_one_person",
    "grouping_2_five_people_flip",
    "grouping_3_twelve_people",
    "grouping_4_close_tags",
    "grouping_5_more_than_limit",
    "grouping_6_crowdpose_options",
    "grouping_7_nobody",
)


def rule_of(settings):
    return GroupingRule(
        max_people=settings["MAX_NUM_PEOPLE"],
        detection_threshold=settings["DETECTION_THRESHOLD"],
        tag_threshold=settings["TAG_THRESHOLD"],
        use_heights=settings["USE_DETECTION_VAL"],
        stop_when_full=settings["IGNORE_TOO_MUCH"],
        kernel=settings["NMS_KERNEL"],
    )


@pytest.mark.parametrize("name", NAMES)
def test_people_are_the_official_ones_to_the_last_bit(golden, name):
    facts = json.loads((golden / "bottom_up" / f"{name}.json").read_text())
    wanted = np.load(golden / "bottom_up" / f"{name}.npz")
    heatmaps, tags = grouping_inputs(**facts["inputs"])
    rule = rule_of(facts["settings"])
    for adjust in (0, 1):
        for refine in (0, 1):
            found = group_people(heatmaps, tags, rule, bool(adjust), bool(refine))
            people = wanted[f"people_adjust{adjust}_refine{refine}"]
            np.testing.assert_array_equal(found.points, people)
            np.testing.assert_array_equal(found.scores, wanted["scores"])
            assert found.num_ties == 0
    # The graph finds the same peaks, where they count.
    top = top_peaks(
        np.moveaxis(heatmaps, 0, -1)[None],
        np.moveaxis(tags, 0, 2)[None],
        rule.max_people,
        rule.kernel,
    )
    counts = wanted["top_values"] > rule.detection_threshold
    for kind, key in (("values", "values"), ("cells", "xy"), ("tags", "tags")):
        found = top[kind].numpy()[0][counts]
        np.testing.assert_array_equal(found, wanted[f"top_{key}"][counts])
    values = top["values"].numpy()[0]
    assert not (values[~counts] > rule.detection_threshold).any()


@pytest.mark.parametrize(
    "name", cases(NAMES, ("grouping_2_five_people_flip", "grouping_5_more_than_limit"))
)
def test_graphs_group_as_arrays_are_grouped(golden, name):
    facts = json.loads((golden / "bottom_up" / f"{name}.json").read_text())
    heatmaps, tags = grouping_inputs(**facts["inputs"])
    rule = rule_of(facts["settings"])
    most = rule.max_people
    wanted = group_people(heatmaps, tags, dataclasses.replace(rule, limit=most))
    order = np.argsort(-wanted.scores, kind="stable")
    maps = np.moveaxis(heatmaps, 0, -1), np.moveaxis(tags, 0, 2)
    top = top_peaks(maps[0][None], maps[1][None], most, rule.kernel)

    @tf.function
    def group():
        parts = (top[key][0] for key in ("values", "cells", "tags"))
        return group_in_graph(*map(tf.constant, maps), *parts, rule)

    found = {key: value.numpy() for key, value in group().items()}
    assert found["points"].shape == (most, *wanted.points.shape[1:2], 3)
    number = len(order)
    np.testing.assert_allclose(found["scores"][:number], wanted.scores[order], 1e-6)
    np.testing.assert_allclose(
        found["points"][:number], wanted.points[order, :, :3], atol=1e-5
    )
    assert not found["points"][number:].any() and not found["scores"][number:].any()


def test_a_limit_keeps_the_surest_people_and_counts_the_others(golden):
    facts = json.loads(
        (golden / "bottom_up" / "grouping_5_more_than_limit.json").read_text()
    )
    maps = grouping_inputs(**facts["inputs"])
    official = group_people(*maps, rule_of(facts["settings"]))
    assert len(official.points) == 35
    limited = group_people(*maps, GroupingRule(max_people=5, limit=5))
    assert len(limited.points) == 5 and limited.num_beyond == 30
    best = np.sort(official.scores)[-5:]
    np.testing.assert_array_equal(np.sort(limited.scores), best)


def peaks_of(tags, heights):
    """Peaks of two keypoints with tags on a line."""
    values = np.float32(heights)
    xy = np.zeros((*values.shape, 2), np.int32)
    xy[..., 0] = np.arange(values.shape[1])
    return Peaks(values, xy, np.float32(tags)[..., None])


def test_ties_go_to_the_first_and_are_counted():
    """Both assignments cost 100 * (0 + 0): the highest peak is the first person's."""
    for tags in ([0.1, 0.3], [0.3, 0.1]):
        peaks = peaks_of([[0.0, 0.4], tags], [[0.9, 0.8], [0.9, 0.2]])
        people, num_ties = match_peaks(peaks, GroupingRule())
        assert num_ties == 1
        np.testing.assert_allclose(people[:, 1, 3], tags)
    # Of peaks of one height the nearest.
    peaks = peaks_of([[0.0, 0.4], [0.3, 0.1]], [[0.9, 0.8], [0.9, 0.9]])
    people, _ = match_peaks(peaks, GroupingRule())
    np.testing.assert_allclose(people[:, 1, 3], [0.1, 0.3])
    # One over the distance 6, or three over 2 each, who then all are new people.
    line = [[0.0, 2.0, 4.0], [2.0, 4.0, 6.0]]
    people, num_ties = match_peaks(peaks_of(line, np.ones((2, 3))), GroupingRule())
    assert num_ties == 1 and len(people) == 4
    far = peaks_of([[0.0, 5.0], [0.1, 5.1]], [[0.9, 0.8], [0.9, 0.8]])
    assert match_peaks(far, GroupingRule())[1] == 0


def test_of_peaks_that_tie_the_higher_one_joins():
    """A person's elbow and what looks like one, whose tag happens to be nearer.

    munkres 1.1.4, with which the official code runs, decides so, too.
    """
    heights = [[0.9, 0.8], [0.9, 0.2]]
    people, num_ties = match_peaks(
        peaks_of([[0.0, 5.0], [0.3, 0.1]], heights), GroupingRule()
    )
    assert num_ties == 1 and len(people) == 3
    np.testing.assert_allclose(people[0, 1, 2:], [0.9, 0.3])
    np.testing.assert_allclose(people[2, 1, 2:], [0.2, 0.1])


def test_graphs_break_ties_as_arrays_do():
    rng = np.random.default_rng(6)
    heatmaps = rng.random((4, 12, 12)).astype(np.float32)
    # Tags within half of each other: all cost the same.
    tags = rng.normal(0, 0.2, (4, 12, 12, 1)).astype(np.float32)
    tags += rng.integers(0, 2, tags.shape) * np.float32(3)
    rule = GroupingRule(max_people=5, limit=5)
    wanted = group_people(heatmaps, tags, rule, refine=False)
    assert wanted.num_ties == 3
    maps = np.moveaxis(heatmaps, 0, -1), np.moveaxis(tags, 0, 2)
    top = top_peaks(maps[0][None], maps[1][None], 5)
    parts = (top[key][0] for key in ("values", "cells", "tags"))
    found = group_in_graph(*map(tf.constant, maps), *parts, rule, refine=False)
    order = np.argsort(-wanted.scores, kind="stable")
    points = wanted.points[order, :, :3]
    np.testing.assert_allclose(found["points"].numpy()[: len(order)], points, atol=1e-5)


def test_missing_points_are_looked_for_on_the_whole_map():
    """What blocks and high cells rule out is what plain search rules out."""
    rng = np.random.default_rng(3)
    heatmaps = rng.normal(0, 0.4, (4, 37, 50)).astype(np.float32)
    heatmaps = np.round(heatmaps, 2)
    tags = rng.normal(0, 2, (4, 37, 50, 2)).astype(np.float32)
    points = np.zeros((3, 4, 5), np.float32)
    points[:, 0] = [[3.5, 4.5, 1, 0, 0], [30.5, 8.5, 1, 0, 0], [49.5, 36.5, 1, 0, 0]]
    found = fill_missing(points, heatmaps, tags)
    for person, before in zip(found, points, strict=True):
        x, y = before[0, :2].astype(int)
        mean = tags[0, y, x]
        for k in (1, 2, 3):
            distances = np.round(((tags[k] - mean) ** 2).sum(-1) ** 0.5)
            y, x = np.unravel_index((heatmaps[k] - distances).argmax(), (37, 50))
            if heatmaps[k, y, x] > 0:
                assert tuple(person[k, :2].astype(int)) == (x, y)
                assert person[k, 2] == heatmaps[k, y, x]
            else:
                assert not person[k].any()
    assert not fill_missing(points[:0], heatmaps, tags).size


def test_peaks_are_the_same_in_dense_and_in_sparse_maps():
    rng = np.random.default_rng(4)
    heatmaps = rng.integers(0, 50, (2, 30, 40)).astype(np.float32) / 50
    tags = rng.normal(size=(2, 30, 40, 1)).astype(np.float32)
    for threshold in (0.1, 0.96):
        found = find_peaks(heatmaps, tags, 20, 3, threshold)
        top = top_peaks(
            np.moveaxis(heatmaps, 0, -1)[None], np.moveaxis(tags, 0, 2)[None], 20, 3
        )
        high = found.values > threshold
        np.testing.assert_array_equal(found.xy[high], top["cells"].numpy()[0][high])


def test_maps_of_two_sizes_are_refused():
    with pytest.raises(ValueError, match=r"of one size.*\(2, 8, 8\).*\(2, 4, 4, 1\)"):
        group_people(np.zeros((2, 8, 8)), np.zeros((2, 4, 4, 1)))
    with pytest.raises(ValueError, match="limit is a number of people.*0"):
        GroupingRule(limit=0)
    with pytest.raises(ValueError, match="odd number of cells.*4"):
        GroupingRule(kernel=4)
