"""Convolutions in half precision on processors that have none."""

import sys

import keras
import numpy as np
import pytest

import hrnet_tf
from hrnet_tf.layers.conv_norm import ConvNorm
from hrnet_tf.layers.convolution import Conv2D
from hrnet_tf.layers.deconv_norm import DeconvNorm
from hrnet_tf.lowlevel import accelerate, half_precision
from hrnet_tf.lowlevel.half_precision import is_emulated, use_float32_kernels

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="TensorFlow's kernels alone"
)
HALF = ["bfloat16", "float16"]


@pytest.fixture
def flags(monkeypatch):
    """Sets the processor's instruction sets."""

    def set_flags(*names):
        monkeypatch.setattr(half_precision, "_processor_flags", lambda: set(names))
        is_emulated.cache_clear()

    yield set_flags
    is_emulated.cache_clear()


def test_reads_the_processor(flags):
    flags("avx2")
    assert [is_emulated(d) for d in ("float32", *HALF)] == [False, True, True]
    # With these alone oneDNN emulates bfloat16.
    flags("avx2", "avx512f")
    assert is_emulated("bfloat16")
    flags("avx2", "avx512f", "avx512_bf16")
    assert [is_emulated(d) for d in ("float32", *HALF)] == [False, False, True]
    flags()
    assert is_emulated("bfloat16")


@pytest.mark.skipif(sys.platform != "linux", reason="read from Linux' list")
def test_this_processor_has_instructions():
    assert {"fpu", "fp"} & half_precision._processor_flags()


def gradients(layer, inputs):
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs, training=True)
        loss = tf.reduce_sum(tf.cast(outputs, tf.float32) ** 3)
    return outputs, tape.gradient(loss, [inputs, *layer.trainable_variables])


@pytest.mark.parametrize("dtype", HALF)
@pytest.mark.parametrize(
    "kind, options",
    [
        (ConvNorm, {}),
        (ConvNorm, {"strides": 2}),
        (ConvNorm, {"kernel_size": 1, "use_bias": True}),
        (DeconvNorm, {}),
    ],
)
def test_is_the_emulated_convolution(flags, kind, options, dtype):
    import tensorflow as tf

    rng = np.random.default_rng(0)
    inputs = tf.constant(rng.normal(size=(2, 7, 8, 3)), dtype)
    layer = kind(4, dtype=f"mixed_{dtype}", **options)
    layer.build(inputs.shape)
    flags("avx512_bf16", "avx512_fp16")
    use_float32_kernels(layer)
    assert "convolution_op" not in vars(layer.conv) and "call" not in vars(layer.conv)
    wanted, wanted_gradients = gradients(layer, inputs)
    flags("avx2")
    use_float32_kernels(layer)
    found, found_gradients = gradients(layer, inputs)
    assert found.dtype == wanted.dtype == dtype
    bound = 4e-2 if dtype == "bfloat16" else 5e-3
    for a, b in zip(
        [found, *found_gradients], [wanted, *wanted_gradients], strict=True
    ):
        assert a.dtype == b.dtype
        a, b = (np.asarray(tf.cast(x, tf.float32)) for x in (a, b))
        assert np.abs(a - b).max() <= bound * max(np.abs(b).max(), 1)


def test_rounds_inputs_and_kernel(flags):
    """Products of numbers with seven bits are exact in float32."""
    import tensorflow as tf

    flags("avx2")
    layer = Conv2D(1, 1, use_bias=False, dtype="mixed_bfloat16")
    layer.build((None, 1, 1, 1))
    use_float32_kernels(layer)
    layer.kernel.assign([[[[1 + 2**-7 + 2**-12]]]])
    outputs = layer(tf.fill((1, 1, 1, 1), 1 + 2**-7 + 2**-12))
    assert outputs.dtype == tf.bfloat16
    assert float(tf.squeeze(outputs)) == 1 + 2**-6


def test_saved_models_hold_the_layer(tmp_path, flags):
    flags("avx2")
    inputs = keras.Input((4, 4, 2))
    model = keras.Model(inputs, Conv2D(3, 3, dtype="mixed_bfloat16")(inputs))
    use_float32_kernels(model)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    use_float32_kernels(again)
    x = np.ones((1, 4, 4, 2), "float32")
    np.testing.assert_array_equal(
        np.asarray(again(x), "float32"), np.asarray(model(x), "float32")
    )


def types_of_convolutions(model):
    import tensorflow as tf

    traced = tf.function(lambda x: model(x, training=False))
    graph = traced.get_concrete_function(tf.zeros((1, 64, 64, 3))).graph
    operations = graph.get_operations()
    kinds = ("Conv2D", "Conv2DBackpropInput")
    found = [op.get_attr("T").name for op in operations if op.type in kinds]
    return set(found), len(found)


def test_models_of_the_package_predict_by_fast_kernels(flags):
    """Without the training run's door."""
    arguments = {"image_size": (64, 64), "dtype": "mixed_bfloat16"}
    flags("avx512_bf16")
    model = hrnet_tf.HigherHRNetPose.from_preset("hrnet_test", **arguments)
    types, number = types_of_convolutions(model)
    # All but the heads', which are Keras' own.
    assert types == {"bfloat16", "float32"}
    flags("avx2")
    model = hrnet_tf.HigherHRNetPose.from_preset("hrnet_test", **arguments)
    assert types_of_convolutions(model) == ({"float32"}, number)


def test_models_of_users_get_fast_kernels_by_the_door(flags):
    flags("avx2")
    inputs = keras.Input((64, 64, 3))
    model = keras.Model(inputs, ConvNorm(4, dtype="mixed_bfloat16")(inputs))
    assert types_of_convolutions(model) == ({"bfloat16"}, 1)
    accelerate(model)
    assert types_of_convolutions(model) == ({"float32"}, 1)
