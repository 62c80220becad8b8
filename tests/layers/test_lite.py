"""The layers of Lite-HRNet."""

import keras
import numpy as np
import pytest
from layer_harness import run_layer_test

from hrnet_tf.layers.lite.channel_weighting import ConditionalChannelWeighting
from hrnet_tf.layers.lite.cross_weighting import CrossResolutionWeighting
from hrnet_tf.layers.lite.depthwise_conv import DepthwiseConv2D
from hrnet_tf.layers.lite.depthwise_norm import DepthwiseNorm
from hrnet_tf.layers.lite.fusion import LiteFusion
from hrnet_tf.layers.lite.head import IterativeHead
from hrnet_tf.layers.lite.module import LiteModule
from hrnet_tf.layers.lite.separable_norm import SeparableNorm
from hrnet_tf.layers.lite.shuffle import halves, interleave
from hrnet_tf.layers.lite.shuffle_unit import ShuffleUnit
from hrnet_tf.layers.lite.spatial_weighting import SpatialWeighting
from hrnet_tf.layers.lite.stem import LiteStem
from hrnet_tf.layers.lite.transition import LiteTransition

MAP = (2, 6, 8, 4)
STREAMS = [(2, 8, 8, 8), (2, 4, 4, 16)]
CASES = {
    "depthwise": (DepthwiseConv2D, {"strides": 2}, (2, 7, 8, 4), (2, 4, 4, 4)),
    "depthwise_norm": (DepthwiseNorm, {"momentum": 0.8}, MAP, MAP),
    "separable": (SeparableNorm, {"filters": 3, "strides": 2}, MAP, (2, 3, 4, 3)),
    "spatial": (SpatialWeighting, {"reduction": 2}, MAP, MAP),
    "cross": (
        CrossResolutionWeighting,
        {"widths": (8, 16), "reduction": 4, "frozen_statistics": True},
        STREAMS,
        STREAMS,
    ),
    "weighting": (ConditionalChannelWeighting, {"widths": (8, 16)}, STREAMS, STREAMS),
    "shuffle_unit": (ShuffleUnit, {"momentum": 0.8}, MAP, MAP),
    "stem": (LiteStem, {"width": 8}, (2, 16, 8, 3), (2, 4, 2, 8)),
    "transition": (
        LiteTransition,
        {"widths": (6, 16)},
        [(2, 8, 8, 8)],
        [(2, 8, 8, 6), (2, 4, 4, 16)],
    ),
    "fusion": (LiteFusion, {"widths": (8, 16)}, STREAMS, STREAMS),
    "module": (LiteModule, {"widths": (8, 16), "num_blocks": 1}, STREAMS, STREAMS),
    "naive_module": (
        LiteModule,
        {"widths": (8, 16), "num_blocks": 1, "unit": "shuffle"},
        STREAMS,
        STREAMS,
    ),
    "head": (IterativeHead, {"widths": (8, 16)}, STREAMS, STREAMS[0]),
}
# The module holds most of the others.
QUICK = ("depthwise", "module")


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in CASES],
)
def test_layer(name, tmp_path):
    kind, arguments, shapes, expected = CASES[name]
    run_layer_test(
        kind, arguments, shapes, expected, tmp_path, compiled=name != "module"
    )


def test_depthwise_is_a_convolution_in_groups():
    layer = DepthwiseConv2D(strides=2)
    x = np.random.default_rng(0).normal(size=(1, 6, 6, 3)).astype("float32")
    found = np.array(layer(x))
    kernel = np.array(layer.kernel)
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    for channel in range(3):
        wanted = [
            [
                (
                    padded[0, r : r + 3, c : c + 3, channel] * kernel[..., 0, channel]
                ).sum()
                for c in (0, 2, 4)
            ]
            for r in (0, 2, 4)
        ]
        np.testing.assert_allclose(found[0, ..., channel], wanted, rtol=1e-5)


def test_channels_of_two_halves_take_turns():
    x = np.arange(6, dtype="float32").reshape(1, 1, 1, 6)
    found = np.array(interleave(*halves(keras.ops.convert_to_tensor(x))))
    assert found.ravel().tolist() == [0, 3, 1, 4, 2, 5]


def test_the_finest_stream_counts_twice():
    """With all else of a sum zero, what is left is its double, before a ReLU."""
    layer = LiteFusion((2, 4))
    streams = [np.ones((1, 4, 4, 2), "float32"), np.zeros((1, 2, 2, 4), "float32")]
    layer.build([x.shape for x in streams])
    for weight in layer.weights:
        if weight.path.endswith("gamma"):
            weight.assign(np.zeros(weight.shape))
    fine, coarse = layer(streams)
    np.testing.assert_array_equal(np.array(fine), 2 * streams[0])
    np.testing.assert_array_equal(np.array(coarse), streams[1])


def test_unknown_units_are_refused():
    with pytest.raises(ValueError, match="weighting.*unit='mobile'"):
        LiteModule((8, 16), unit="mobile")
