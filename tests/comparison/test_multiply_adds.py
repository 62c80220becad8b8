"""Multiply-adds of graphs against the counts that need none."""

import keras
import pytest

import hrnet_tf
from hrnet_tf.comparison.multiply_adds import count_multiply_adds
from hrnet_tf.layers.dilated import DilatedConvNorm
from hrnet_tf.models import counting


@pytest.mark.parametrize(
    ("name", "preset", "arguments"),
    [
        ("HRNetPose", "hrnet_test", {"representation": "v2"}),
        ("LiteHRNetPose", "lite_hrnet_test", {}),
    ],
)
def test_counts_are_those_of_the_formula(name, preset, arguments):
    model = getattr(hrnet_tf, name).from_preset(
        preset, load_weights=False, image_size=(64, 96), **arguments
    )
    wanted = counting.count_macs(name, preset, (64, 96), **arguments)
    assert count_multiply_adds(model) == wanted


def test_transposed_and_linear_layers_are_counted():
    inputs = keras.Input((6, 8, 3))
    x = keras.layers.Conv2DTranspose(5, 4, strides=2, padding="same")(inputs)
    x = keras.layers.DepthwiseConv2D(3, padding="same")(x)
    x = keras.layers.Dense(7)(keras.layers.GlobalAveragePooling2D()(x))
    wanted = 6 * 8 * 3 * 5 * 16 + 12 * 16 * 5 * 9 + 5 * 7
    assert count_multiply_adds(keras.Model(inputs, x)) == wanted


@pytest.mark.parametrize("dilation", [1, 2, 6, 24])
def test_what_dilated_kernels_are_filled_up_with_is_not_counted(dilation):
    inputs = keras.Input((9, 13, 3))
    x = DilatedConvNorm(5, dilation)(inputs)
    assert count_multiply_adds(keras.Model(inputs, x)) == 9 * 13 * 9 * 3 * 5
    x = keras.layers.DepthwiseConv2D(3, padding="same", dilation_rate=dilation)(inputs)
    assert count_multiply_adds(keras.Model(inputs, x)) == 9 * 13 * 9 * 3


def test_images_of_any_size_cannot_be_counted():
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(2, 3)(inputs))
    with pytest.raises(ValueError, match="of one size of images"):
        count_multiply_adds(model)
