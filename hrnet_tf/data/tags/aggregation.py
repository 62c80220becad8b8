"""Outputs of a bottom-up network at several scales -> one set of maps; graph code.

Reference: HigherHRNet-Human-Pose-Estimation, lib/core/inference.py, tools/valid.py.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import tensorflow as tf

from hrnet_tf.typing import Tensor


class Maps(NamedTuple):
    """Maps of a batch of images.

    Attributes:
        heatmaps: float32 `[B, H, W, K]`.
        tags: float32 `[B, H, W, K, T]`, one for each image and mirrored image that
            tags were taken from.
    """

    heatmaps: tf.Tensor
    tags: tf.Tensor


def resize(maps: Tensor, size: Tensor | tuple) -> Tensor:
    """Resizes maps `[B, H, W, C]` bilinearly, between the middles of cells."""
    return tf.image.resize(maps, size)


def merge_stages(outputs: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Brings both stages' outputs to half of the image's size.

    Args:
        outputs: dict of `HigherHRNetPose`.
    Returns:
        The mean heatmaps and the tags, float32 `[B, H/2, W/2, K]` each.
    """
    half = outputs["heatmaps_half"]
    size = tf.shape(half)[1:3]
    heatmaps = (resize(outputs["heatmaps_quarter"], size) + half) / 2
    return heatmaps, resize(outputs["tags"], size)


def unmirror(maps: Tensor, flip_indices: Sequence[int]) -> Tensor:
    """Turns maps `[B, H, W, K]` of mirrored images back; left and right change."""
    return tf.gather(tf.reverse(maps, [2]), list(flip_indices), axis=3)


def aggregate(
    calls: Sequence[Sequence[tuple[Tensor, Tensor]]],
    scales: Sequence[float],
    base_size: Tensor | tuple | None = None,
) -> Maps:
    """Averages heatmaps over scales and mirrored images, and collects the tags.

    Args:
        calls: for each scale, the largest first: heatmaps and tags `[B, h, w, K]` of
            the images and, with a flip test, of the mirrored ones, turned back.
        scales: the scales, in this order. Tags are those of scale 1, or of the only
            one.
        base_size: (height, width) that all maps are resized to, officially that of the
            image at scale 1; None takes the size of the largest scale's maps.
    Returns:
        `Maps`.
    """
    total: Tensor | None = None
    tags: list[Tensor] = []
    for scale, found in zip(scales, calls, strict=True):
        target = base_size
        if target is not None:
            found = [(resize(x, target), resize(y, target)) for x, y in found]
        mean = sum(heatmaps for heatmaps, _ in found) / len(found)
        if total is not None and target is None:
            target = tf.shape(total)[1:3]
            mean = resize(mean, target)
            found = [(heatmaps, resize(x, target)) for heatmaps, x in found]
        total = mean if total is None else total + mean
        if scale == 1 or len(scales) == 1:
            tags += [x for _, x in found]
    assert total is not None
    return Maps(total / len(scales), tf.stack(tags, -1))
