"""Identities of people, or other things, that last over the frames of a video."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hrnet_tf.metrics.boxes import box_iou

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

# The constants of keypoint sets that have none, about that of COCO's elbows.
_SIGMA = 0.07
# Keypoints of a lower score are no evidence.
_MIN_SCORE = 0.2


class _Track:
    """Somebody who was seen before."""

    def __init__(self, number, kind, box, points, scores, time):
        self.number, self.kind, self.time = number, kind, time
        self.box, self.points, self.scores = box, points, scores
        self.velocity = np.zeros(2)

    def shift(self, time):
        """How far it has come since it was seen, px, if it went on as it did."""
        return self.velocity * (time - self.time)

    def see(self, box, points, scores, time):
        if time > self.time:
            moved = _centre(box) - _centre(self.box)
            # Half of what was known: boxes of single frames jump a little.
            self.velocity = 0.5 * (self.velocity + moved / (time - self.time))
        self.box, self.points, self.scores, self.time = box, points, scores, time


class Tracker:
    """Numbers what is found in the frames of a video; the same one keeps its number.

    Each frame's people are compared with those seen before, where these would be now
    if they went on as they did: by the overlap (IoU) of their boxes and, where there
    are keypoints, the mean of it and of their similarity (OKS). The most alike pair is
    matched first, as in the tracking by greedy matching of Simple Baselines (arXiv
    1804.06208). Nobody is added or removed. Of what is found with little certainty
    only what goes on with what was seen before gets a number, after the certain ones
    have chosen, as in ByteTrack (arXiv 2110.06864).

    Args:
        sigmas: sequence of float or None. The constants of the keypoints' similarity;
            None: all 0.07.
        min_similarity: float, 0..1. Pairs that are less alike are different people.
        max_seconds: float. Who was not seen for so long is forgotten.
    """

    def __init__(
        self,
        sigmas: Sequence[float] | None = None,
        min_similarity: float = 0.2,
        max_seconds: float = 1.0,
    ) -> None:
        self._sigmas = None if sigmas is None else np.asarray(sigmas, np.float64)
        self._min_similarity = min_similarity
        self._max_seconds = max_seconds
        self._tracks: list[_Track] = []
        self._count = 0

    def update(
        self,
        boxes: "ArrayLike",
        time: float,
        points: "ArrayLike | None" = None,
        scores: "ArrayLike | None" = None,
        kinds: "ArrayLike | None" = None,
        certain: "ArrayLike | None" = None,
    ) -> np.ndarray:
        """Numbers what is in the next frame.

        Args:
            boxes: array-like `[N, 4]`, x, y, width, height in pixels.
            time: float, seconds; not before that of the last frame.
            points: array-like `[N, K, 2]` or None, keypoints in pixels.
            scores: array-like `[N, K]` or None, of the keypoints.
            kinds: array-like `[N]` or None, classes; only equal ones match.
            certain: bool array-like `[N]` or None. Where it is False nobody new is
                numbered; None: all are certain.
        Returns:
            int array `[N]`, numbers from 1 in the order of appearance; 0 for what is
            uncertain and like nobody seen before.
        """
        boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
        time = float(time)
        kept = [t for t in self._tracks if time - t.time <= self._max_seconds]
        self._tracks = list(kept)
        count = len(boxes)
        found = list(
            zip(
                np.zeros(count, int) if kinds is None else np.asarray(kinds),
                boxes,
                [None] * count if points is None else np.asarray(points, np.float64),
                [None] * count if scores is None else np.asarray(scores, np.float64),
                strict=True,
            )
        )
        certain = np.ones(count, bool) if certain is None else np.asarray(certain, bool)
        alike = self._similarities(boxes, found, kept, time)
        numbers = np.zeros(count, int)
        for choosing in (certain, ~certain):
            left = np.where(choosing[:, None], alike, -1)
            for i, j in _greedy(left, self._min_similarity):
                kept[j].see(*found[i][1:], time)
                numbers[i] = kept[j].number
                alike[:, j] = -1
        for i in np.flatnonzero((numbers == 0) & certain):
            self._count += 1
            self._tracks.append(_Track(self._count, *found[i], time))
            numbers[i] = self._count
        return numbers

    def _similarities(self, boxes, found, tracks, time):
        """How alike each one and each track are, `[N, T]`."""
        shifts = np.array([track.shift(time) for track in tracks]).reshape(-1, 2)
        last = np.array([track.box for track in tracks]).reshape(-1, 4)
        places = np.concatenate([last[:, :2] + shifts, last[:, 2:]], 1)
        alike = box_iou(_corners(boxes), _corners(places))
        for i, one in enumerate(found):
            for j, track in enumerate(tracks):
                if one[0] != track.kind:
                    alike[i, j] = 0.0
                elif one[2] is not None and track.points is not None:
                    alike[i, j] = self._similarity(one, track, shifts[j], alike[i, j])
        return alike

    def _similarity(self, one, track, moved, overlap):
        _, box, xy, peaks = one
        both = np.ones(len(xy), bool)
        for known in (peaks, track.scores):
            if known is not None:
                both &= known >= _MIN_SCORE
        if both.sum() < 2:
            return overlap
        sigmas = np.full(len(xy), _SIGMA) if self._sigmas is None else self._sigmas
        area = (np.prod(box[2:]) + np.prod(track.box[2:])) / 2
        distances = np.square(xy - track.points - moved).sum(-1)[both]
        scaled = distances / (2 * sigmas[both]) ** 2 / (area + np.spacing(1)) / 2
        return (overlap + np.exp(-scaled).mean()) / 2


def _greedy(alike, least):
    """Pairs of rows and columns, the largest numbers first, each once."""
    alike = alike.copy()
    while alike.size:
        i, j = np.unravel_index(np.argmax(alike), alike.shape)
        if alike[i, j] < least:
            return
        yield i, j
        alike[i], alike[:, j] = -1, -1


def _centre(box):
    return box[:2] + box[2:] / 2


def _corners(boxes):
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], 1)
