"""What every layer of the package must do, checked for one layer by one call."""

import inspect
import json

import keras
import numpy as np

from hrnet_tf.layers.normalized import sublayers

_ANY = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def run_layer_test(
    cls,
    init_kwargs,
    input_shapes,
    expected_output_shape,
    folder,
    expected_mixed_dtype="bfloat16",
    closeness=1e-4,
    compiled=True,
):
    """Checks shapes, configuration, saving, mixed precision, gradients and tracing.

    Args:
        cls: class of the layer.
        init_kwargs: dict of its arguments.
        input_shapes: a tuple, or a list of tuples for a layer of several inputs; with
            the batch.
        expected_output_shape: a tuple, or a list of tuples.
        folder: Path, to write models to.
        expected_mixed_dtype: str. The outputs' type in mixed_bfloat16.
        closeness: float. How far outputs that XLA computes may be from the others, of
            the largest.
        compiled: bool. False leaves out what XLA computes, which compiles for long.
    Returns:
        The layer, built.
    """
    inputs = random_inputs(input_shapes)
    layer = cls(**init_kwargs)
    outputs = to_numpy(layer(inputs))
    check_shapes(layer, input_shapes, outputs, expected_output_shape)
    randomize(layer)
    outputs = to_numpy(layer(inputs))
    check_config(cls, layer, init_kwargs, inputs, outputs)
    model = as_model(layer, input_shapes)
    check_saving(model, layer, inputs, outputs, folder)
    check_mixed_precision(cls, init_kwargs, inputs, expected_mixed_dtype)
    if keras.backend.backend() == "tensorflow":
        if compiled:
            check_compiled(model, inputs, outputs, closeness)
        check_exported(model, inputs, outputs, folder, closeness)
        check_gradients(layer, inputs)
    return layer


def random_inputs(shapes, seed=0):
    """Normal float32 arrays, in a list where there are several."""
    rng = np.random.default_rng(seed)
    if isinstance(shapes, tuple):
        return rng.normal(size=shapes).astype("float32")
    return [rng.normal(size=shape).astype("float32") for shape in shapes]


def randomize(layer, seed=1):
    """Gives all weights values that tell one from another; variances are positive."""
    rng = np.random.default_rng(seed)
    for weight in layer.weights:
        weight.assign(rng.uniform(0.1, 0.4, weight.shape) * (-1) ** rng.integers(2))
        if weight.name == "moving_variance":
            weight.assign(rng.uniform(0.5, 1.5, weight.shape))


def to_numpy(outputs):
    """Float32 arrays in the structure of the outputs."""
    return keras.tree.map_structure(
        lambda x: keras.ops.convert_to_numpy(keras.ops.cast(x, "float32")), outputs
    )


def assert_equal(found, wanted):
    keras.tree.assert_same_structure(found, wanted)
    for a, b in zip(keras.tree.flatten(found), keras.tree.flatten(wanted), strict=True):
        np.testing.assert_array_equal(a, b)


def assert_near(found, wanted, closeness):
    for a, b in zip(keras.tree.flatten(found), keras.tree.flatten(wanted), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=closeness * np.abs(b).max())


def as_model(layer, input_shapes):
    """A functional model of a layer alone, for batches of any size."""
    if isinstance(input_shapes, tuple):
        inputs = keras.Input(input_shapes[1:])
    else:
        inputs = [keras.Input(shape[1:]) for shape in input_shapes]
    return keras.Model(inputs, layer(inputs))


def check_shapes(layer, input_shapes, outputs, expected):
    found = [x.shape for x in outputs] if isinstance(outputs, list) else outputs.shape
    assert found == expected
    assert as_tuples(layer.compute_output_shape(input_shapes)) == expected
    # Keras asks with the sizes unknown that a model does not fix.
    unknown = keras.tree.map_shape_structure(
        lambda shape: (None, None, None, shape[-1]), input_shapes
    )
    announced = layer.compute_output_shape(unknown)
    first = announced[0] if isinstance(expected, list) else announced
    assert first[0] is None
    assert first[-1] == (expected[0] if isinstance(expected, list) else expected)[-1]


def as_tuples(shapes):
    return [tuple(s) for s in shapes] if isinstance(shapes, list) else tuple(shapes)


def check_config(cls, layer, init_kwargs, inputs, outputs):
    config = layer.get_config()
    parameters = inspect.signature(cls.__init__).parameters.values()
    named = {p.name for p in parameters if p.kind not in _ANY} - {"self"}
    assert named | set(init_kwargs) <= set(config), "an argument is not in the config"
    for name in named:
        assert hasattr(layer, name), f"the argument {name} is stored under no such name"
    again = cls.from_config(config)
    assert again.get_config() == config
    # As in a file, which has no tuples.
    stored = json.loads(json.dumps(keras.saving.serialize_keras_object(layer)))
    again = keras.saving.deserialize_keras_object(stored)
    assert type(again) is cls
    again(inputs)
    assert [w.path.split("/")[1:] for w in again.weights] == [
        w.path.split("/")[1:] for w in layer.weights
    ]
    again.set_weights(layer.get_weights())
    assert_equal(to_numpy(again(inputs)), outputs)


def check_saving(model, layer, inputs, outputs, folder):
    path = folder / "model.keras"
    model.save(path)
    again = keras.saving.load_model(path)
    assert_equal(to_numpy(again(inputs)), to_numpy(model(inputs)))
    assert_equal(keras.tree.flatten(to_numpy(again(inputs))), flat(outputs))
    assert again.get_layer(layer.name).get_config() == layer.get_config()


def flat(outputs):
    return keras.tree.flatten(outputs)


def check_mixed_precision(cls, init_kwargs, inputs, expected_dtype):
    layer = cls(**init_kwargs, dtype="mixed_bfloat16")
    outputs = layer(inputs)
    found = {keras.backend.standardize_dtype(x.dtype) for x in flat(outputs)}
    assert found == {expected_dtype}
    assert {weight.dtype for weight in layer.weights} <= {"float32"}
    # A layer inside that was not told the policy would compute in the global one.
    assert {x.dtype_policy.name for x in sublayers(layer)} <= {"mixed_bfloat16"}
    symbolic = layer.compute_output_spec(
        keras.tree.map_structure(lambda x: keras.KerasTensor(x.shape), inputs)
    )
    assert {spec.dtype for spec in flat(symbolic)} == {expected_dtype}


def check_gradients(layer, inputs):
    import tensorflow as tf

    inputs = keras.tree.map_structure(tf.constant, inputs)
    with tf.GradientTape() as tape:
        tape.watch(keras.tree.flatten(inputs))
        options = {"training": True} if takes_training(layer) else {}
        outputs = layer(inputs, **options)
        loss = tf.add_n([tf.reduce_sum(x**3) for x in flat(outputs)])
    wanted = [*layer.trainable_weights, *keras.tree.flatten(inputs)]
    for gradient, source in zip(tape.gradient(loss, wanted), wanted, strict=True):
        name = getattr(source, "path", "an input")
        if gradient is None:
            # Of what an input is resized like, only the size counts.
            assert name == "an input" and isinstance(inputs, list), name
            continue
        assert gradient.shape == source.shape, name
        assert np.isfinite(gradient).all(), name


def takes_training(layer):
    return "training" in inspect.signature(type(layer).call).parameters


def check_compiled(model, inputs, outputs, closeness):
    import tensorflow as tf

    compiled = tf.function(lambda x: model(x, training=False), jit_compile=True)
    assert_near(to_numpy(compiled(inputs)), flat(outputs), closeness)


def check_exported(model, inputs, outputs, folder, closeness):
    import tensorflow as tf

    model.export(folder / "exported", format="tf_saved_model", verbose=False)
    exported = tf.saved_model.load(str(folder / "exported"))
    assert_near(to_numpy(exported.serve(inputs)), flat(outputs), closeness)
