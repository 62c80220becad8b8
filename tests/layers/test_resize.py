"""The gradient of nearest interpolation; fusion's tests compare what it gives."""

import keras
import numpy as np
import pytest

from hrnet_tf.layers.resize import ResizeLike

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="TensorFlow's gradient"
)


def gradients(upstream, factors, dtype):
    """The layer's gradient, and that of TensorFlow's operation in float64."""
    import tensorflow as tf

    batch, *sides, channels = upstream.shape
    small = [side // factor for side, factor in zip(sides, factors, strict=True)]
    x = tf.zeros((batch, *small, channels), dtype)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = ResizeLike("nearest", dtype=dtype)([x, tf.zeros(upstream.shape, dtype)])
    wanted = tf.raw_ops.ResizeNearestNeighborGrad(
        grads=tf.cast(upstream, "float64"),
        size=small,
        align_corners=False,
        half_pixel_centers=True,
    )
    found = tape.gradient(y, x, tf.cast(upstream, dtype))
    assert found.dtype == dtype
    return found.numpy().astype("float64"), wanted.numpy()


@pytest.mark.parametrize("factors", [(1, 1), (2, 2), (8, 8), (4, 2), (3, 5)])
def test_sums_each_cell(factors):
    shape = (2, 8 * factors[0], 6 * factors[1], 5)
    upstream = np.random.default_rng(0).standard_normal(shape)
    found, wanted = gradients(upstream, factors, "float32")
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-5)


def test_rounds_once_in_half_precision():
    upstream = np.random.default_rng(0).standard_normal((2, 64, 64, 5))
    upstream = np.asarray(keras.ops.cast(upstream, "bfloat16"), "float64")
    found, wanted = gradients(upstream, (8, 8), "bfloat16")
    # Half of the last of eight bits; sums in half precision would be off by more.
    np.testing.assert_allclose(found, wanted, rtol=2**-8, atol=1e-4)


def test_without_static_sizes():
    import tensorflow as tf

    layer = ResizeLike("nearest")
    function = tf.function(
        lambda x, like: layer([x, like]),
        input_signature=[tf.TensorSpec((None, None, None, 3))] * 2,
    )
    x = np.arange(12, dtype="float32").reshape(1, 2, 2, 3)
    outputs = function(x, np.zeros((1, 4, 6, 3), "float32"))
    np.testing.assert_array_equal(outputs, x.repeat(2, 1).repeat(3, 2))


@pytest.mark.parametrize(("side", "supported"), [(64, True), (None, False)])
def test_xla_needs_static_sizes(side, supported):
    fine, coarse = (
        keras.Input((side and side // stride, side and side // stride, 3))
        for stride in (4, 8)
    )
    layer = ResizeLike("nearest")
    layer([coarse, fine])
    assert layer.supports_jit is supported
