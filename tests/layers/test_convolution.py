"""The gradient of strided 1x1 kernels, which oneDNN computes wrongly by itself."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from hrnet_tf.layers.conv_norm import ConvNorm
from hrnet_tf.layers.convolution import Conv2D
from hrnet_tf.lowlevel import accelerate

SIZES = [(2, 6, 8), (2, 7, 9), (1, 16, 12), (4, 16, 12)]
tensorflow_alone = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="TensorFlow's gradients"
)


def gradients(layer, inputs, upstream):
    """Outputs, and gradients of the inputs and the kernel, in NumPy."""
    import tensorflow as tf

    @tf.function
    def step(inputs, upstream):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=True)
        sources = [inputs, layer.trainable_weights[0]]
        return outputs, *tape.gradient(outputs, sources, upstream)

    return [x.numpy() for x in step(tf.constant(inputs), tf.constant(upstream))]


def wanted(inputs, kernel, upstream, strides):
    """The same in float64, from the definition of the convolution."""
    x = inputs.astype("float64")
    rows, columns = (slice(None, None, stride) for stride in strides)
    seen, kernel = x[:, rows, columns], kernel[0, 0].astype("float64")
    of_inputs = np.zeros_like(x)
    of_inputs[:, rows, columns] = upstream @ kernel.T
    of_kernel = np.einsum("bhwc,bhwd->cd", seen, upstream.astype("float64"))
    return seen @ kernel, of_inputs, of_kernel[None, None]


def assert_near(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5 * np.abs(b).max())


@tensorflow_alone
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "channels,filters,strides",
    [(1, 4, 2), (3, 4, 2), (3, 64, (2, 1)), (4, 8, 2), (7, 8, 3), (15, 4, 2)],
)
def test_is_that_of_the_definition(size, channels, filters, strides):
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(*size, channels)).astype("float32")
    layer = Conv2D(filters, 1, strides, use_bias=False)
    shape = layer(inputs).shape
    assert shape == layer.compute_output_shape(inputs.shape)
    upstream = rng.normal(size=shape).astype("float32")
    kernel = keras.ops.convert_to_numpy(layer.kernel)
    expected = wanted(inputs, kernel, upstream, layer.strides)
    assert_near(gradients(layer, inputs, upstream), expected)


@tensorflow_alone
@pytest.mark.parametrize("accelerated", [False, True])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels,filters", [(3, 4), (4, 8)])
def test_of_a_unit_is_that_of_the_definition(channels, filters, size, accelerated):
    """Of the projections of residual units, beneath their normalisation."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(*size, channels)).astype("float32")
    unit = ConvNorm(filters, 1, 2, activation=None)
    upstream = rng.normal(size=unit(inputs).shape).astype("float32")
    if accelerated:
        accelerate(unit)
    kernel = keras.ops.convert_to_numpy(unit.conv.kernel)
    convolved = wanted(inputs, kernel, upstream, (2, 2))[0]
    # The gradient of a normalisation by the statistics of a batch.
    axes = (0, 1, 2)
    deviation = np.sqrt(convolved.var(axes) + unit.norm.epsilon)
    normalised = (convolved - convolved.mean(axes)) / deviation
    through = upstream - upstream.mean(axes, dtype="float64")
    through -= normalised * (normalised * upstream).mean(axes)
    _, *expected = wanted(inputs, kernel, through / deviation, (2, 2))
    assert_near(gradients(unit, inputs, upstream), [normalised, *expected])


@tensorflow_alone
@pytest.mark.parametrize("accelerated", [False, True])
@pytest.mark.parametrize("channels,stride", [(15, 1), (16, 2)])
def test_no_gradient_strides_over_few_channels(channels, stride, accelerated):
    """Holds with processors too for which oneDNN computes rightly."""
    import tensorflow as tf

    unit = ConvNorm(4, 1, strides=2)
    unit.build((2, 6, 8, channels))
    if accelerated:
        accelerate(unit)

    @tf.function
    def step(inputs):
        with tf.GradientTape() as tape:
            outputs = unit(inputs, training=True)
        return tape.gradient(outputs, unit.trainable_weights)

    graph = step.get_concrete_function(tf.zeros((2, 6, 8, channels))).graph
    kind = "Conv2DBackpropFilter"
    found = [op for op in graph.get_operations() if op.type == kind]
    assert [op.get_attr("strides")[1] for op in found] == [stride]


@tensorflow_alone
@pytest.mark.slow
@pytest.mark.parametrize("instructions", ["AVX2", "AVX512_CORE"])
def test_with_the_kernels_of_other_processors(instructions):
    """In a process of its own, as oneDNN chooses its kernels once."""
    root = Path(__file__).parents[2]
    tests = [test_is_that_of_the_definition, test_of_a_unit_is_that_of_the_definition]
    names = [f"{__file__}::{test.__name__}" for test in tests]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *names],
        cwd=root,
        env={
            **os.environ,
            "ONEDNN_MAX_CPU_ISA": instructions,
            "TF_ENABLE_ONEDNN_OPTS": "1",
        },
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
