"""In what the two generations of HRNet's detectors differ."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Convention:
    """The arithmetic that a detector's weights were trained with.

    Files of both generations have the same names on the web; their outputs are wrong by
    a pixel or so, or by a class, where they are read as the other one.

    Attributes:
        name: str.
        extent: float. What is added to `x2 - x1` for a box's width: 1 where corners are
            the first and last pixel of a box, 0 where they are its borders.
        legacy_anchors: bool. True centres anchors on the middle of the first pixels and
            rounds them; False centres them on the cell's corner.
        aligned: bool. True takes the centre of a cell for its place in RoIAlign, half a
            cell from its corner.
        samples: int or None. Samples of a bin of RoIAlign along each side; None takes
            as many as its size in cells, rounded up.
        background_outputs: bool. True gives the background its own box deltas and mask
            logits, which nothing uses.
        background_first: bool. True where checkpoints have the background as the first
            class. In this package's tensors it is the last.
        class_offsets: bool. True moves the boxes of classes (or levels) apart before
            the non-maximum suppression, whose float32 rounding changes with that; False
            suppresses within each class.
        rpn_candidates: pair of int. Anchors of each level with the best scores that
            proposals are made of: in inference and in training.
        num_proposals: pair of int. Proposals of an image: in inference and in training.
        legacy_points: bool. One-stage detectors multiply scores by the centreness
            before the best of a level are taken, not after; at an overlap of 0.6.
    """

    name: str
    extent: float
    legacy_anchors: bool
    aligned: bool
    samples: int | None
    background_outputs: bool
    background_first: bool
    class_offsets: bool
    rpn_candidates: tuple[int, int]
    num_proposals: tuple[int, int]
    legacy_points: bool


CONVENTIONS = {
    # mmdetection 2 and 3.
    "mmdet": Convention(
        name="mmdet",
        extent=0.0,
        legacy_anchors=False,
        aligned=True,
        samples=None,
        background_outputs=False,
        background_first=False,
        class_offsets=True,
        rpn_candidates=(1000, 2000),
        num_proposals=(1000, 1000),
        legacy_points=False,
    ),
    # HRNet-Object-Detection and HRNet-FCOS, and mmdetection before its version 2.
    "official": Convention(
        name="official",
        extent=1.0,
        legacy_anchors=True,
        aligned=False,
        samples=2,
        background_outputs=True,
        background_first=True,
        class_offsets=False,
        rpn_candidates=(2000, 2000),
        num_proposals=(2000, 2000),
        legacy_points=True,
    ),
}


def convention_of(name: str) -> Convention:
    """Returns the `Convention` of a name.

    Args:
        name: str, a key of `CONVENTIONS`.
    Raises:
        ValueError: if there is none.
    """
    if name not in CONVENTIONS:
        raise ValueError(
            "convention must be 'mmdet' (mmdetection 2 and 3) or 'official'"
            " (HRNet-Object-Detection, HRNet-FCOS and mmdetection 1). Received:"
            f" convention={name!r}."
        )
    return CONVENTIONS[name]
