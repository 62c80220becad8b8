"""Parameters and multiply-adds of the architectures, without building them."""

from typing import NamedTuple

from hrnet_tf.models.presets import architecture

_BOTTLENECK_EXPANSION = 4
# HRNetBackbone's, which cannot be asked without importing Keras.
DEFAULTS = {
    "num_modules": (1, 4, 3),
    "num_blocks": 4,
    "stem_width": 64,
    "stage1_width": 64,
    "stage1_blocks": 4,
}


class _Convolution(NamedTuple):
    """A convolution; `level` is how often its output's sides are halved."""

    kernel: int
    inputs: int
    outputs: int
    level: int
    # Parameters besides the kernel, for each output: 2 of a batch normalisation (the
    # moving statistics are no parameters), 1 of a bias.
    others: int = 2


def count_parameters(preset, num_keypoints=17, representation="v1"):
    """Returns the number of trainable parameters (int) of `HRNetPose`.

    Args:
        preset: str. One of `hrnet_tf.models.presets.ARCHITECTURES`.
        num_keypoints: int.
        representation: str. "v1" or "v2", see `HRNetPose`.
    Raises:
        ValueError: if the preset is unknown.
    """
    return sum(
        (c.kernel**2 * c.inputs + c.others) * c.outputs
        for c in _pose(preset, num_keypoints, representation)
    )


def count_macs(preset, image_size=(256, 192), num_keypoints=17, representation="v1"):
    """Returns the multiply-adds (int) of `HRNetPose` for one crop.

    Only convolutions are counted, as in the papers; their "GFLOPs" are these
    multiply-adds divided by 2**30.

    Args:
        preset, num_keypoints, representation: see `count_parameters`.
        image_size: (height, width) of the crop in pixels.
    Raises:
        ValueError: if the preset is unknown.
    """
    height, width = image_size
    # A stride rounds up: ceil(ceil(side / 2) / 2) = ceil(side / 4).
    return sum(
        c.kernel**2
        * c.inputs
        * c.outputs
        * -(-height // 2**c.level)
        * -(-width // 2**c.level)
        for c in _pose(preset, num_keypoints, representation)
    )


def _pose(preset, num_keypoints, representation):
    parts = {**DEFAULTS, **architecture(preset)}
    width = parts["width"]
    all_streams = representation == "v2"
    yield from _first_stage(parts)
    channels = [_BOTTLENECK_EXPANSION * parts["stage1_width"]]
    for stage, num_modules in enumerate(parts["num_modules"], start=2):
        widths = [width * 2**i for i in range(stage)]
        yield from _transition(channels, widths)
        channels = widths
        for module in range(num_modules):
            last = stage == 4 and module == num_modules - 1
            outputs = 1 if last and not all_streams else stage
            yield from _module(widths, parts["num_blocks"], outputs)
    if all_streams:
        # Convolution with bias, then batch normalisation.
        yield _Convolution(1, sum(channels), sum(channels), 2, others=3)
    features = sum(channels) if all_streams else width
    yield _Convolution(1, features, num_keypoints, 2, others=1)


def _first_stage(parts):
    stem, width = parts["stem_width"], parts["stage1_width"]
    yield _Convolution(3, 3, stem, 1)
    yield _Convolution(3, stem, stem, 2)
    inputs, outputs = stem, _BOTTLENECK_EXPANSION * width
    for _ in range(parts["stage1_blocks"]):
        yield _Convolution(1, inputs, width, 2)
        yield _Convolution(3, width, width, 2)
        yield _Convolution(1, width, outputs, 2)
        if inputs != outputs:
            yield _Convolution(1, inputs, outputs, 2)
        inputs = outputs


def _transition(channels, widths):
    for i, width in enumerate(widths):
        if i == len(channels):
            yield _Convolution(3, channels[-1], width, i + 2)
        elif channels[i] != width:
            yield _Convolution(3, channels[i], width, i + 2)


def _module(widths, num_blocks, num_outputs):
    for i, width in enumerate(widths):
        for _ in range(2 * num_blocks):
            yield _Convolution(3, width, width, i + 2)
    for target in range(num_outputs):
        for source, width in enumerate(widths):
            if source > target:
                yield _Convolution(1, width, widths[target], source + 2)
            for level in range(source + 1, target + 1):
                last = level == target
                yield _Convolution(
                    3, width, widths[target if last else source], level + 2
                )
