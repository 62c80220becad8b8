"""A comparison system of the papers: the fully convolutional network on VGG16."""

from typing import Any

import keras

from hrnet_tf.layers.resize import ResizeLike
from hrnet_tf.models import vgg
from hrnet_tf.models.presets import FCNS
from hrnet_tf.models.series_segmenter import SeriesSegmenter

STRIDES = (8, 16, 32)


@keras.saving.register_keras_serializable(package="hrnet_tf")
class FCNSegmenter(SeriesSegmenter):
    """VGG16 with convolutions for its linear layers, and scores of up to three sizes.

    Scores are enlarged bilinearly, where the authors' are by transposed convolutions
    that begin so; borders are filled up with zeros, where theirs have a hundred pixels.

    Args:
        stride: 8, 16 or 32. Pixels of the image a cell of the scores: with 16 those of
            the fourth pooling are added, with 8 those of the third one, too.
        linear_filters: int. Channels of what were the linear layers; 4096 in VGG16.
        normalized: bool. Whether batch normalisations follow the convolutions of the
            stages; VGG16 has none.
        dropout: float. Rate of the dropout behind what were the linear layers.
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
        arXiv 1411.4038.
    """

    architectures = FCNS

    def __init__(
        self,
        stride: int = 8,
        linear_filters: int = 4096,
        normalized: bool = False,
        dropout: float = 0.5,
        name: str = "fcn_segmenter",
        **shared: Any,
    ) -> None:
        if stride not in STRIDES:
            raise ValueError(
                f"stride must be one of {STRIDES}. Received: stride={stride!r}."
            )

        def body(x, unit, num_classes):
            return _fcn(
                x, unit, num_classes, stride, linear_filters, normalized, dropout
            )

        own = {
            "stride": stride,
            "linear_filters": linear_filters,
            "normalized": normalized,
            "dropout": dropout,
        }
        super().__init__(body, own, name=name, **shared)


def _fcn(x, unit, num_classes, stride, linear_filters, normalized, dropout):
    policy, pooled = unit["dtype"], {}
    stages = zip(vgg.VGG_FILTERS, vgg.VGG16_COUNTS, strict=True)
    for s, (width, count) in enumerate(stages):
        x = vgg.stage(x, width, count, f"stage{s}", unit, normalized)
        x = vgg.pool(x, f"pool{s}", unit)
        pooled[2 ** (s + 1)] = x
    for k, kernel in enumerate((7, 1)):
        x = vgg.conv(x, linear_filters, kernel, f"linear{k}", unit, normalized=False)
        x = keras.layers.Dropout(dropout, dtype=policy, name=f"dropout{k}")(x)
    scores = vgg.head(x, num_classes, unit)
    for finer in (16, 8):
        if finer < stride:
            break
        skip = vgg.head(pooled[finer], num_classes, unit, name=f"head{finer}")
        resize = ResizeLike("bilinear", dtype="float32", name=f"enlarge{finer}")
        scores = skip + resize((scores, skip))
    return scores
