"""Which points learn which object, and what their predictions cost."""

import detection_cases as cases
import numpy as np
import pytest

from hrnet_tf.losses.detection.labels import read_labels
from hrnet_tf.losses.detection.points import (
    PointTargets,
    box_costs,
    focal_sum,
    point_losses,
    point_ranges,
    point_targets,
)
from hrnet_tf.losses.detection.rules import PointRule, point_rule

RANGES = ((-1.0, 16.0), (16.0, 1e8))
# A large object, and a small one within it.
LABELS = {
    "boxes": np.float32([[[0, 0, 64, 64], [4, 4, 28, 20], [0, 0, 0, 0]]]),
    "classes": np.int32([[3, 1, -1]]),
    "crowd": np.zeros((1, 3), bool),
    "image_sizes": np.float32([cases.IMAGE_SIZE]),
}


def targets(rule, labels=LABELS, ranges=RANGES):
    """Maps of classes, distances and centreness of two levels."""
    points, strides, shapes = [], [], []
    for stride in cases.STRIDES:
        rows, columns = (side // stride for side in cases.IMAGE_SIZE)
        y, x = np.mgrid[:rows, :columns] * stride + stride / 2
        points.append(np.stack([x, y], -1).reshape(-1, 2))
        strides.append(np.full(rows * columns, stride))
        shapes.append((rows, columns))
    found = point_targets(
        np.float32(np.concatenate(points)),
        np.repeat(np.float32(ranges), [len(x) for x in points], axis=0),
        np.float32(np.concatenate(strides)),
        read_labels(labels),
        rule,
    )
    split = [len(points[0])]
    return [
        [
            part.reshape(*shape, *part.shape[1:])
            for part, shape in zip(
                np.split(np.asarray(x)[0], split), shapes, strict=True
            )
        ]
        for x in found
    ]


class TestTargets:
    def test_levels_and_the_smaller_object(self):
        classes, distances, centerness = targets(PointRule())
        # The small one's points whose sides are at most 16 away.
        x = np.arange(12) * 8 + 4.0
        y = np.arange(8) * 8 + 4.0
        sides = np.stack(
            np.broadcast_arrays(
                x[None] - 4, y[:, None] - 4, 28 - x[None], 20 - y[:, None]
            ),
            -1,
        )
        own = (sides.min(-1) > 0) & (sides.max(-1) <= 16)
        np.testing.assert_array_equal(classes[0], np.where(own, 1, -1))
        assert own.sum() == 2
        np.testing.assert_allclose(distances[0][own], sides[own])
        # Within the small one two coarse points have a side more than 16 away.
        assert classes[1][:4, :4].tolist() == [[1, 1, 3, 3]] + [[3] * 4] * 3
        assert (classes[1][:, 4:] == -1).all()
        np.testing.assert_allclose(distances[1][3, 3], [56, 56, 8, 8])
        expected = np.sqrt((8 / 56) * (8 / 56))
        np.testing.assert_allclose(centerness[1][3, 3], expected, rtol=1e-6)

    def test_near_the_centre_alone(self):
        rule = PointRule(center_radius=1.5)
        classes = targets(rule, ranges=((-1.0, 1e8), (1e8, 1e9)))[0][0]
        # Within 12 pixels of (32, 32) and of (16, 12).
        large = np.zeros((8, 12), bool)
        large[3:5, 3:5] = True
        np.testing.assert_array_equal(classes == 3, large)
        small = np.zeros((8, 12), bool)
        small[1, 1:3] = True
        assert (classes == 1)[small].all()

    def test_nothing_there(self):
        labels = {**LABELS, "classes": np.int32([[-1, -1, -1]])}
        classes, _, centerness = targets(PointRule(), labels)
        assert all((x == -1).all() for x in classes)
        assert all((x == 0).all() for x in centerness)


def test_ranges_are_the_published_ones():
    found = point_ranges((8, 16, 32, 64, 128), 8.0)
    limits = [-1, 64, 128, 256, 512, 1e8]
    assert found == list(zip(limits, limits[1:], strict=False))
    assert point_ranges((4, 8), 8.0) == [(-1, 32), (32, 1e8)]


class TestLosses:
    def test_focal(self):
        logits = np.float32([[[0.0, 2.0], [-1.0, 90.0]]])
        classes = np.int32([[1, -1]])
        p = 1 / (1 + np.exp(-logits.astype(float)))
        expected = (
            0.75 * p[0, 0, 0] ** 2 * -np.log(1 - p[0, 0, 0])
            + 0.25 * (1 - p[0, 0, 1]) ** 2 * -np.log(p[0, 0, 1])
            + 0.75 * p[0, 1, 0] ** 2 * -np.log(1 - p[0, 1, 0])
            + 0.75 * 90
        )
        np.testing.assert_allclose(
            focal_sum(logits, classes, 0.25, 2.0), expected, rtol=1e-6
        )

    @pytest.mark.parametrize(
        "kind, expected",
        [
            ("iou", -np.log(16 / 48)),
            ("smoothed_iou", -np.log(17 / 49)),
            ("giou", 1 - 1 / 3 + (64 - 48) / 64),
        ],
    )
    def test_boxes(self, kind, expected):
        # 4x8 and 8x4 around a point.
        one, other = np.float32([2, 4, 2, 4]), np.float32([4, 2, 4, 2])
        np.testing.assert_allclose(box_costs(one, other, kind), expected, rtol=1e-6)

    def test_divisors(self):
        rng = np.random.default_rng(0)
        rule = PointRule()
        classes, distances, centerness = (
            np.concatenate([x.reshape(-1, *x.shape[2:]) for x in levels])[None]
            for levels in targets(rule)
        )
        number = (classes >= 0).sum()
        logits = rng.normal(size=(*classes.shape, 4)).astype(np.float32)
        found = distances * 1.5 + 1
        wanted = PointTargets(classes, distances, centerness)
        nearness = logits[..., 0]
        parts = point_losses(logits, found, nearness, wanted, rule)
        assert float(parts["class_loss"].weight) == number
        assert float(parts["centerness_loss"].weight) == number
        # Each box counts by its centreness.
        costs = np.asarray(box_costs(found, distances, "iou"))[classes >= 0]
        weights = centerness[classes >= 0]
        np.testing.assert_allclose(
            cases.means(parts)["box_loss"],
            np.average(costs, weights=weights),
            rtol=1e-5,
        )
        official = point_losses(logits, found, nearness, wanted, point_rule("official"))
        assert float(official["class_loss"].weight) == number + 1

    def test_says_which_loss_there_is_none_of(self):
        with pytest.raises(ValueError, match="iou, smoothed_iou, giou.*'ciou'"):
            PointRule(box_loss="ciou")
