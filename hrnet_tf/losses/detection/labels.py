"""What a batch's pictures hold, as the losses of detectors take it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import keras

from hrnet_tf.typing import Tensor

_NEEDED = ("boxes", "classes", "crowd", "image_sizes")


class Truths(NamedTuple):
    """The objects of a batch of images, padded to the same number.

    Attributes:
        boxes: float32 `[B, M, 4]`, x1, y1, x2, y2 in pixels of the network's input.
        classes: int32 `[B, M]`, 0 for the first.
        present: bool `[B, M]`, False for padding and crowds.
        crowd: bool `[B, M]`, True for regions of many objects.
        image_sizes: float32 `[B, 2]`, heights and widths without padding.
        masks: `[B, M, m, m]`, 0 or 1, each over its own box, or None.
    """

    boxes: Any
    classes: Any
    present: Any
    crowd: Any
    image_sizes: Any
    masks: Any = None


def read_labels(y: Any, extent: float = 0.0, with_masks: bool = False) -> Truths:
    """Reads the labels of a batch.

    Args:
        y: dict of "boxes" `[B, M, 4]`, "classes" `[B, M]` (-1 for padding), "crowd"
            `[B, M]`, "image_sizes" `[B, 2]` and, where there is a mask head, "masks"
            `[B, M, m, m]`.
        extent: float. 1 for detectors whose boxes end at their last pixel.
        with_masks: bool, whether masks are needed.
    Returns:
        `Truths`.
    Raises:
        ValueError: if something is missing.
    """
    needed = (*_NEEDED, "masks") if with_masks else _NEEDED
    if not isinstance(y, Mapping):
        raise ValueError(
            "Labels of a detector must be a dict of"
            f" {', '.join(needed)}. Received: {type(y).__name__}."
        )
    missing = [name for name in needed if name not in y]
    if missing:
        advice = " Or make the model with_masks=False." if missing == ["masks"] else ""
        raise ValueError(
            f"The labels lack {', '.join(missing)}, which this detector learns from."
            f" Received: {', '.join(sorted(y))}.{advice}"
        )
    ops = keras.ops
    found = {name: ops.convert_to_tensor(y[name]) for name in needed}
    if not found["classes"].shape[1]:
        # Of no row at all none can be taken.
        found = {name: _with_a_row(name, x) for name, x in found.items()}
    classes = ops.cast(found["classes"], "int32")
    crowd = ops.logical_and(ops.cast(found["crowd"], "bool"), classes >= 0)
    # Padding stays zero, as draws must not depend on how much there is.
    ends = ops.convert_to_tensor([0.0, 0.0, extent, extent])
    ends = ops.where((classes >= 0)[..., None], ends, 0.0)
    return Truths(
        boxes=ops.cast(found["boxes"], "float32") - ends,
        classes=classes,
        present=ops.logical_and(classes >= 0, ops.logical_not(crowd)),
        crowd=crowd,
        image_sizes=ops.cast(found["image_sizes"], "float32"),
        masks=found.get("masks"),
    )


def _with_a_row(name, values):
    """The labels of objects with one more row of padding."""
    if name == "image_sizes":
        return values
    margins = [(0, 1) if axis == 1 else (0, 0) for axis in range(len(values.shape))]
    if name == "crowd":
        values = keras.ops.cast(values, "int32")
    return keras.ops.pad(
        values, margins, constant_values=-1 if name == "classes" else 0
    )


class Part(NamedTuple):
    """A part of the loss, as one replica sees it.

    Attributes:
        total: float scalar, the sum of what is averaged.
        weight: float scalar, what it is to be divided by, once that is added up over
            the replicas.
        floor: float. The least to divide by.
        scale: float. What the mean is multiplied by.
    """

    total: Any
    weight: Any
    floor: float = 1.0
    scale: float = 1.0


def masked_sum(values: Tensor, mask: Tensor) -> Tensor:
    """Adds up the values at which a mask is True; others may be anything.

    Args:
        values: float tensor.
        mask: bool tensor of the same shape.
    """
    ops = keras.ops
    return ops.sum(ops.where(mask, values, 0.0))


def count(mask: Tensor) -> Tensor:
    """The number of values that are True, as a float scalar.

    Args:
        mask: bool tensor.
    """
    return keras.ops.sum(keras.ops.cast(mask, "float32"))


def smooth_l1(errors: Tensor, beta: float) -> Tensor:
    """The absolute value, with a square's bottom below `beta`, added up by box.

    Args:
        errors: float tensor `[..., 4]`.
        beta: float. 0 gives the absolute value itself.
    Returns:
        A tensor `[...]`.
    """
    ops = keras.ops
    sizes = ops.abs(errors)
    if beta:
        bottom = ops.square(errors) * (0.5 / beta)
        sizes = ops.where(sizes < beta, bottom, sizes - 0.5 * beta)
    return ops.sum(sizes, axis=-1)


def binary_cross_entropy(labels: Tensor, logits: Tensor) -> Tensor:
    """Cross entropy of logits, exact for large ones, which Keras clips.

    Args:
        labels: float tensor of numbers from 0 to 1.
        logits: float tensor of the same shape.
    """
    ops = keras.ops
    positive = ops.maximum(logits, 0.0)
    return positive - logits * labels + ops.log1p(ops.exp(-ops.abs(logits)))


def pick(values: Tensor, indices: Tensor) -> Tensor:
    """Takes rows of each image.

    Args:
        values: tensor `[B, N, ...]`.
        indices: int32 `[B, K]`.
    Returns:
        A tensor `[B, K, ...]`.
    """
    import tensorflow as tf

    return tf.gather(values, indices, axis=1, batch_dims=1)
