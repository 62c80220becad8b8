"""How exactly people place keypoints: of persons that several of them labelled.

COCO's constant of a keypoint, its sigma, is the spread of labels around the true place
relative to the root of the person's area, as people measured it who labelled the same
pictures. The same is done here with a set's own pictures.

Reference: https://cocodataset.org/#keypoints-eval, "tuning OKS".
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

# So many differences between labels tell a spread to within about a sixth.
FEWEST = 20
# Smaller ones are of labels that are no second look, larger ones of mistakes.
_LEAST, _LARGEST = 0.005, 0.3


@dataclasses.dataclass(frozen=True, eq=False)
class RepeatedLabels:
    """A person that several people labelled.

    Attributes:
        points: float `[L, K, 3]`, of each of the `L` labels x, y in px, and the
            visibility, 0 where a keypoint was not labelled.
        area: float, px^2, of the person.
    """

    points: np.ndarray
    area: float


@dataclasses.dataclass(frozen=True)
class Sigmas:
    """Estimated constants of keypoints.

    Attributes:
        values: tuple of `K` float.
        num_people: int, of whom they are.
        shared: int. Keypoints with too few labels of their own, which have the spread
            of all keypoints together.
    """

    values: tuple[float, ...]
    num_people: int
    shared: int


def estimated_sigmas(repeats: Sequence[RepeatedLabels]) -> Sigmas | None:
    """Estimates the constants of OKS: the spread of labels, relative to the size.

    For a keypoint it is the root of the mean of `d^2 / area`, `d` being the distance of
    a label from the mean of the labels of that person; the sum is divided by the number
    of labels less one for each person, since the mean is of the same labels.

    Args:
        repeats: list of `RepeatedLabels` of the same keypoints.
    Returns:
        `Sigmas`; None where too few were labelled twice.
    """
    if not repeats:
        return None
    num_keypoints = repeats[0].points.shape[1]
    squares, counts = np.zeros(num_keypoints), np.zeros(num_keypoints, int)
    for repeat in repeats:
        labelled = repeat.points[..., 2] > 0
        number = labelled.sum(0)
        several = number > 1
        weights = labelled[..., None]
        places = repeat.points[..., :2]
        middle = (places * weights).sum(0) / np.maximum(number, 1)[:, None]
        found = (((places - middle) ** 2).sum(-1) * labelled).sum(0) / repeat.area
        squares += np.where(several, found, 0.0)
        counts += np.where(several, number - 1, 0)
    if counts.sum() < FEWEST:
        return None
    together = squares.sum() / counts.sum()
    own = counts >= FEWEST
    spread = np.where(own, squares / np.maximum(counts, 1), together)
    values = np.clip(np.sqrt(spread), _LEAST, _LARGEST).round(4)
    return Sigmas(tuple(values.tolist()), len(repeats), int((~own).sum()))
