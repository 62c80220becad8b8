"""The convolutions of the comparison systems of pose, without building them."""

from collections.abc import Iterator, Sequence
from typing import Any

from hrnet_tf.models.counted import Convolution
from hrnet_tf.models.presets import HOURGLASSES, architecture


def hourglass(
    preset: str | dict[str, Any] | None,
    num_keypoints: int = 17,
    depth: int = 4,
    stem_filters: Sequence[int] = (128, 128, 256),
) -> Iterator[Convolution]:
    """Yields the convolutions (`Convolution`) of `StackedHourglassPose`.

    Args:
        preset: str. A preset of the class.
        num_keypoints, depth, stem_filters: arguments of the class.
    Raises:
        ValueError: if the preset is unknown.
    """
    stacks = architecture(str(preset), HOURGLASSES)["num_stacks"]
    yield Convolution(7, 3, 64, 1, others=3)
    inputs = 64
    for level, outputs in zip((1, 2, 2), stem_filters, strict=True):
        yield from _block(inputs, outputs, level)
        inputs = outputs
    for k in range(stacks):
        for level in range(depth):
            yield from _block(inputs, inputs, level + 2)
            for _ in range(3 if level == depth - 1 else 2):
                yield from _block(inputs, inputs, level + 3)
        yield from _block(inputs, inputs, 2)
        yield Convolution(1, inputs, inputs, 2, others=3)
        yield Convolution(1, inputs, num_keypoints, 2, others=1)
        if k < stacks - 1:
            yield Convolution(1, inputs, inputs, 2, others=1)
            yield Convolution(1, num_keypoints, inputs, 2, others=1)


def _block(inputs, outputs, level):
    """A residual block with biases; normalisations come before their convolutions."""
    half = outputs // 2
    # A normalisation's scale and offset belong to the inputs here: those of the first
    # one are counted as convolutions without a kernel.
    yield Convolution(0, 0, inputs, level, others=2)
    yield Convolution(1, inputs, half, level, others=3)
    yield Convolution(3, half, half, level, others=3)
    yield Convolution(1, half, outputs, level, others=1)
    if inputs != outputs:
        yield Convolution(1, inputs, outputs, level, others=1)
