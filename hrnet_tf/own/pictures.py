"""Sizes of pictures, by their headers."""

from collections.abc import Sequence

import numpy as np

# So many tell how large pictures are.
_SAMPLE = 400


def picture_sizes(paths: Sequence[str], most: int = _SAMPLE) -> np.ndarray:
    """Returns the sizes of pictures, of some where there are many.

    Args:
        paths: list of str.
        most: int. So many are looked at, spread over the list.
    Returns:
        int array `[N, 2]` of (height, width), px, upright; empty if none can be read.
    """
    from hrnet_tf.io import noted_orientation, open_image

    step = max(1, -(-len(paths) // most))
    sizes = []
    for path in paths[::step]:
        try:
            with open_image(path) as image:
                lying = noted_orientation(image.info.get("exif")) >= 5
                sizes.append(image.size if lying else image.size[::-1])
        except (OSError, SyntaxError, ValueError):
            continue
    return np.array(sizes, int).reshape(-1, 2)


def usual_size(paths: Sequence[str]) -> tuple[int, int]:
    """Returns the median (height, width) of pictures, int, px."""
    sizes = picture_sizes(paths)
    if not len(sizes):
        return 224, 224
    height, width = np.median(sizes, axis=0)
    return int(height), int(width)
