"""Activations that are computed again in the backward pass instead of being kept."""

import contextlib
import functools
import threading
from collections.abc import Callable, Sequence
from typing import Any

from hrnet_tf.lowlevel import internals
from hrnet_tf.typing import Tensor


class _State(threading.local):
    # Replicas are traced in threads of their own.
    again = False


_state = _State()


def is_again() -> bool:
    """Whether a forward pass is being repeated, which must leave no traces."""
    return _state.again


@contextlib.contextmanager
def _repeating():
    before, _state.again = _state.again, True
    try:
        yield
    finally:
        _state.again = before


def held_back(tensors: Sequence[Tensor], after: Sequence[Tensor]) -> list[Tensor]:
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

    held = None
    if tf.config.list_physical_devices("GPU") and internals.is_traced_for_xla():
        held = internals.xla_barrier([*tensors, *after])
    if held is not None:
        return held[: len(tensors)]
    with tf.control_dependencies(after):
        return [tf.identity(tensor) for tensor in tensors]


def recomputed(
    function: Callable[..., list[Tensor]], inputs: Sequence[Tensor]
) -> list[Tensor]:
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


def recomputed_call(call: Callable[..., Any]) -> Callable[..., Any]:
    """A layer's call whose activations are computed again in the backward pass.

    Args:
        call: the layer's call, of a tensor or a list of tensors.
    Returns:
        A function of the same arguments; without training it is `call`.
    """

    @functools.wraps(call)
    def recomputing(inputs, training=None):
        if not training:
            return call(inputs, training=training)
        if isinstance(inputs, (list, tuple)):
            return recomputed(lambda x: call(x, training=training), list(inputs))
        return recomputed(lambda x: [call(*x, training=training)], [inputs])[0]

    return recomputing
