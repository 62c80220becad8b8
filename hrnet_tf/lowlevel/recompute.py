"""Activations that are computed again in the backward pass instead of being kept."""

import contextlib
import threading

import keras

AMOUNTS = ("none", "light", "full")


class _State(threading.local):
    # Replicas are traced in threads of their own.
    again = False


_state = _State()


def is_again():
    """Whether a forward pass is being repeated, which must leave no traces."""
    return _state.again


@contextlib.contextmanager
def _repeating():
    before, _state.again = _state.again, True
    try:
        yield
    finally:
        _state.again = before


def held_back(tensors, after):
    """Copies of tensors, for computing something again once others are there.

    XLA merges equal operations. For GPUs a barrier keeps the second ones apart; for
    CPUs it forgets the barrier before it orders operations, so that these would take
    time and save no memory, and it may merge them.

    Args:
        tensors, after: lists of tensors.
    Returns:
        A list of tensors.
    """
    import tensorflow as tf

    if _is_compiled_for_gpus():
        from tensorflow.compiler.tf2xla.ops import gen_xla_ops

        held = gen_xla_ops.xla_optimization_barrier([*tensors, *after])
        return list(held[: len(tensors)])
    with tf.control_dependencies(after):
        return [tf.identity(tensor) for tensor in tensors]


def _is_compiled_for_gpus():
    """Whether XLA will compile what is being traced, for GPUs."""
    import tensorflow as tf

    if not tf.config.list_physical_devices("GPU"):
        return False
    # Not of TensorFlow's public interface, as the barrier.
    from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext

    return GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())


def recomputed(function, inputs):
    """Calls a function whose intermediate results are not kept for the gradient.

    The backward pass calls the function again. It is told nothing of that, but
    `is_again` holds then, by which batch normalisations leave their statistics alone.

    Args:
        function: from a list of tensors to a list of tensors; may use variables.
        inputs: list of tensors.
    Returns:
        A list of tensors.
    Reference:
        Chen et al., arXiv 1604.06174.
    """
    import tensorflow as tf

    # `tf.recompute_grad` does the same in more operations and more time.
    @tf.custom_gradient
    def call(*tensors):
        def gradients(*upstream, variables=()):
            # The second pass must not start before the gradient has come this far.
            again = held_back(tensors, after=upstream)
            with tf.control_dependencies(upstream), tf.GradientTape() as tape:
                tape.watch(again)
                with _repeating():
                    outputs = function(again)
            return tape.gradient(outputs, [again, list(variables)], list(upstream))

        return function(list(tensors)), gradients

    return list(call(*inputs))


def set_recompute(model, amount="full"):
    """Makes a model trade time for memory in training, or stops that.

    With "light" only the outputs of the stem's convolutions and of the first stage's
    residual units are kept; what is inside is computed again in the backward pass.
    With "full" the same goes for all high-resolution modules.

    Args:
        model: model of this package, before it is compiled.
        amount: "none", "light" or "full".
    Raises:
        ValueError: if the amount is unknown, Keras runs on another backend than
            TensorFlow, or the model has no such layers.
    """
    if amount not in AMOUNTS:
        raise ValueError(
            f"amount must be one of {', '.join(AMOUNTS)}. Received: {amount!r}."
        )
    if amount != "none" and keras.backend.backend() != "tensorflow":
        raise ValueError(
            "Activations are recomputed with the TensorFlow backend alone. Received:"
            f" {keras.backend.backend()}."
        )
    large, rest = _layers(model)
    if not large + rest:
        raise ValueError(f"The model {model.name!r} has no layer that can recompute.")
    for layer in large:
        layer.recompute = amount != "none"
    for layer in rest:
        layer.recompute = amount == "full"


def default_amount(model):
    """ "light" for models that can recompute, with TensorFlow; else "none"."""
    able = keras.backend.backend() == "tensorflow" and any(_layers(model))
    return "light" if able else "none"


def _layers(model):
    """Layers whose activations are large, and the others that can recompute."""
    from hrnet_tf.layers.parallel import HighResolutionModule
    from hrnet_tf.layers.residual import Bottleneck

    large, rest = [], []
    for layer in model._flatten_layers():
        if layer.name.startswith(("stem_", "stage1_")) and hasattr(layer, "recompute"):
            large.append(layer)
        elif isinstance(layer, (HighResolutionModule, Bottleneck)):
            rest.append(layer)
    return large, rest
