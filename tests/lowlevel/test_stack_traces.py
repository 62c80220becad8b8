import keras
import numpy as np
import pytest

from hrnet_tf.distribution.model import ReplicatedModel
from hrnet_tf.layers.conv_norm import ConvNorm

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="needs the TensorFlow backend"
)


@pytest.fixture
def filtering():
    import tensorflow as tf

    yield tf.debugging
    tf.debugging.enable_traceback_filtering()


def files_of(step_name):
    """The files in the stack traces of each operation of a step."""
    import tensorflow as tf

    inputs = keras.Input((8, 8, 3))
    model = ReplicatedModel(inputs, ConvNorm(4)(inputs))
    model.compile("sgd", "mse", jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    batch = np.zeros((2, 8, 8, 3), "float32"), np.zeros((2, 8, 8, 4), "float32")
    step = tf.function(getattr(model, step_name), autograph=False)
    graph = step.get_concrete_function(batch).graph
    return {
        operation.name: {frame.filename for frame in operation.traceback}
        for operation in graph.get_operations()
        if operation.type in ("Conv2D", "Conv2DBackpropFilter", "Mean", "Relu")
    }


def of_libraries(files):
    return [
        file
        for file in files
        if file.startswith(tuple(f"{path}/" for path in library_folders()))
    ]


def library_folders():
    import tensorflow as tf

    return [keras.__path__[0], tf.__path__[0]]


@pytest.mark.parametrize("step", ["train_step", "test_step"])
def test_graphs_keep_the_lines_of_users_and_leave_out_those_of_libraries(step):
    found = files_of(step)

    assert any(file.endswith("conv_norm.py") for file in set().union(*found.values()))
    for files in found.values():
        assert any(file == __file__ for file in files)
        assert not of_libraries(files)


def test_all_lines_are_kept_on_request(filtering):
    filtering.disable_traceback_filtering()

    assert all(of_libraries(files) for files in files_of("train_step").values())
