"""How segmenters are tested: sizes, scales, windows and flips of each data set."""

import dataclasses
from typing import Any

# Of the last stream; images of other sizes than its multiples are best filled up.
COARSEST_STRIDE = 32
_CITYSCAPES_SCALES = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)
_ALL_SCALES = (*_CITYSCAPES_SCALES, 2.0)


@dataclasses.dataclass(frozen=True)
class SegmentationProtocol:
    """The rules of a test. Sizes are (height, width) in pixels.

    An image is first brought to the test's own size (`resize_to` or `short_side`). For
    each scale it is resized, run whole or in windows, and the exponentials of the
    logits are resized back and summed; the largest sum is the class.

    Attributes:
        scales: tuple of float.
        flip: bool. True averages the logits with those of the mirrored image.
        resize_to: size, or None. The image is warped to it, whatever its proportions.
        short_side: int or None, px. The image is resized to it, and padded to sides
            divisible by 8 with the mean colour.
        keep_padding: bool. True leaves that padding in the map that is resized to the
            label's size, as the official code does for ADE20K.
        long_side: int or None, px. The long side at scale 1; None keeps the image's.
        window: size, or None to run the image whole.
        stride: size, or None for two thirds of the window.
        shift_windows: bool. True moves the last windows inside the image; False fills
            them up with black.
        whole_up_to: float. Scales up to it are run whole in spite of `window`.
        pad_to_multiple: int or None. What is run is filled up with black to sides
            divisible by it. Where a side is not divisible by 32, the coarse streams
            have part of a cell more than fits, and so shift against the fine ones
            towards the end of the image; the official code leaves it at that.
    Raises:
        ValueError: if a value is out of its range.
    Reference:
        HRNet-Semantic-Segmentation, lib/datasets: multi_scale_inference.
    """

    scales: tuple[float, ...] = (1.0,)
    flip: bool = False
    resize_to: tuple[int, int] | None = None
    short_side: int | None = None
    keep_padding: bool = False
    long_side: int | None = None
    window: tuple[int, int] | None = None
    stride: tuple[int, int] | None = None
    shift_windows: bool = False
    whole_up_to: float = 0.0
    pad_to_multiple: int | None = None

    def __post_init__(self):
        object.__setattr__(self, "scales", tuple(float(s) for s in self.scales))
        if not self.scales or min(self.scales) <= 0:
            raise ValueError(
                f"scales must be positive numbers. Received: scales={self.scales}."
            )
        for name in ("resize_to", "window", "stride"):
            size = getattr(self, name)
            if size is None:
                continue
            size = tuple(size)
            if len(size) != 2 or any(not isinstance(s, int) or s < 1 for s in size):
                raise ValueError(
                    f"{name} must be a pair of positive integers (height, width) or"
                    f" None. Received: {name}={size}."
                )
            object.__setattr__(self, name, size)
        if self.resize_to is not None and self.short_side is not None:
            raise ValueError(
                "An image is resized either to a size or to a short side. Received:"
                f" resize_to={self.resize_to}, short_side={self.short_side}."
            )
        if self.stride is not None and self.window is None:
            raise ValueError(
                f"A stride needs a window. Received: stride={self.stride}, window=None."
            )
        if self.window is not None:
            stride = self.stride or tuple(max(2 * w // 3, 1) for w in self.window)
            object.__setattr__(self, "stride", stride)
            if any(s > w for s, w in zip(stride, self.window, strict=True)):
                raise ValueError(
                    "Windows further apart than their size leave gaps. Received:"
                    f" window={self.window}, stride={stride}."
                )


def _pascal_context(size, **rules):
    return SegmentationProtocol(
        scales=_ALL_SCALES, flip=True, long_side=520, window=(size, size), **rules
    )


# "pascal_context" is the test of the first release, "pascal_context_ocr" that of the
# object-contextual branch, which its HRNetV2 models share.
PROTOCOLS = {
    "whole": SegmentationProtocol(pad_to_multiple=COARSEST_STRIDE),
    "cityscapes": SegmentationProtocol(
        scales=_CITYSCAPES_SCALES,
        flip=True,
        long_side=2048,
        window=(1024, 2048),
        stride=(1024, 2048),
        shift_windows=True,
        whole_up_to=1.0,
    ),
    "pascal_context": _pascal_context(480),
    "pascal_context_ocr": _pascal_context(520, short_side=520),
    "lip": SegmentationProtocol(flip=True, resize_to=(473, 473)),
    "ade20k": _pascal_context(520, short_side=520, keep_padding=True),
    "coco_stuff": _pascal_context(520, short_side=520),
}


def load_protocol(
    name: str | SegmentationProtocol, **changes: Any
) -> SegmentationProtocol:
    """Returns a test by its name, with the rules that are to differ.

    Args:
        name: str, a key of `PROTOCOLS`; or a `SegmentationProtocol`.
        **changes: fields of `SegmentationProtocol`; None keeps the protocol's.
    Raises:
        ValueError: if there is no such test, or a rule is out of its range.
    """
    protocol = PROTOCOLS.get(name) if isinstance(name, str) else name
    if protocol is None:
        raise ValueError(
            f"protocol must be one of {tuple(PROTOCOLS)}. Received: {name!r}."
        )
    changes = {key: value for key, value in changes.items() if value is not None}
    if "window" in changes:
        changes.setdefault("stride", None)
    return dataclasses.replace(protocol, **changes)
