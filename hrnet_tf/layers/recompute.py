"""Activations that are computed again in the backward pass instead of being kept."""

import contextlib
import threading

import keras


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

    calls = []

    @tf.recompute_grad
    def call(*tensors):
        calls.append(None)
        with _repeating() if len(calls) > 1 else contextlib.nullcontext():
            return tuple(function(list(tensors)))

    return list(call(*inputs))


def set_recompute(model, enabled=True):
    """Makes a model trade time for memory in training, or stops that.

    Of the residual units of the first stage and of the high-resolution modules only the
    outputs are kept; what is inside is computed again in the backward pass.

    Args:
        model: model of this package, before it is compiled.
        enabled: bool.
    Raises:
        ValueError: if Keras runs on another backend than TensorFlow, or the model has
            no such layers.
    """
    if keras.backend.backend() != "tensorflow":
        raise ValueError(
            "Activations are recomputed with the TensorFlow backend alone. Received:"
            f" {keras.backend.backend()}."
        )
    from hrnet_tf.layers.parallel import HighResolutionModule
    from hrnet_tf.layers.residual import Bottleneck

    kinds = (HighResolutionModule, Bottleneck)
    layers = [layer for layer in model._flatten_layers() if isinstance(layer, kinds)]
    if not layers:
        raise ValueError(f"The model {model.name!r} has no layer that can recompute.")
    for layer in layers:
        layer.recompute = enabled
