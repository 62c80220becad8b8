"""Peaks of heatmaps -> people: those whose tags are alike belong together.

Reference: arXiv 1611.05424; HigherHRNet-Human-Pose-Estimation, lib/core/group.py.
"""

import dataclasses
from typing import NamedTuple

import numpy as np

from hrnet_tf.data.tags.peaks import Peaks, find_peaks

# From the head and the trunk outwards, which start most people, by COCO's numbers.
JOINT_ORDER = (0, 1, 2, 3, 4, 5, 6, 11, 12, 7, 8, 9, 10, 13, 14, 15, 16)
# What the order of people counts beside rounded distances where ties are free, and
# beside heights; the latter is for distances beside the order, too.
TIE = 1e-3
FINE_TIE = 1e-9


@dataclasses.dataclass(frozen=True)
class GroupingRule:
    """How keypoints become people; the defaults are the official test's.

    Officially the cost of a pair is the distance of the tags, rounded, times 100, minus
    the height of the peak. So several assignments often cost the same: where there are
    no more peaks than people, the heights add the same to all of them. The official
    result then depends on the package that solves them, which begins with the highest
    peak and the person that was begun first. Here, of assignments of the same cost, the
    one is taken with the least sum, over the peaks, of the height times the person's
    place: 0 for who was begun first, and up to 1, which it is for peaks that join
    nobody. So high peaks come to those who have been there longest, who are mostly
    people, and low ones to the single keypoints. Of equal sums the one with the
    smallest sum of unrounded distances is taken.

    Attributes:
        max_people: int. Peaks of each keypoint, and people that peaks are matched with.
            Officially more people than these may come out.
        limit: int or None. The most people that come out, the surest; None: no limit,
            as officially.
        detection_threshold: float. Peaks have to be higher.
        tag_threshold: float. Tags of a person differ by less from its mean.
        use_heights: bool. False takes the distance itself for the cost.
        stop_when_full: bool. True leaves out peaks once there are `max_people`.
        kernel: int, odd. Cells around a peak that are not higher.
    """

    max_people: int = 30
    limit: int | None = None
    detection_threshold: float = 0.1
    tag_threshold: float = 1.0
    use_heights: bool = True
    stop_when_full: bool = False
    kernel: int = 5

    def __post_init__(self):
        for name in ("max_people", "limit"):
            value = getattr(self, name)
            if (value is None and name == "limit") or (
                isinstance(value, int) and value >= 1
            ):
                continue
            raise ValueError(
                f"{name} is a number of people, 1 or more. Received: {name}={value!r}."
            )
        if self.kernel % 2 != 1 or self.kernel < 1:
            raise ValueError(
                f"kernel is an odd number of cells. Received: kernel={self.kernel!r}."
            )


class Grouped(NamedTuple):
    """The `N` people of an image.

    Attributes:
        points: float32 `[N, K, 3 + T]`: x and y in cells, the height of the heatmap
            there (0: not found) and the tags, in the order in which people were begun.
        scores: float32 `[N]`, the mean height over all keypoints.
        num_ties: int. Keypoints for which another assignment of the same cost would
            have given other people.
        num_beyond: int. People that the rule's `limit` left out.
    """

    points: np.ndarray
    scores: np.ndarray
    num_ties: int = 0
    num_beyond: int = 0


def group_people(
    heatmaps: np.ndarray,
    tags: np.ndarray,
    rule: GroupingRule | None = None,
    adjust: bool = True,
    refine: bool = True,
    peaks: Peaks | None = None,
) -> Grouped:
    """Finds the people of one image's maps.

    Args:
        heatmaps: float32 array `[K, H, W]`.
        tags: float32 array `[K, H, W, T]`.
        rule: `GroupingRule`, or None for the official one.
        adjust: bool. Moves points by a quarter of a cell towards the higher neighbours,
            and to cells' middles.
        refine: bool. Looks for keypoints that a person lacks.
        peaks: `Peaks` of the maps, found before, or None.
    Returns:
        `Grouped`.
    Raises:
        ValueError: if the maps are of different sizes.
    """
    from hrnet_tf.data.tags.refinement import adjust_points, fill_missing

    rule = rule or GroupingRule()
    _check_maps(heatmaps, tags)
    if peaks is None:
        peaks = find_peaks(
            heatmaps, tags, rule.max_people, rule.kernel, rule.detection_threshold
        )
    points, num_ties = match_peaks(peaks, rule)
    scores = points[:, :, 2].mean(1) if len(points) else np.zeros(0, np.float32)
    num_beyond = 0
    if rule.limit is not None and len(points) > rule.limit:
        num_beyond = len(points) - rule.limit
        best = np.sort(np.argsort(-scores, kind="stable")[: rule.limit])
        points, scores = points[best], scores[best]
    if adjust:
        points = adjust_points(points, heatmaps)
    if refine:
        points = fill_missing(points, heatmaps, tags)
    return Grouped(points, scores, num_ties, num_beyond)


def joint_order(num_keypoints: int) -> tuple[int, ...]:
    """Returns the order in which keypoints are matched.

    Officially it is the same for all data sets: with fewer keypoints than COCO's, as in
    CrowdPose, the first ones of COCO's order, if these are all; else their own order.

    Args:
        num_keypoints: int, `K`.
    """
    order = JOINT_ORDER[:num_keypoints]
    if sorted(order) == list(range(num_keypoints)):
        return order
    return tuple(range(num_keypoints))


def match_peaks(peaks: Peaks, rule: GroupingRule) -> tuple[np.ndarray, int]:
    """Puts peaks together to people.

    Args:
        peaks: `Peaks` of `K` keypoints, with `T` tags each.
        rule: `GroupingRule`.
    Returns:
        float32 `[N, K, 3 + T]`, as in `Grouped`, on whole cells; and the number of
        ties.
    """
    keypoints, _, num_tags = peaks.tags.shape
    people = _People(keypoints, 3 + num_tags)
    num_ties = 0
    for k in joint_order(keypoints):
        high = peaks.values[k] > rule.detection_threshold
        if not high.any():
            continue
        tags = peaks.tags[k][high]
        heights = peaks.values[k][high]
        rows = np.concatenate([peaks.xy[k][high], heights[:, None], tags], 1)
        if not len(people.keys):
            for row in rows:
                people.begin(k, row)
            continue
        if rule.stop_when_full and len(people.keys) >= rule.max_people:
            continue
        means = people.means(rule.max_people)
        distances = np.linalg.norm(
            tags.astype(np.float64)[:, None] - means[None], axis=2
        )
        owners, tied = _assign(distances, heights, rule)
        num_ties += tied
        keys = people.keys[: rule.max_people]
        for row, owner in zip(rows, owners, strict=True):
            if owner >= 0:
                people.add(keys[owner], k, row)
            else:
                people.begin(k, row)
    return people.points(), num_ties


class _People:
    """People on their way; as officially, those of one first tag are one."""

    def __init__(self, keypoints, size):
        self._shape = (keypoints, size)
        self._rows = {}
        # The sum of the tags that count, and their number.
        self._tags = {}

    @property
    def keys(self):
        return list(self._rows)

    def begin(self, k, row):
        key = float(row[3])
        known = self._rows.get(key)
        if known is None:
            known = self._rows[key] = np.zeros(self._shape, np.float32)
        known[k] = row
        self._tags[key] = (row[3:].astype(np.float32), 1)

    def add(self, key, k, row):
        self._rows[key][k] = row
        total, count = self._tags[key]
        self._tags[key] = (total + row[3:].astype(np.float32), count + 1)

    def means(self, most):
        found = [self._tags[key] for key in self.keys[:most]]
        totals = np.stack([total for total, _ in found])
        return totals / np.float32([[count] for _, count in found])

    def points(self):
        rows = list(self._rows.values())
        return np.stack(rows) if rows else np.zeros((0, *self._shape), np.float32)


def _assign(distances, heights, rule):
    """The person of each candidate, or -1, `[C]`; and whether others would do."""
    chosen = _solve(distances, heights, rule, 1)
    if not rule.use_heights:
        return chosen, 0
    # Of assignments of the same cost the one that differs most.
    other = _solve(distances, heights, rule, -1)
    return chosen, int((chosen != other).any())


def _solve(distances, heights, rule, sign):
    from scipy.optimize import linear_sum_assignment

    candidates, people = distances.shape
    cost = distances
    if rule.use_heights:
        heights = heights[:, None].astype(np.float64)
        cost = np.round(distances) * 100
        places = np.arange(people) / people
        places = np.where(distances < rule.tag_threshold, places, 1.0)
        if candidates <= people:
            # Everyone is assigned, so that heights add the same to all assignments.
            near = np.minimum(distances, rule.tag_threshold)
            cost = cost + sign * (TIE * heights * places + FINE_TIE * near)
        else:
            cost = cost - heights + sign * FINE_TIE * heights * places
    owners = np.full(candidates, -1)
    rows, columns = linear_sum_assignment(cost)
    accepted = distances[rows, columns] < rule.tag_threshold
    owners[rows[accepted]] = columns[accepted]
    return owners


def _check_maps(heatmaps, tags):
    if heatmaps.ndim != 3 or tags.ndim != 4 or heatmaps.shape != tags.shape[:3]:
        raise ValueError(
            "Expected heatmaps [K, H, W] and tags [K, H, W, T] of one size. Received"
            f" the shapes {heatmaps.shape} and {tags.shape}. Resize the tag maps to the"
            " heatmaps, as `aggregate` does."
        )
