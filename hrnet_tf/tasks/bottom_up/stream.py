"""Batches of images with all their people: random views, maps of two sizes."""

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from hrnet_tf.data import stream
from hrnet_tf.data.augment import affine
from hrnet_tf.data.augment.people import (
    View,
    draw_view,
    mirrored_matrix,
    view_matrix,
    view_points,
)
from hrnet_tf.data.left_out import LeftOut
from hrnet_tf.data.tags.targets import draw_people, tag_cells
from hrnet_tf.typing import Tensor

if TYPE_CHECKING:
    from hrnet_tf.data.augment.people import PeopleAugmentation
    from hrnet_tf.data.keypoint_sets import KeypointSet
    from hrnet_tf.data.people_example import PeopleExample
    from hrnet_tf.data.stream import Stream

# The maps of the network, by the names of its outputs: cells for each pixel.
STRIDES = {"heatmaps_quarter": 4, "heatmaps_half": 2}


def chosen_examples(
    examples: "Sequence[PeopleExample]", max_people: int
) -> "tuple[list[PeopleExample], LeftOut]":
    """Chooses what is trained on, and counts what is not.

    Args:
        examples: list of `PeopleExample`.
        max_people: int. Of more people in an image those with the fewest labelled
            keypoints have no tags to learn; their heatmaps are learnt.
    Returns:
        list of `PeopleExample`, and `LeftOut`.
    Raises:
        ValueError: if there are none.
    """
    left_out = LeftOut()
    if not examples:
        raise ValueError("There is no image to train on. Check the annotations.")
    for example in examples:
        over = example.num_people - max_people
        if over > 0:
            reason = f"people's tags beyond the {max_people} of an image"
            left_out.add(reason, example.image_path, over)
    return list(examples), left_out


def scenes_stream(source: "Sequence[PeopleExample]") -> "Stream":
    """Returns the `Stream` of images.

    Args:
        source: list of `PeopleExample`.
    Returns:
        `Stream` of dicts for `training_batches`.
    """
    names = [example.image_path for example in source]
    columns = {
        "path": names,
        "height": np.array([e.height for e in source], np.int32),
        "width": np.array([e.width for e in source], np.int32),
        "keypoints": [_ordered(e).astype("<f4").tobytes() for e in source],
        "ignored": [e.ignored_runs for e in source],
    }
    return stream.from_table(columns, "images", names)


def training_batches(
    images: "Stream",
    keypoint_set: "KeypointSet",
    batch_size: int,
    augmentation: "PeopleAugmentation",
    side: int,
    sigma: float = 2.0,
    max_people: int = 30,
    foreground: float = 0.0,
    **place: Any,
) -> tf.data.Dataset:
    """Makes the batches of training.

    Args:
        images: `Stream` of `scenes_stream`.
        keypoint_set: `KeypointSet` of the `K` keypoints.
        batch_size: int. Every batch is whole: an epoch's remainder is dropped.
        augmentation: `PeopleAugmentation`.
        side: int, `S`, divisible by 32. Views are squares of so many pixels.
        sigma: float. Standard deviation of the Gaussians, in cells of either size.
        max_people: int, `P`. People of an image that have tags to learn.
        foreground: float. Weight that cells on keypoints have more than others;
            officially 0. Small networks learn faster from random weights with it.
        **place: seed, first_epoch, epochs and first_step, see `Stream.batches`.
    Returns:
        A `tf.data.Dataset` of (images uint8 `[B, S, S, 3]`, labels, weights), which are
        dicts: labels "heatmaps_quarter" float32 `[B, S/4, S/4, K]`, "heatmaps_half"
        `[B, S/2, S/2, K]` and "tags" int32 `[B, P, K]` (see `TagLoss`); weights of the
        same names, the masks (times the cells' weights) `[B, S/4, S/4]` and `[B, S/2,
        S/2]`, and ones `[B]`.
    Raises:
        ValueError: if there are fewer images than a batch.
    """
    make = functools.partial(
        _make,
        keypoint_set=keypoint_set,
        augmentation=augmentation,
        side=side,
        sigma=sigma,
        max_people=max_people,
        foreground=foreground,
    )
    return images.batches(make, batch_size, **place)


def _make(
    example,
    draw,
    read,
    keypoint_set,
    augmentation,
    side,
    sigma,
    max_people,
    foreground,
):
    count = keypoint_set.num_keypoints
    keypoints = tf.io.decode_raw(example["keypoints"], tf.float32)
    keypoints = tf.cast(tf.reshape(keypoints, (-1, count, 3)), tf.float64)
    size = tf.stack([example["height"], example["width"]])
    view = draw_view(size, draw, augmentation)
    matrix = mirrored_matrix(view_matrix(view, side), side, view.flip)
    image = affine.decode_crop(
        read(example["path"]), tf.cast(matrix, tf.float32), (side, side)
    )
    image = affine.jitter(image, draw, augmentation)
    learnt = _learnt(example["ignored"], size)
    labels, weights = {}, {"tags": tf.ones(())}
    for name, stride in STRIDES.items():
        cells = side // stride
        of_pixels = augmentation.mirrors == "pixels"
        labels[name], weights[name], points, seen = view_targets(
            keypoints,
            learnt,
            view,
            cells,
            sigma,
            keypoint_set.flip_indices,
            stride if of_pixels else 1,
        )
        if foreground:
            weights[name] *= 1 + foreground * tf.reduce_max(labels[name], -1)
        if name == "heatmaps_quarter":
            tags = tag_cells(points, seen, (cells, cells))[:max_people]
            missing = [[0, max_people - tf.shape(tags)[0]], [0, 0]]
            tags = tf.pad(tags, missing, constant_values=-1)
            labels["tags"] = tf.ensure_shape(tags, (max_people, count))
    return image, labels, weights


def view_targets(
    keypoints: Tensor,
    learnt: Tensor,
    view: View,
    cells: int,
    sigma: float,
    flip_indices: Sequence[int],
    stride: int = 1,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Makes the targets of one size of maps.

    Args:
        keypoints: float64 tensor `[N, K, 3]`, px of the image and visibility.
        learnt: uint8 tensor `[H, W]`, 255 where the image is learnt, else 0.
        view: `View`.
        cells: int, the side of the maps.
        sigma: float, in cells.
        flip_indices: int `[K]`.
        stride: int, see `view_points`.
    Returns:
        Heatmaps float32 `[cells, cells, K]`, the mask float32 `[cells, cells]`, the
        points float64 `[N, K, 2]` in cells, and bool `[N, K]`, which are labelled.
    """
    partners = tf.constant(list(flip_indices), tf.int32)
    points = view_points(keypoints[..., :2], view, cells, partners, stride)
    labelled = keypoints[..., 2] > 0
    swapped = tf.gather(labelled, partners, axis=1)
    labelled = tf.where(view.flip, swapped, labelled)
    sigmas = tf.fill(tf.shape(keypoints)[:1], tf.constant(sigma, tf.float64))
    heatmaps = draw_people(points, labelled, (cells, cells), sigmas)
    matrix = mirrored_matrix(view_matrix(view, cells), cells, view.flip)
    matrix = tf.cast(matrix, tf.float32)
    mask = affine.warp(tf.tile(learnt[..., None], [1, 1, 3]), matrix, (cells, cells))
    # More than half of 255.
    return heatmaps, tf.cast(mask[..., 0] > 127, tf.float32), points, labelled


def _ordered(example):
    """Keypoints of the people, those with the most labelled ones first."""
    counts = (example.keypoints[..., 2] > 0).sum(1)
    return example.keypoints[np.argsort(-counts, kind="stable")]


def _learnt(packed, size):
    """255 where an image is learnt, and 0 on what is masked, uint8 `[H, W]`."""
    runs = tf.io.decode_raw(tf.io.decode_compressed(packed, "ZLIB"), tf.int32)
    inside = tf.range(tf.size(runs)) % 2 == 1
    flat = tf.repeat(tf.where(inside, 0, 255), runs)
    # Nothing is masked where there are no runs.
    flat = tf.pad(
        flat, [[0, tf.reduce_prod(size) - tf.size(flat)]], constant_values=255
    )
    by_columns = tf.reshape(tf.cast(flat, tf.uint8), tf.reverse(size, [0]))
    return tf.transpose(by_columns)
