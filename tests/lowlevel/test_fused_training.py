"""The gradients that are written out are those that TensorFlow derives."""

import sys

import keras
import numpy as np
import pytest

from hrnet_tf.layers.batch_norm import BatchNorm
from hrnet_tf.layers.conv_norm import ConvNorm
from hrnet_tf.layers.residual import BasicBlock, Bottleneck
from hrnet_tf.lowlevel import accelerate, fused_norm
from hrnet_tf.lowlevel.fused_training import can_fuse
from hrnet_tf.lowlevel.recompute import recomputed

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="TensorFlow's kernels alone"
)
LAYERS = {
    "plain": (ConvNorm, {"filters": 4}),
    "strided": (ConvNorm, {"filters": 4, "strides": 2}),
    "linear": (ConvNorm, {"filters": 4, "kernel_size": 1, "activation": None}),
    "strided_point": (ConvNorm, {"filters": 4, "kernel_size": 1, "strides": 2}),
    "basic": (BasicBlock, {"filters": 3}),
    "projected": (BasicBlock, {"filters": 4, "strides": 2}),
    "bottleneck": (Bottleneck, {"filters": 2}),
}


def train(case, fuse, graph="step", dtype=None):
    """Outputs, gradients of the inputs and weights, and all weights after a step."""
    import tensorflow as tf

    kind, options = LAYERS[case]
    keras.utils.set_random_seed(0)
    layer = kind(dtype=dtype, **options)
    layer.build((None, 7, 8, 3))
    if fuse:
        accelerate(layer)
    rng = np.random.default_rng(0)
    for weight in layer.trainable_weights:
        weight.assign(rng.normal(0.5, 0.5, weight.shape))
    inputs = tf.constant(rng.normal(size=(4, 7, 8, 3)), layer.compute_dtype)
    upstream = tf.constant(rng.normal(size=layer.compute_output_shape(inputs.shape)))

    def forward(inputs):
        return layer(inputs, training=True)

    # A graph that is differentiated from outside of it.
    forward = tf.function(forward) if graph == "forward" else forward

    def step(inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = forward(inputs)
            loss = tf.reduce_sum(tf.cast(outputs, tf.float64) * upstream)
        return outputs, tape.gradient(loss, [inputs, *layer.trainable_weights])

    outputs, gradients = (tf.function(step) if graph == "step" else step)(inputs)
    assert outputs.dtype == layer.compute_dtype
    weights = layer.trainable_weights
    assert [g.dtype for g in gradients[1:]] == [w.dtype for w in weights]
    found = [outputs, *gradients, *layer.weights]
    return [keras.ops.convert_to_numpy(keras.ops.cast(x, "float64")) for x in found]


def assert_close(found, wanted, bound):
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=bound * max(1, np.abs(b).max()))


@pytest.mark.parametrize("graph", ["step", "forward", None])
@pytest.mark.parametrize("case", LAYERS)
def test_is_what_tensorflow_derives(case, graph):
    found = train(case, True, graph)
    assert_close(found, train(case, False, graph), 2e-5)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("case", ["strided", "projected", "bottleneck"])
def test_half_precision(case, dtype):
    found = train(case, True, dtype=dtype)
    if dtype == "mixed_float16":
        # TensorFlow's own is as far from the exact ones, and differs by processor.
        assert_close(found, train(case, False), 6e-3)
    else:
        # So few digits put ReLUs to the other side, the same ones in both.
        assert_close(found, train(case, False, dtype=dtype), 5e-2)


def test_without_tensorflow_s_private_interface(monkeypatch):
    from tensorflow.python import eager

    wanted = train("projected", True)
    monkeypatch.delattr(eager, "record")
    monkeypatch.setitem(sys.modules, "tensorflow.python.eager.record", None)
    assert_close(train("projected", True), wanted, 1e-6)


def test_normalisation_by_the_fused_kernel_is_the_plain_one():
    norm = BatchNorm(momentum=0.9)
    norm.build((None, 6, 5, 3))
    norm.gamma.assign([0.5, 1.0, 1.5])
    norm.beta.assign([1.0, 0.0, -1.0])
    norm.moving_mean.assign([1.0, 2.0, 3.0])
    x = np.random.default_rng(1).normal(2, 3, (4, 6, 5, 3)).astype("float32")
    outputs, mean, variance = norm.normalize_batch(x)
    expected = [
        0.9 * old + 0.1 * new
        for old, new in ((norm.moving_mean, mean), (norm.moving_variance, variance))
    ]
    found, _ = fused_norm.fused(norm, x, norm.gamma.value, norm.beta.value)
    np.testing.assert_allclose(found, outputs, rtol=1e-4, atol=1e-4)
    for found, wanted in zip(
        (norm.moving_mean, norm.moving_variance), expected, strict=True
    ):
        np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_statistics_move_once_where_all_is_computed_again():
    import tensorflow as tf

    images = tf.constant(np.random.default_rng(0).normal(size=(2, 6, 6, 3)), tf.float32)
    moved = []
    for again in (False, True):
        keras.utils.set_random_seed(0)
        layer = BasicBlock(3)
        layer.build(images.shape)
        accelerate(layer)

        @tf.function
        def step(layer=layer, again=again):
            def run(inputs):
                return [layer(*inputs, training=True)]

            with tf.GradientTape() as tape:
                (outputs,) = (recomputed if again else lambda f, x: f(x))(run, [images])
                loss = tf.reduce_sum(outputs**2)
            return tape.gradient(loss, layer.trainable_weights)

        step()
        moved.append([w.numpy() for w in layer.non_trainable_weights])
    for a, b in zip(*moved, strict=True):
        np.testing.assert_array_equal(a, b)


def test_keeps_no_activations_between_convolutions():
    """Kept are inputs, convolutions' results and outputs; the rest is made again."""
    import tensorflow as tf

    layer = BasicBlock(3)
    layer.build((2, 8, 8, 3))
    accelerate(layer)
    names = []

    @tf.function
    def step(images):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(images, training=True) ** 2)
        return tape.gradient(loss, layer.trainable_weights)

    graph = step.get_concrete_function(tf.zeros((2, 8, 8, 3))).graph
    names = [op.type for op in graph.get_operations()]
    # The first of two normalisations is computed again.
    assert names.count("FusedBatchNormV3") == 3
    assert names.count("Conv2D") == 2
    # Nor is anything made for gradients that nobody asks for.
    assert not {"IdentityN", "Fill", "ZerosLike"} & set(names)


class Derived(ConvNorm):
    def call(self, inputs, training=None):
        return -super().call(inputs, training=training)


def test_leaves_what_it_cannot_train():
    units = {name: ConvNorm(4, name=name) for name in ("free", "frozen", "fixed")}
    units["biased"] = ConvNorm(4, use_bias=True)
    units["precise"] = ConvNorm(4, dtype="float64")
    units["derived"] = Derived(4)
    for unit in units.values():
        unit.build((None, 8, 8, 3))
    units["frozen"].norm.frozen_statistics = True
    units["fixed"].trainable = False
    assert [name for name, unit in units.items() if can_fuse(unit)] == ["free"]
