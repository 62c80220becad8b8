"""Maps of classes as objects: masks and outlines that tools show and change."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from hrnet_tf.data.formats.label_checks import read_label
from hrnet_tf.data.formats.tools.writers.predicted import Found, FoundPicture

# Tools have nothing to draw for what is none of the things to find.
BACKGROUNDS = ("background", "_background_", "__background__", "unlabeled", "void")
# An outline leaves the pixels' edges by at most this, px.
_TOLERANCE = 0.5


def class_masks(found: Found, picture: FoundPicture) -> Iterator[tuple]:
    """Yields the name and the mask, bool `[H, W]`, of each class in a picture.

    The background is left out.
    """
    label_set = found.label_set
    assert label_set is not None and picture.labels is not None
    labels = label_set.lookup()[read_label(picture.labels)]
    for number in np.unique(labels):
        if number < label_set.num_classes:
            name = label_set.classes[number]
            if name.casefold() not in BACKGROUNDS:
                yield name, labels == number


def background_holes(found: Found, picture: FoundPicture) -> Iterator[np.ndarray]:
    """Yields the masks of connected background that objects enclose."""
    seen = np.zeros(picture.size, bool)
    for _, mask in class_masks(found, picture):
        seen |= mask
    for part in parts(~seen):
        edges = (part[0], part[-1], part[:, 0], part[:, -1])
        if not any(edge.any() for edge in edges):
            yield part


def drawn_classes(found: Found) -> list:
    """Returns the names of the classes that are drawn, in their order."""
    assert found.label_set is not None
    names = found.label_set.classes
    return [name for name in names if name.casefold() not in BACKGROUNDS]


def parts(mask: np.ndarray) -> Iterator[np.ndarray]:
    """Yields the connected parts of a mask, the largest first, as masks."""
    from scipy import ndimage

    numbered, count = ndimage.label(mask)
    sizes = np.bincount(numbered.ravel(), minlength=count + 1)[1:]
    for number in np.argsort(-sizes, kind="stable") + 1:
        yield numbered == number


def outline(mask: np.ndarray) -> np.ndarray:
    """Returns the outer line of a connected mask, without its holes.

    Args:
        mask: bool `[H, W]`, one part of `parts`.
    Returns:
        float64 `[N, 2]`, px from the corner of the picture, N at least 3, the last
        point not repeated; all pixels' centres lie inside.
    """
    # It comes with matplotlib, which draws by it.
    import contourpy

    # Twice the size: lines do not cut corners by half a pixel.
    doubled = np.kron(np.pad(mask, 1), np.ones((2, 2)))
    lines: Any = contourpy.contour_generator(z=doubled, fill_type="OuterOffset")
    points, offsets = lines.filled(0.5, 2.0)
    largest = max(range(len(points)), key=lambda i: offsets[i][1])
    ring = points[largest][: offsets[largest][1] - 1]
    return _simplified((ring + 0.5) / 2 - 1)


def _simplified(ring):
    """The ring with no more corners than its shape needs.

    Reference: Douglas & Peucker, 1973.
    """
    far = int(np.argmax(np.abs(ring - ring[0]).sum(1)))
    closed = np.concatenate([ring, ring[:1]])
    kept = {0, far}
    waiting = [(0, far), (far, len(ring))]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        a, b = closed[first], closed[last]
        along = b - a
        length = np.hypot(*along) or 1.0
        away = closed[first + 1 : last] - a
        distance = np.abs(along[0] * away[:, 1] - along[1] * away[:, 0]) / length
        worst = int(distance.argmax())
        if distance[worst] > _TOLERANCE:
            middle = first + 1 + worst
            kept.add(middle)
            waiting += [(first, middle), (middle, last)]
    if len(kept) < 3:
        return ring
    return ring[sorted(kept)]
