"""Every name that TensorFlow and Keras keep to themselves, and what is done without it.

A release may move or remove any of them. Each function here takes one, and has another
way that gives the same numbers: with more memory, more time or longer messages.
"""

import contextlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from hrnet_tf.typing import Tensor


def with_gradients(function: Callable[..., Any], inputs: Sequence[Tensor]) -> Tensor:
    """What `tf.custom_gradient` does, for tapes alone, in fewer operations.

    In graphs that one lets copies of all inputs through an operation whose gradient
    needs a tensor of zeros for each. Where a graph is differentiated from outside of
    it, without a tape, TensorFlow derives the gradients by its own means here.
    Without the tapes' records it is `tf.custom_gradient`.

    Args:
        function: from tensors to a tensor and the function of its gradients, without
            variables of its own.
        inputs: list of tensors.
    Returns:
        A tensor.
    """
    import tensorflow as tf

    try:
        from tensorflow.python.eager import record

        stop, record_operation = record.stop_recording, record.record_operation
    except (ImportError, AttributeError):
        return tf.custom_gradient(function)(*inputs)
    with stop():
        outputs, gradients = function(*inputs)
    record_operation(function.__name__, [outputs], inputs, gradients)
    return outputs


def is_traced_for_xla() -> bool:
    """Whether XLA will compile what is being traced.

    False where TensorFlow does not tell: XLA may then merge what is to be kept apart.
    """
    import tensorflow as tf

    try:
        from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext
    except ImportError:
        return False
    return bool(GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph()))


def xla_barrier(tensors: Sequence[Tensor]) -> list[Tensor] | None:
    """Copies of tensors that XLA makes when all of them are there.

    Args:
        tensors: list of tensors.
    Returns:
        A list of tensors, or None where TensorFlow has no such operation.
    """
    try:
        from tensorflow.compiler.tf2xla.ops import gen_xla_ops

        barrier = gen_xla_ops.xla_optimization_barrier
    except (ImportError, AttributeError):
        return None
    return list(barrier(tensors))


def without_files(files: Callable[..., Any]) -> AbstractContextManager[Any]:
    """A context in which graphs keep no lines of some files with their operations.

    Without TensorFlow's filters all lines are kept, which takes memory.

    Args:
        files: function without arguments that returns a set of their names.
    Returns:
        A context manager, for one thread and one `with` statement.
    """
    try:
        from tensorflow.python.util import tf_stack

        base: Any = tf_stack.StackTraceFilter
    except (ImportError, AttributeError):
        return contextlib.nullcontext()

    class Filter(base):
        def get_filtered_filenames(self):
            return files() | self.parent.get_filtered_filenames()

    return Filter()


def with_constants(function: Any) -> Callable[..., Any]:
    """A traced function whose variables have become constants, which run faster.

    TensorFlow can then compute ahead what depends on weights alone. Without its means
    the function stays as it is.

    Args:
        function: concrete function of a `tf.function`.
    Returns:
        A function of the same tensors, with the same outputs; later changes of the
        variables are not seen.
    """
    import tensorflow as tf

    try:
        from tensorflow.python.framework import convert_to_constants

        convert = convert_to_constants.convert_variables_to_constants_v2
    except (ImportError, AttributeError):
        return function
    frozen, structure = convert(function), function.structured_outputs
    return lambda *inputs: tf.nest.pack_sequence_as(
        structure, tf.nest.flatten(frozen(*inputs))
    )


def once_for_all_replicas(function: Callable[..., Any], *args: Any) -> None:
    """Calls a function of all replicas' values, from inside a replica.

    Where replicas need not meet for that, TensorFlow has a way to let them go on;
    without it they meet.

    Args:
        function: from a `tf.distribute.Strategy` and `args`, which come as values of
            all replicas; it returns nothing.
        *args: tensors.
    """
    import tensorflow as tf

    try:
        maybe_merge_call = tf.__internal__.distribute.interim.maybe_merge_call
    except AttributeError:
        tf.distribute.get_replica_context().merge_call(function, args=args)
    else:
        maybe_merge_call(function, tf.distribute.get_strategy(), *args)


def jax_epoch_iterator() -> type[Any] | None:
    """Keras' class of what `fit` and `evaluate` take batches from on JAX.

    Returns:
        A class, or None where Keras has none such; its own iterator then stops at a
        batch that the devices cannot share evenly.
    """
    try:
        from keras.src.backend.jax.trainer import JAXEpochIterator
    except ImportError:
        return None
    is_known = hasattr(JAXEpochIterator, "_get_distributed_iterator")
    return JAXEpochIterator if is_known else None
