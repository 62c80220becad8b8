"""One image and its objects, in memory."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from hrnet_tf.data.instance_masks import NO_RUNS, mask_of_runs, unpack_runs


@dataclass(frozen=True, eq=False)
class DetectionExample:
    """One image and its `N` objects, of which there may be none.

    Coordinates are 0-based pixels of the upright image, counted from its corner: the
    first pixel reaches from 0 to 1.

    Args:
        image_path: str. The image file.
        image_id: int. The image's id in the annotation file; it names the image in
            results for pycocotools.
        height: int, px.
        width: int, px.
        boxes: float32 `[N, 4]`, px. Left, top, right and bottom, within the image.
        classes: int32 `[N]`, 0-based, of the data set's `ObjectSet`.
        crowd: bool `[N]`, or None for none. Regions of many objects, where what is
            found counts neither as right nor as wrong.
        difficult: bool `[N]`, or None for none. Objects that PASCAL VOC's test leaves
            out; training takes them for crowds.
        areas: float32 `[N]`, px^2, or None for the boxes'. COCO's size classes go by
            them.
        ids: int64 `[N]`, or None for 1..N. The annotations' ids.
        mask_runs: bytes. The masks, see `instance_masks.pack_runs`.
        mask_lengths: int32 `[N]`, or None for zeros. Runs of each mask; 0: no mask.
    Raises:
        ValueError: if a shape contradicts the others.
    """

    image_path: str
    image_id: int
    height: int
    width: int
    boxes: np.ndarray
    classes: np.ndarray
    crowd: np.ndarray | None = None
    difficult: np.ndarray | None = None
    areas: np.ndarray | None = None
    ids: np.ndarray | None = None
    mask_runs: bytes = NO_RUNS
    mask_lengths: np.ndarray | None = None

    def __post_init__(self):
        boxes = np.asarray(self.boxes, np.float32).reshape(-1, 4)
        count = len(boxes)
        areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
        arrays: dict[str, Any] = {
            "boxes": boxes,
            "classes": np.asarray(self.classes, np.int32),
            "crowd": _filled(self.crowd, np.zeros(count, bool)),
            "difficult": _filled(self.difficult, np.zeros(count, bool)),
            "areas": _filled(self.areas, areas),
            "ids": _filled(self.ids, np.arange(1, count + 1)),
            "mask_lengths": _filled(self.mask_lengths, np.zeros(count, np.int32)),
        }
        for name, array in arrays.items():
            shape = (count, 4) if name == "boxes" else (count,)
            if array.shape != shape:
                raise ValueError(
                    f"{self.image_path}: {name} of {count} objects should have the"
                    f" shape {shape}. Received: {array.shape}."
                )
            object.__setattr__(self, name, array)

    @property
    def num_objects(self) -> int:
        """int: the number of objects `N`."""
        return len(self.boxes)

    @property
    def ignored(self) -> np.ndarray:
        """bool `[N]`: regions that are neither objects nor background in training."""
        assert self.crowd is not None and self.difficult is not None
        return self.crowd | self.difficult

    @property
    def has_masks(self) -> bool:
        """bool: whether each object has a mask."""
        assert self.mask_lengths is not None
        return bool((self.mask_lengths > 0).all())

    @cached_property
    def runs(self) -> list[np.ndarray]:
        """list of `N` int32 arrays, the runs of the masks; empty without one."""
        assert self.mask_lengths is not None
        return unpack_runs(self.mask_runs, self.mask_lengths)

    def mask(self, number: int) -> np.ndarray | None:
        """Draws the mask of an object, bool `[H, W]`; None where it has none."""
        runs = self.runs[number]
        return mask_of_runs(runs, (self.height, self.width)) if len(runs) else None


def _filled(array, default):
    """An array, or its default, in the default's type."""
    return default if array is None else np.asarray(array, default.dtype)
