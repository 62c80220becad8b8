"""Each private name of TensorFlow and Keras, and what is done where it is gone."""

import contextlib
import importlib
import re
import sys
import types
from pathlib import Path

import keras
import numpy as np
import pytest

import hrnet_tf
from hrnet_tf.distribution import uneven_batches
from hrnet_tf.lowlevel import internals
from hrnet_tf.lowlevel.recompute import held_back

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="mostly of TensorFlow"
)
PRIVATE = r"tensorflow\.(python|compiler)|keras\.src|__internal__"


def remove(monkeypatch, module, name=None):
    """Lets an import of a module, or of a name from it, fail.

    Those who have imported it before, as TensorFlow itself, keep it.
    """
    importlib.import_module(module)
    parent, _, last = module.rpartition(".")
    if name is None:
        monkeypatch.setitem(sys.modules, module, None)
        if hasattr(sys.modules[parent], last):
            monkeypatch.delattr(sys.modules[parent], last)
        return
    left = types.ModuleType(module)
    vars(left).update(vars(sys.modules[module]))
    delattr(left, name)
    monkeypatch.setitem(sys.modules, module, left)
    monkeypatch.setattr(sys.modules[parent], last, left)


def test_are_imported_in_one_file():
    root = Path(hrnet_tf.__file__).parent
    found = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if re.search(PRIVATE, path.read_text("utf-8"))
    }
    # That one names files to be left out of stack traces, and imports none.
    assert found == {"lowlevel/internals.py", "lowlevel/stack_traces.py"}
    text = (root / "lowlevel/stack_traces.py").read_text("utf-8")
    assert not re.search(rf"(import|from) .*({PRIVATE})", text)


def test_layers_know_nothing_of_this():
    layers = Path(hrnet_tf.__file__).parent / "layers"
    for path in layers.glob("*.py"):
        assert "lowlevel" not in path.read_text("utf-8"), path


def square_of(x):
    def gradient(upstream):
        # Another one than TensorFlow would derive.
        return [5.0 * upstream]

    return x * x, gradient


@pytest.mark.parametrize("gone", [None, "module", "name"])
@pytest.mark.parametrize("in_graph", [False, True])
def test_with_gradients(gone, in_graph, monkeypatch):
    import tensorflow as tf

    module = "tensorflow.python.eager.record"
    if gone:
        name = "record_operation" if gone == "name" else None
        remove(monkeypatch, module, name)

    def run(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = internals.with_gradients(square_of, [x])
        return y, tape.gradient(y, x)

    y, gradient = (tf.function(run) if in_graph else run)(tf.constant(3.0))
    assert (float(y), float(gradient)) == (9.0, 5.0)


@pytest.mark.parametrize("gone", [False, True])
def test_is_traced_for_xla(gone, monkeypatch):
    import tensorflow as tf

    if gone:
        module = "tensorflow.python.ops.control_flow_util"
        remove(monkeypatch, module, "GraphOrParentsInXlaContext")
    found = []
    for jit_compile in (False, True):

        @tf.function(jit_compile=jit_compile)
        def trace(x):
            found.append(internals.is_traced_for_xla())
            return x

        trace(tf.constant(1.0))
    assert found == [False, not gone]


@pytest.mark.parametrize("gone", [None, "module", "name"])
def test_xla_barrier(gone, monkeypatch):
    import tensorflow as tf

    module = "tensorflow.compiler.tf2xla.ops.gen_xla_ops"
    if gone:
        name = "xla_optimization_barrier" if gone == "name" else None
        remove(monkeypatch, module, name)
    gpus = [tf.config.PhysicalDevice("/physical_device:GPU:0", "GPU")]
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus)

    @tf.function(jit_compile=True)
    def run(x, y):
        return held_back([x, 2 * x], after=[y])

    found = run(tf.constant([1.0, 2.0]), tf.constant(3.0))
    np.testing.assert_array_equal(found, [[1, 2], [2, 4]])
    graph = run.get_concrete_function(tf.zeros(2), tf.zeros(())).graph
    types = {op.type for op in graph.get_operations()}
    assert ("XlaOptimizationBarrier" in types) is (not gone)


@pytest.mark.parametrize("gone", [None, "module", "name"])
def test_without_files(gone, monkeypatch):
    import tensorflow as tf

    module = "tensorflow.python.util.tf_stack"
    if gone:
        remove(monkeypatch, module, "StackTraceFilter" if gone == "name" else None)
    with tf.Graph().as_default():
        with internals.without_files(lambda: frozenset({__file__})) as context:
            operation = tf.constant(1.0).op
    if gone:
        assert context is None
        monkeypatch.undo()
    files = {frame.filename for frame in operation.traceback}
    assert (__file__ in files) is bool(gone)


def test_without_files_is_left_again():
    import tensorflow as tf

    with tf.Graph().as_default():
        with contextlib.suppress(ZeroDivisionError):
            with internals.without_files(lambda: frozenset({__file__})):
                raise ZeroDivisionError
        operation = tf.constant(1.0).op
    assert __file__ in {frame.filename for frame in operation.traceback}


@pytest.mark.parametrize("gone", [False, True])
def test_with_constants(gone, monkeypatch):
    import tensorflow as tf

    if gone:
        module = "tensorflow.python.framework.convert_to_constants"
        remove(monkeypatch, module, "convert_variables_to_constants_v2")
    weight = tf.Variable([2.0, 3.0])
    spec = tf.TensorSpec((None, 2), tf.float32)
    run = tf.function(lambda x: {"b": x * weight, "a": x + 1}, input_signature=[spec])
    frozen = internals.with_constants(run.get_concrete_function())
    x = tf.constant([[1.0, 10.0]])
    for name, value in run(x).items():
        np.testing.assert_array_equal(frozen(x)[name], value)
    weight.assign([0.0, 0.0])
    assert float(frozen(x)["b"][0, 1]) == (0.0 if gone else 30.0)


@pytest.mark.parametrize("gone", [False, True])
def test_once_for_all_replicas(gone, monkeypatch):
    import tensorflow as tf

    if gone:
        interim = tf.__internal__.distribute.interim
        monkeypatch.delattr(interim, "maybe_merge_call")
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    with strategy.scope():
        variable = tf.Variable(0.0, aggregation=tf.VariableAggregation.MEAN)

    def add(strategy, value):
        def step(variable, value):
            variable.assign_add(value)

        strategy.extended.update(variable, step, args=(value,))

    def replica():
        internals.once_for_all_replicas(add, tf.constant(2.0))

    strategy.run(replica)
    tf.function(lambda: strategy.run(replica))()
    assert float(variable.read_value()) == 4.0


@pytest.mark.parametrize("gone", [None, "module", "name"])
def test_jax_epoch_iterator(gone, monkeypatch):
    pytest.importorskip("jax")
    import keras.src.backend.jax.trainer as trainer

    if gone == "module":
        remove(monkeypatch, "keras.src.backend.jax.trainer")
    elif gone:
        monkeypatch.delattr(trainer.JAXEpochIterator, "_get_distributed_iterator")
    found = internals.jax_epoch_iterator()
    assert found is (None if gone else trainer.JAXEpochIterator)
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    mesh = keras.distribution.DeviceMesh((1,), ["batch"], ["cpu:0"])
    spread = keras.distribution.DataParallel(device_mesh=mesh)
    monkeypatch.setattr(keras.distribution, "distribution", lambda: spread)
    # Else `evaluate` is Keras' own.
    assert uneven_batches.has_devices() is (not gone)
