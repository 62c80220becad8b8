"""Points between cells, and keypoints that a person lacks.

Reference: HigherHRNet-Human-Pose-Estimation, lib/core/group.py (adjust, refine).
"""

import numpy as np

# Cells along the side of a block, of which only bounds are looked at first.
_BLOCK = 16
# Every so many cells are looked at to know which heights are rare.
_SAMPLED = 13


def adjust_points(points: np.ndarray, heatmaps: np.ndarray) -> np.ndarray:
    """Moves found points by a quarter of a cell towards the higher neighbours.

    Args:
        points: float32 array `[N, K, 3 + T]` on whole cells, see `Grouped`.
        heatmaps: float32 array `[K, H, W]`.
    Returns:
        float32 array of the same shape, with points counted from the corner of the map.
    """
    points = points.copy()
    people, keypoints = np.nonzero(points[:, :, 2] > 0)
    cells = points[people, keypoints, :2].astype(np.int64)
    moved = _between(heatmaps, keypoints, cells)
    points[people, keypoints, :2] = moved
    return points


def fill_missing(
    points: np.ndarray, heatmaps: np.ndarray, tags: np.ndarray
) -> np.ndarray:
    """Looks for the keypoints that people lack, where height and tags fit best.

    That is where the height minus the rounded distance of the tags to the person's
    mean is largest; it counts if the height is above 0. The first one by rows, of
    equals. The point's tags, and the person's score, stay as they are.

    Args:
        points: float32 array `[N, K, 3 + T]`, see `Grouped`.
        heatmaps: float32 array `[K, H, W]`.
        tags: float32 array `[K, H, W, T]`.
    Returns:
        float32 array of the shape of `points`.
    """
    points = points.copy()
    if not len(points):
        return points
    means = [_mean_tags(person, tags) for person in points]
    missing = points[:, :, 2] == 0
    for k in np.flatnonzero(missing.any(0)):
        search = _Search(heatmaps[k], tags[k])
        lacking = np.flatnonzero(missing[:, k])
        found = [search.best(means[i]) for i in lacking]
        width = heatmaps.shape[2]
        cells = np.array([(cell % width, cell // width) for cell in found])
        heights = heatmaps[k][cells[:, 1], cells[:, 0]]
        moved = _between(heatmaps, np.full(len(cells), k), cells)
        taken = heights > 0
        points[lacking[taken], k, :2] = moved[taken]
        points[lacking[taken], k, 2] = heights[taken]
    return points


def _between(heatmaps, keypoints, cells):
    """Where points of whole cells `[N, 2]` lie between the middles of these."""
    height, width = heatmaps.shape[1:]
    x, y = cells[:, 0], cells[:, 1]

    def at(x, y):
        x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
        return heatmaps[keypoints, y, x]

    right = at(x + 1, y) > at(x - 1, y)
    below = at(x, y + 1) > at(x, y - 1)
    offsets = np.where(np.stack([right, below], -1), 0.75, 0.25)
    return (cells + offsets).astype(np.float32)


def _mean_tags(person, tags):
    """The mean of the tags under a person's points, float32 `[T]`."""
    keypoints = np.flatnonzero(person[:, 2] > 0)
    x, y = person[keypoints, :2].astype(np.int64).T
    return np.mean(tags[keypoints, y, x], axis=0)


class _Search:
    """Finds the best cell of a map for several people.

    The highest cells are looked at all. Of the others bounds of blocks tell which of
    them cannot hold the best one: rounding, squares and roots keep the order of
    numbers, so that what is found is that of the whole map.
    """

    def __init__(self, heatmap, tags):
        height, width = heatmap.shape
        self._level = _high_level(heatmap)
        self._high = np.flatnonzero(heatmap.ravel() > self._level)
        self._high_values = heatmap.ravel()[self._high]
        self._high_tags = tags.reshape(height * width, -1)[self._high].T
        # The last cells once more where blocks reach out: of equals the first counts.
        missing = [(0, -side % _BLOCK) for side in heatmap.shape]
        if any(more for _, more in missing):
            heatmap = np.pad(heatmap, missing, "edge")
            tags = np.pad(tags, [*missing, (0, 0)], "edge")
        rows, columns = (side // _BLOCK for side in heatmap.shape)
        y = np.minimum(np.arange(rows * _BLOCK), height - 1).reshape(rows, _BLOCK)
        x = np.minimum(np.arange(columns * _BLOCK), width - 1).reshape(columns, _BLOCK)
        self._places = y[:, :, None, None] * width + x
        self._maps = heatmap.reshape(rows, _BLOCK, columns, _BLOCK)
        self._tags = tags.reshape(rows, _BLOCK, columns, _BLOCK, -1)
        highest = self._maps.max(1).max(2)
        self._highest = np.minimum(highest, self._level)
        flat = self._tags.reshape(rows, _BLOCK, -1)
        self._least, self._most = (
            join(flat, 1).reshape(rows, columns, _BLOCK, -1)
            for join in (np.min, np.max)
        )
        self._least = np.moveaxis(self._least.min(2), 2, 0)
        self._most = np.moveaxis(self._most.max(2), 2, 0)

    def best(self, mean):
        """The flat place of the best cell for a person of these mean tags `[T]`."""
        values = self._high_values - _rounded_distance(self._high_tags, mean)
        found = int(values.argmax()) if len(values) else 0
        value = values[found] if len(values) else -np.inf
        place = int(self._high[found]) if len(values) else None
        nearest = np.clip(mean[:, None, None], self._least, self._most)
        bounds = self._highest - _rounded_distance(nearest, mean)
        rows, columns = np.nonzero(bounds >= value)
        if len(rows):
            # Fancy indices come first: blocks, then the cells of each.
            distances = _rounded_distance(
                np.moveaxis(self._tags[rows, :, columns], -1, 0), mean
            )
            others = self._maps[rows, :, columns] - distances
            best = others.max()
            places = self._places[rows, :, columns][others == best]
            if place is None or best > value:
                return int(places.min())
            if best == value:
                return min(place, int(places.min()))
        return place


def _high_level(heatmap):
    """A height that one or two of a hundred cells pass; any would do."""
    some = heatmap.ravel()[::_SAMPLED]
    return np.partition(some, -max(len(some) // 64, 1))[-max(len(some) // 64, 1)]


def _rounded_distance(tags, mean):
    """The distance of arrays of tags to a mean, rounded, in float32 as officially."""
    squares = (tags[0] - mean[0]) ** 2
    for tag, value in zip(tags[1:], mean[1:], strict=True):
        squares = squares + (tag - value) ** 2
    return np.round(np.sqrt(squares))
