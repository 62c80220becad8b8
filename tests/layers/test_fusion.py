"""The exchange between streams, against its definition."""

import keras
import numpy as np
import pytest

from hrnet_tf.layers.fusion import FusionBlock
from hrnet_tf.layers.parallel import HighResolutionModule, Transition

WIDTHS = (4, 8, 16)


def streams(widths=WIDTHS, side=16):
    rng = np.random.default_rng(0)
    return [
        rng.normal(0, 1, (2, side // 2**i, side // 2**i, w)).astype("float32")
        for i, w in enumerate(widths)
    ]


def test_every_output_is_the_relu_of_the_sum_over_all_streams():
    fusion = FusionBlock(WIDTHS)
    inputs = streams()
    outputs = fusion(inputs)
    x1 = fusion.up1to0_conv(inputs[1])
    x2 = fusion.up2to0_conv(inputs[2])
    expected = inputs[0] + np.repeat(np.repeat(x1, 2, 1), 2, 2)
    expected = expected + np.repeat(np.repeat(x2, 4, 1), 4, 2)
    np.testing.assert_allclose(outputs[0], np.maximum(expected, 0), atol=1e-5)
    x0 = fusion.down0to2_conv1(fusion.down0to2_conv0(inputs[0]))
    expected = x0 + fusion.down1to2_conv0(inputs[1]) + inputs[2]
    np.testing.assert_allclose(outputs[2], np.maximum(expected, 0), atol=1e-5)


@pytest.mark.parametrize("num_outputs", [None, 1, 2])
def test_shapes_are_announced_and_kept(num_outputs):
    fusion = FusionBlock(WIDTHS, num_outputs=num_outputs, interpolation="bilinear")
    inputs = streams()
    announced = fusion.compute_output_shape([x.shape for x in inputs])
    outputs = fusion(inputs)
    assert [tuple(y.shape) for y in outputs] == announced
    assert len(outputs) == (num_outputs or 3)


def test_the_last_strided_convolution_has_no_relu():
    fusion = FusionBlock(WIDTHS)
    assert fusion.down0to2_conv0.activation == "relu"
    assert fusion.down0to2_conv0.filters == 4
    assert fusion.down0to2_conv1.activation is None
    assert fusion.down0to2_conv1.filters == 16


def test_transition_opens_a_stream_and_keeps_the_others():
    transition = Transition((4, 8, 16, 32))
    inputs = streams()
    outputs = transition(inputs)
    assert [tuple(y.shape) for y in outputs] == transition.compute_output_shape(
        [x.shape for x in inputs]
    )
    np.testing.assert_array_equal(outputs[2], inputs[2])
    assert outputs[3].shape == (2, 2, 2, 32)
    assert len(transition.variables) == 5


@pytest.mark.parametrize(
    "layer",
    [
        FusionBlock(WIDTHS, num_outputs=2),
        HighResolutionModule(WIDTHS, num_blocks=2),
        Transition((4, 8, 16, 32)),
    ],
    ids=lambda layer: layer.name,
)
def test_configuration_round_trip(layer):
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    keras.utils.set_random_seed(0)
    assert len(again(streams())) == len(layer(streams()))
