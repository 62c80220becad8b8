"""Parameters and multiply-adds of the networks, without building them."""

from typing import Any

from hrnet_tf.models import counting_lite, counting_series
from hrnet_tf.models.counted import Convolution
from hrnet_tf.models.presets import ARCHITECTURES, RESNETS, architecture

_BOTTLENECK_EXPANSION = 4
# HRNetBackbone's, which cannot be asked without importing Keras.
DEFAULTS = {
    "num_modules": (1, 4, 3),
    "num_blocks": 4,
    "stem_width": 64,
    "stage1_width": 64,
    "stage1_blocks": 4,
}


def count_parameters(
    model: str, preset: str | dict[str, Any] | None, **head: Any
) -> int:
    """Returns the number of trainable parameters (int) of a model.

    Args:
        model: str. Name of the class, one of `MODELS`.
        preset: str. A preset of that class.
        **head: arguments of the class that change its head: `num_keypoints`,
            `num_classes`, `representation`, `heatmap_stride`, `with_masks`,
            `convention`, `num_channels`; and `exchanges` of the body.
    Raises:
        ValueError: if the model or the preset is unknown.
    """
    return sum(
        (c.kernel**2 * c.inputs + c.others) * c.outputs
        for c in _convolutions(model, preset, head)
    )


def count_macs(
    model: Any,
    preset: str | dict[str, Any] | None,
    image_size: tuple[int, int],
    **head: Any,
) -> int:
    """Returns the multiply-adds (int) of a model for one image.

    Only convolutions, transposed convolutions and linear layers are counted. The
    papers' "GFLOPs" are these multiply-adds divided by 2**30. Of two-stage detectors
    the heads are counted for all their proposals, and for the masks of 100 detections.

    Args:
        model, preset, **head: see `count_parameters`.
        image_size: (height, width) of the image in pixels.
    Raises:
        ValueError: if the model or the preset is unknown.
    """
    return sum(c.macs(image_size) for c in _convolutions(model, preset, head))


def count_activations(
    model: str, preset: str, image_size: tuple[int, int], **head: Any
) -> int:
    """Returns the values (int) of all convolutions' outputs for one image.

    Args:
        model, preset, image_size, **head: see `count_macs`.
    """
    found = _convolutions(model, preset, head)
    return sum(c.outputs * c.places(image_size) for c in found if c.kernel)


def _convolutions(model, preset, head):
    if model not in MODELS:
        raise ValueError(
            f"Unknown model. Received: model={model!r}."
            f" Expected one of: {', '.join(MODELS)}."
        )
    if model == "SimpleBaselinePose":
        yield from _simple_baseline(architecture(preset, RESNETS)["num_blocks"], **head)
        return
    if model in _SERIES:
        yield from MODELS[model](preset, **head)
        return
    parts = {**DEFAULTS, **architecture(preset, ARCHITECTURES)}
    one_stream = model == "HigherHRNetPose" or (
        model == "HRNetPose" and head.get("representation", "v1") == "v1"
    )
    first = {4: 0, 8: 1, 16: 2}[head.get("heatmap_stride", 4)]
    outputs = range(first, first + 1 if one_stream else 4)
    yield from _body(parts, outputs, head.pop("exchanges", "all"))
    yield from MODELS[model]([parts["width"] * 2**i for i in range(4)], **head)


def _body(parts, outputs, exchanges="all"):
    yield from _first_stage(parts)
    channels = [_BOTTLENECK_EXPANSION * parts["stage1_width"]]
    for stage, num_modules in enumerate(parts["num_modules"], start=2):
        widths = [parts["width"] * 2**i for i in range(stage)]
        yield from _transition(channels, widths)
        channels = widths
        for module in range(num_modules):
            ends = module == num_modules - 1
            last = stage == 4 and ends
            fused = (
                last or exchanges == "all" or (ends and exchanges == "across_stages")
            )
            made = outputs if last else range(stage if fused else 0)
            yield from _module(widths, parts["num_blocks"], made)


def _first_stage(parts):
    stem, width = parts["stem_width"], parts["stage1_width"]
    yield Convolution(3, 3, stem, 1)
    yield Convolution(3, stem, stem, 2)
    inputs = stem
    for _ in range(parts["stage1_blocks"]):
        yield from _bottleneck(inputs, width, 2)
        inputs = _BOTTLENECK_EXPANSION * width


def _bottleneck(inputs, width, level, strided=False):
    outputs = _BOTTLENECK_EXPANSION * width
    yield Convolution(1, inputs, width, level - strided)
    yield Convolution(3, width, width, level)
    yield Convolution(1, width, outputs, level)
    if strided or inputs != outputs:
        yield Convolution(1, inputs, outputs, level)


def _transition(channels, widths):
    for i, width in enumerate(widths):
        if i == len(channels):
            yield Convolution(3, channels[-1], width, i + 2)
        elif channels[i] != width:
            yield Convolution(3, channels[i], width, i + 2)


def _module(widths, num_blocks, outputs):
    for i, width in enumerate(widths):
        for _ in range(2 * num_blocks):
            yield Convolution(3, width, width, i + 2)
    for target in outputs:
        for source, width in enumerate(widths):
            if source > target:
                yield Convolution(1, width, widths[target], source + 2)
            for level in range(source + 1, target + 1):
                last = level == target
                yield Convolution(
                    3, width, widths[target if last else source], level + 2
                )


def _pose(widths, num_keypoints=17, representation="v1", heatmap_stride=4):
    if representation == "v2":
        yield from _mixed(widths, num_keypoints)
    else:
        stream = {4: 0, 8: 1, 16: 2}[heatmap_stride]
        yield Convolution(1, widths[stream], num_keypoints, stream + 2, others=1)


def _landmarks(widths, num_keypoints=98):
    yield from _mixed(widths, num_keypoints)


def _segmenter(widths, num_classes=19):
    yield from _mixed(widths, num_classes)


def _mixed(widths, outputs):
    channels = sum(widths)
    # Convolution with bias, then batch normalisation.
    yield Convolution(1, channels, channels, 2, others=3)
    yield Convolution(1, channels, outputs, 2, others=1)


def _ocr_segmenter(widths, num_classes=19):
    features, keys = 512, 256
    yield from _mixed(widths, num_classes)
    yield Convolution(3, sum(widths), features, 2, others=3)
    yield Convolution(1, features, keys, 2)
    yield Convolution(1, keys, keys, 2)
    # One place a class.
    yield Convolution(1, features, keys, 2, area=num_classes)
    yield Convolution(1, keys, keys, 2, area=num_classes)
    yield Convolution(1, features, keys, 2, area=num_classes)
    yield Convolution(1, keys, features, 2)
    yield Convolution(1, 2 * features, features, 2)
    yield Convolution(1, features, num_classes, 2, others=1)


def _classifier(widths, num_classes=1000, head_width=32):
    previous, final = None, 64 * head_width
    for i, inputs in enumerate(widths):
        width = head_width * 2**i
        yield from _bottleneck(inputs, width, i + 2)
        outputs = _BOTTLENECK_EXPANSION * width
        if previous:
            yield Convolution(3, previous, outputs, i + 2, others=3)
        previous = outputs
    yield Convolution(1, previous, final, 5, others=3)
    yield Convolution(1, final, num_classes, 5, others=1, area=1)


def _pyramid(widths, num_channels=256):
    yield Convolution(1, sum(widths), num_channels, 2, others=1)
    for level in range(2, 7):
        yield Convolution(
            3, num_channels, num_channels, level, others=1, rounds_down=True
        )


def _two_stage(
    widths, num_classes, num_stages, agnostic, with_masks, official, channels=256
):
    yield from _pyramid(widths, channels)
    # Shared by the levels: its parameters count once.
    for kernel, outputs in ((3, channels), (1, 3), (1, 12)):
        yield Convolution(kernel, channels, outputs, 2, others=1, levels=5)
    regions = 2000 if official else 1000
    deltas = 1 if agnostic else num_classes + official
    for _ in range(num_stages):
        for kernel, inputs, outputs in (
            (7, channels, 1024),
            (1, 1024, 1024),
            (1, 1024, num_classes + 1),
            (1, 1024, 4 * deltas),
        ):
            yield Convolution(kernel, inputs, outputs, 2, others=1, area=regions)
    # Masks of a hundred detections.
    cells = 100 * 14 * 14
    for _ in range(num_stages if with_masks else 0):
        for number in range(4):
            inputs = 256 if number else channels
            yield Convolution(3, inputs, 256, 2, others=1, area=cells)
        yield Convolution(2, 256, 256, 2, others=1, area=cells)
        masks = num_classes + official
        yield Convolution(1, 256, masks, 2, others=1, area=4 * cells)


def _faster_rcnn(
    widths, num_classes=80, with_masks=False, convention="mmdet", num_channels=256
):
    rules = with_masks, convention == "official", num_channels
    yield from _two_stage(widths, num_classes, 1, False, *rules)


def _cascade_rcnn(
    widths, num_classes=80, with_masks=False, convention="mmdet", num_channels=256
):
    rules = with_masks, convention == "official", num_channels
    yield from _two_stage(widths, num_classes, 3, True, *rules)


def _fcos(
    widths,
    num_classes=80,
    convention="mmdet",
    first_level=3,
    num_levels=5,
    num_channels=256,
):
    filters = num_channels
    yield Convolution(1, sum(widths), filters, 2, others=1)
    for level in range(first_level, first_level + num_levels):
        rounds_down = first_level == 2
        yield Convolution(3, filters, filters, level, others=1, rounds_down=rounds_down)
    # Scales and offsets of group normalisations, and biases before them.
    others = 3 if convention == "official" else 2
    for outputs, extra in (
        *((filters, others) for _ in range(8)),
        (num_classes, 1),
        (4, 1),
        (1, 1),
    ):
        yield Convolution(
            3, filters, outputs, first_level, others=extra, levels=num_levels
        )
    # The levels' scales of boxes.
    yield Convolution(0, 0, num_levels, first_level, others=1, area=0)


def _higher_pose(widths, num_keypoints=17):
    width = widths[0]
    yield Convolution(1, width, 2 * num_keypoints, 2, others=1)
    yield Convolution(4, width + 2 * num_keypoints, width, 2)
    for _ in range(8):
        yield Convolution(3, width, width, 1)
    yield Convolution(1, width, num_keypoints, 1, others=1)


def _simple_baseline(num_blocks, num_keypoints=17):
    yield Convolution(7, 3, 64, 1)
    inputs = 64
    for stage, count in enumerate(num_blocks):
        width = 64 * 2**stage
        for k in range(count):
            yield from _bottleneck(
                inputs, width, stage + 2, strided=bool(stage and not k)
            )
            inputs = _BOTTLENECK_EXPANSION * width
    for level in (5, 4, 3):
        yield Convolution(4, inputs, 256, level)
        inputs = 256
    yield Convolution(1, inputs, num_keypoints, 2, others=1)


# The convolutions of each class's head, from the streams' widths.
MODELS = {
    "HRNetPose": _pose,
    "HRNetLandmarks": _landmarks,
    "HRNetClassifier": _classifier,
    "HRNetSegmenter": _segmenter,
    "HRNetOCRSegmenter": _ocr_segmenter,
    "HRNetFeaturePyramid": _pyramid,
    "HRNetFasterRCNN": _faster_rcnn,
    "HRNetCascadeRCNN": _cascade_rcnn,
    "HRNetFCOS": _fcos,
    "HigherHRNetPose": _higher_pose,
    "SimpleBaselinePose": _simple_baseline,
    "LiteHRNetPose": counting_lite.convolutions,
    "StackedHourglassPose": counting_series.hourglass,
}
# Those without HRNet's body, from their presets.
_SERIES = ("LiteHRNetPose", "StackedHourglassPose")
