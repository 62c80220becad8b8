"""How much two boxes have in common."""

import keras

from hrnet_tf.typing import Tensor


def overlap(
    boxes: Tensor, others: Tensor, extent: float = 0.0, of: str = "union"
) -> Tensor:
    """Returns the area that boxes have in common, as a share of an area.

    Args:
        boxes, others: float tensors `[..., 4]` of x1, y1, x2, y2 whose leading axes
            broadcast: `[N, 1, 4]` and `[M, 4]` give all pairs.
        extent: float. What is added to x2 - x1 for a width: 1 in the first generation
            of the published detectors, where x2 is the last pixel.
        of: str. "union", of both boxes' (intersection over union), or "first", of the
            area of `boxes`.
    Returns:
        A tensor of the broadcast shape without its last axis, 0 where there is no area.
    """
    ops = keras.ops
    x1, y1, x2, y2 = (boxes[..., i] for i in range(4))
    u1, v1, u2, v2 = (others[..., i] for i in range(4))
    widths = ops.minimum(x2, u2) - ops.maximum(x1, u1) + extent
    heights = ops.minimum(y2, v2) - ops.maximum(y1, v1) + extent
    common = ops.maximum(widths, 0.0) * ops.maximum(heights, 0.0)
    area = (x2 - x1 + extent) * (y2 - y1 + extent)
    if of == "union":
        area = area + (u2 - u1 + extent) * (v2 - v1 + extent) - common
    return common / ops.maximum(area, 1e-6)
