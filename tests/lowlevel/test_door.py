"""What `accelerate` changes in a model, and what it leaves as it is."""

import copy

import keras
import numpy as np
import pytest
from layer_cases import CASES
from layer_harness import as_model, assert_near, random_inputs, randomize, to_numpy

import hrnet_tf
from hrnet_tf.layers.conv_norm import ConvNorm
from hrnet_tf.layers.residual import BasicBlock
from hrnet_tf.lowlevel import accelerate

tensorflow_alone = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="TensorFlow alone is accelerated"
)


def small_model(**arguments):
    return hrnet_tf.HRNetPose.from_preset(
        "hrnet_test", image_size=(64, 64), num_keypoints=3, **arguments
    )


def dense_model():
    inputs = keras.Input((8,))
    return keras.Model(inputs, keras.layers.Dense(1)(inputs), name="small")


def operations(model):
    """How many convolutions and fused normalisations a training step has."""
    import tensorflow as tf

    @tf.function
    def step(images):
        with tf.GradientTape() as tape:
            outputs = model(images, training=True)
            loss = tf.add_n([tf.reduce_sum(x) for x in keras.tree.flatten(outputs)])
        return tape.gradient(loss, model.trainable_weights)

    images = tf.zeros((1, *model.input_shape[1:]))
    graph = step.get_concrete_function(images).graph
    names = [op.type for op in graph.get_operations()]
    return names.count("Conv2D"), names.count("FusedBatchNormV3")


# An hourglass is made of pre_activation, which is here. Over its small maps gradients
# of hundreds cancel out, and only their rounding would be compared.
COMPARED = [case for case in CASES if case != "hourglass"]


@tensorflow_alone
@pytest.mark.parametrize("case", COMPARED)
def test_changes_numbers_by_rounding_alone(case):
    """Outputs, gradients and moving statistics in training, and outputs after it."""
    import tensorflow as tf

    cls, arguments, shapes, _ = CASES[case]
    inputs = keras.tree.map_structure(tf.constant, random_inputs(shapes))
    found = []
    for accelerated in (False, True):
        keras.utils.set_random_seed(0)
        layer = cls(**{**arguments, **({"dropout": 0.0} if case == "context" else {})})
        layer(inputs)
        randomize(layer)
        model = as_model(layer, shapes)
        if accelerated:
            accelerate(model)

        @tf.function
        def step(model=model):
            with tf.GradientTape() as tape:
                outputs = keras.tree.flatten(model(inputs, training=True))
                loss = tf.add_n([tf.reduce_sum(x**2) for x in outputs])
            return outputs, tape.gradient(loss, model.trainable_weights)

        outputs, gradients = step()
        found.append([*outputs, *gradients, *model.non_trainable_weights])
        found[-1] += keras.tree.flatten(model(inputs, training=False))
    for a, b in zip(*(to_numpy(x) for x in found), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-3 * max(1, np.abs(b).max()))


@pytest.mark.slow
@tensorflow_alone
def test_the_amount_can_be_changed_and_taken_back():
    model = small_model()
    plain, _ = operations(model)
    counts = {}
    for amount in ("none", "light", "full", None, "none"):
        accelerate(model, amount)
        found = operations(model)
        # The same where it comes again.
        assert counts.setdefault(amount, found) == found
    assert counts["none"][0] == plain
    # Of the stem two convolutions, and of the bottleneck four.
    assert counts["light"][0] == plain + 6
    assert counts["full"][0] > counts["light"][0] + 10
    assert counts[None] == counts["light"]


@tensorflow_alone
def test_twice_is_once():
    model = small_model()
    accelerate(model, "none")
    once = operations(model)
    accelerate(model, "none")
    assert operations(model) == once


@tensorflow_alone
def test_subclasses_keep_a_call_of_their_own():
    class Doubled(ConvNorm):
        def call(self, inputs, training=None):
            return 2 * super().call(inputs, training=training)

    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, Doubled(4, activation=None)(inputs))
    x = random_inputs((2, 8, 8, 3))
    wanted = to_numpy(model(x, training=True))
    accelerate(model)
    assert np.abs(wanted).max() > 1
    np.testing.assert_allclose(to_numpy(model(x, training=True)), wanted, atol=1e-4)


@tensorflow_alone
@pytest.mark.parametrize(
    "amount", ["none", pytest.param("full", marks=pytest.mark.slow)]
)
def test_what_is_saved_cloned_and_exported_is_the_same(amount, tmp_path):
    import tensorflow as tf

    model = small_model()
    randomize(model)
    images = random_inputs((2, 64, 64, 3))
    wanted, config = to_numpy(model(images)), model.get_config()
    accelerate(model, amount)
    np.testing.assert_array_equal(to_numpy(model(images)), wanted)
    assert model.get_config() == config
    num_operations = operations(model)[1]
    model.save(tmp_path / "model.keras")
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    copied = copy.deepcopy(model)
    for again in (
        keras.saving.load_model(tmp_path / "model.keras"),
        type(model).from_config(config),
        clone,
        copied,
    ):
        again.set_weights(model.get_weights())
        # Keras clones to its own class.
        assert again is clone or again.get_config() == config
        np.testing.assert_array_equal(to_numpy(again(images)), wanted)
        if again is clone or again is copied:
            # An own, which was not accelerated.
            assert operations(again)[1] < num_operations
    model.export(tmp_path / "exported", format="tf_saved_model", verbose=False)
    exported = tf.saved_model.load(str(tmp_path / "exported"))
    found = to_numpy(exported.serve(images))
    assert_near(found, keras.tree.flatten(wanted), 1e-5)


@tensorflow_alone
def test_fit_of_a_model_of_the_user():
    x = random_inputs((8, 8, 8, 3))
    y = random_inputs((8, 8, 8, 4))
    losses = []
    for accelerated in (False, True):
        keras.utils.set_random_seed(0)
        inputs = keras.Input((8, 8, 3))
        model = keras.Model(inputs, BasicBlock(4)(inputs))
        if accelerated:
            accelerate(model)
        model.compile(keras.optimizers.SGD(1e-2), "mse", jit_compile=False)
        history = model.fit(x, y, batch_size=4, epochs=3, shuffle=False, verbose=0)
        losses.append(history.history["loss"])
    assert losses[0][-1] < losses[0][0]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-4)


def test_needs_layers_that_can_recompute():
    accelerate(dense_model())
    accelerate(dense_model(), "none")
    if keras.backend.backend() == "tensorflow":
        with pytest.raises(ValueError, match="'small' has no layer that can recompute"):
            accelerate(dense_model(), "light")


def test_names_unknown_amounts():
    with pytest.raises(ValueError, match="none, light, full, or None. Received: True"):
        accelerate(small_model(), True)


def test_other_backends_keep_the_layers_own_calls(monkeypatch):
    model = small_model()
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    for amount in (None, "none"):
        accelerate(model, amount)
        assert not any("call" in vars(layer) for layer in model.layers)
    for amount in ("light", "full"):
        with pytest.raises(ValueError, match=f"alone. Received: recompute='{amount}'"):
            accelerate(model, amount)
