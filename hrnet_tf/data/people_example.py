"""One image with all its people, and where nothing is to be learnt from it."""

from dataclasses import dataclass

import numpy as np

from hrnet_tf.data.instance_masks import NO_RUNS, mask_of_runs, unpack_runs
from hrnet_tf.data.schema import PoseExample


@dataclass(frozen=True, eq=False)
class PeopleExample(PoseExample):
    """One image and its `N` labelled people, of whom there may be none.

    Args:
        ignored_runs: bytes. The mask of crowds and of people without labelled
            keypoints, see `instance_masks.pack_runs`.
        ignored_lengths: int32 `[1]`, or None where there are none of these.
        crowd_index: float, 0..1, CrowdPose's measure of how crowded the image is; NaN
            (the default) where it is unknown.
        Others: see `PoseExample`.
    """

    ignored_runs: bytes = NO_RUNS
    ignored_lengths: np.ndarray | None = None
    crowd_index: float = float("nan")

    @property
    def ignored(self) -> np.ndarray:
        """bool `[H, W]`: where nothing is learnt."""
        size = (self.height, self.width)
        if self.ignored_lengths is None:
            return np.zeros(size, bool)
        (runs,) = unpack_runs(self.ignored_runs, self.ignored_lengths)
        return mask_of_runs(runs, size)
