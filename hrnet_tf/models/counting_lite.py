"""The convolutions of Lite-HRNet, without building it."""

from collections.abc import Iterator
from typing import Any

from hrnet_tf.models.counted import Convolution
from hrnet_tf.models.presets import LITE_DEFAULTS, LITE_NETWORKS, architecture

_REDUCTION = 8
_SPATIAL_REDUCTION = 4


def convolutions(
    preset: str | dict[str, Any] | None, num_keypoints: int = 17
) -> Iterator[Convolution]:
    """Yields the convolutions (`Convolution`) of `LiteHRNetPose`.

    Args:
        preset: str. A preset of the class.
        num_keypoints: int.
    Raises:
        ValueError: if the preset is unknown.
    """
    parts = {**LITE_DEFAULTS, **architecture(str(preset), LITE_NETWORKS)}
    yield from _stem(parts["stem_width"])
    channels = [parts["stem_width"]]
    for stage, num_modules in enumerate(parts["num_modules"], start=2):
        widths = [parts["width"] * 2**i for i in range(stage)]
        for i, width in enumerate(widths):
            inputs = channels[min(i, len(channels) - 1)]
            if i == len(channels) or inputs != width:
                yield from _separable(inputs, width, i + 2)
        channels = widths
        for _ in range(num_modules):
            for _ in range(parts["num_blocks"]):
                naive = parts["unit"] == "shuffle"
                yield from (_shuffled if naive else _weighted)(widths)
            for target in range(stage):
                for source in range(stage):
                    yield from _exchange(widths, source, target)
    for i in range(3, -1, -1):
        yield from _separable(channels[i], channels[max(i - 1, 0)], i + 2)
    yield Convolution(1, channels[0], num_keypoints, 2, others=1)


def computed_twice(preset: str) -> Iterator[Convolution]:
    """Yields the convolutions that the official code computes a second time.

    They bring the finest stream to the others; the sums hold it twice. Here it is
    doubled, so that `count_macs` counts them once, as the papers do.

    Args:
        preset: str. A preset of `LiteHRNetPose`.
    """
    parts = {**LITE_DEFAULTS, **architecture(preset, LITE_NETWORKS)}
    for stage, num_modules in enumerate(parts["num_modules"], start=2):
        widths = [parts["width"] * 2**i for i in range(stage)]
        for _ in range(num_modules):
            for target in range(1, stage):
                yield from _exchange(widths, 0, target)


def _separable(inputs, outputs, level):
    yield Convolution(3, 1, inputs, level)
    yield Convolution(1, inputs, outputs, level)


def _stem(width):
    half = width // 2
    yield Convolution(3, 3, width, 1)
    yield from _separable(half, half, 2)
    yield Convolution(1, half, width, 1)
    yield from _separable(width, half, 2)


def _weighted(widths):
    halves = [width // 2 for width in widths]
    total, coarsest = sum(halves), len(widths) + 1
    yield Convolution(1, total, total // _REDUCTION, coarsest)
    yield Convolution(1, total // _REDUCTION, total, coarsest)
    for i, half in enumerate(halves):
        yield Convolution(3, 1, half, i + 2)
        between = half // _SPATIAL_REDUCTION
        yield Convolution(1, half, between, i + 2, others=1, area=1)
        yield Convolution(1, between, half, i + 2, others=1, area=1)


def _shuffled(widths):
    for i, width in enumerate(widths):
        half = width // 2
        yield Convolution(1, half, half, i + 2)
        yield from _separable(half, half, i + 2)


def _exchange(widths, source, target):
    """What brings a stream to another one."""
    if source > target:
        yield Convolution(1, widths[source], widths[target], source + 2)
    for level in range(source + 1, target + 1):
        last = level == target
        yield from _separable(
            widths[source], widths[target if last else source], level + 2
        )
