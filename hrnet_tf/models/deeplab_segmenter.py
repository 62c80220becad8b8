"""A comparison system of the papers: DeepLab on a dilated ResNet."""

from collections.abc import Sequence
from typing import Any

import keras

from hrnet_tf.layers.conv_norm import ConvNorm
from hrnet_tf.layers.dilated import DilatedConvNorm
from hrnet_tf.layers.resize import ResizeLike
from hrnet_tf.models import vgg
from hrnet_tf.models.presets import DEEPLABS
from hrnet_tf.models.series_segmenter import SeriesSegmenter

STRIDES = (8, 16)
CONTEXT_FILTERS = 256


@keras.saving.register_keras_serializable(package="hrnet_tf")
class DeepLabSegmenter(SeriesSegmenter):
    """DeepLabv3: a ResNet that dilates in place of striding, and a spatial pyramid.

    Args:
        num_blocks: four ints. Bottlenecks of each stage.
        width: int. Channels of the first stage's 3x3 convolutions; 64 in ResNets.
        stride: 8 or 16. Pixels of the image a cell of the last map.
        dropout: float. Rate of the dropout behind the pyramid.
        name: str. Name of the model.
        **shared: see `SeriesSegmenter`.
    Call arguments:
        inputs: tensor `[B, H, W, 3]`.
        training: bool.
    Returns:
        Logits, float32 `[B, ceil(H / stride), ceil(W / stride), num_classes]`.
    Raises:
        ValueError: if an argument is out of its range.
    Reference:
        arXiv 1706.05587; the layers are those of torchvision's deeplabv3_resnet50 and
        deeplabv3_resnet101, without their auxiliary heads.
    """

    architectures = DEEPLABS

    def __init__(
        self,
        num_blocks: Sequence[int] = (3, 4, 6, 3),
        width: int = 64,
        stride: int = 8,
        dropout: float = 0.5,
        name: str = "deeplab_segmenter",
        **shared: Any,
    ) -> None:
        if stride not in STRIDES or len(num_blocks) != 4:
            raise ValueError(
                f"stride must be one of {STRIDES}, and num_blocks four integers."
                f" Received: stride={stride!r}, num_blocks={num_blocks!r}."
            )

        def body(x, unit, num_classes):
            x = _resnet(x, num_blocks, width, stride, unit)
            x = _pyramid(x, stride, dropout, unit)
            x = ConvNorm(CONTEXT_FILTERS, 3, name="mixer", **unit)(x)
            return vgg.head(x, num_classes, unit)

        own = {
            "num_blocks": tuple(num_blocks),
            "width": width,
            "stride": stride,
            "dropout": dropout,
        }
        super().__init__(body, own, name=name, **shared)


def _resnet(x, num_blocks, width, stride, unit):
    """Returns the last map of a ResNet, of the stride 8 or 16."""
    x = ConvNorm(width, 7, strides=2, name="stem_conv", **unit)(x)
    policy = unit["dtype"]
    x = keras.layers.ZeroPadding2D(1, dtype=policy, name="stem_pad")(x)
    x = keras.layers.MaxPooling2D(3, 2, dtype=policy, name="stem_pool")(x)
    now, dilation = 4, 1
    for stage, count in enumerate(num_blocks):
        for k in range(count):
            opens = stage > 0 and k == 0
            strides = 2 if opens and now < stride else 1
            # The first block of a stage that does not stride keeps the dilation.
            name = f"layer{stage + 1}_block{k}"
            x = _bottleneck(x, width * 2**stage, strides, dilation, name, unit)
            if opens:
                now *= strides
                dilation *= 2 // strides
    return x


def _bottleneck(x, filters, strides, dilation, name, unit):
    shortcut = x
    if strides > 1 or x.shape[-1] != 4 * filters:
        shortcut = ConvNorm(
            4 * filters,
            1,
            strides,
            activation=None,
            name=f"{name}_projection",
            **unit,
        )(x)
    y = ConvNorm(filters, 1, name=f"{name}_conv1", **unit)(x)
    if dilation > 1:
        y = DilatedConvNorm(filters, dilation, name=f"{name}_conv2", **unit)(y)
    else:
        y = ConvNorm(filters, 3, strides, name=f"{name}_conv2", **unit)(y)
    y = ConvNorm(4 * filters, 1, activation=None, name=f"{name}_conv3", **unit)(y)
    total = keras.layers.Add(dtype=unit["dtype"], name=f"{name}_add")([y, shortcut])
    return keras.layers.ReLU(dtype=unit["dtype"], name=f"{name}_relu")(total)


def _pyramid(x, stride, dropout, unit):
    """Returns the map of atrous spatial pyramid pooling."""
    policy = unit["dtype"]
    branches = [ConvNorm(CONTEXT_FILTERS, 1, name="context0", **unit)(x)]
    for k, rate in enumerate((12, 24, 36), start=1):
        # Those of the stride 8; half of them at 16.
        dilation = rate * 8 // stride
        branches.append(
            DilatedConvNorm(CONTEXT_FILTERS, dilation, name=f"context{k}", **unit)(x)
        )
    mean = keras.layers.GlobalAveragePooling2D(
        keepdims=True, dtype=policy, name="context_pool"
    )(x)
    mean = ConvNorm(CONTEXT_FILTERS, 1, name="context4", **unit)(mean)
    resize = ResizeLike("bilinear", dtype=policy, name="context_enlarge")
    branches.append(resize((mean, x)))
    x = keras.layers.Concatenate(dtype=policy, name="context_join")(branches)
    x = ConvNorm(CONTEXT_FILTERS, 1, name="context_mixer", **unit)(x)
    return keras.layers.Dropout(dropout, dtype=policy, name="context_dropout")(x)
