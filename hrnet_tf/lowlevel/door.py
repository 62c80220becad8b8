"""The door through which a model's layers get what makes their training fast."""

import types

import keras

from hrnet_tf.layers.batch_norm import BatchNorm
from hrnet_tf.layers.conv_norm import ConvNorm
from hrnet_tf.layers.normalized import sublayers
from hrnet_tf.layers.parallel import HighResolutionModule
from hrnet_tf.layers.residual import BasicBlock, Bottleneck
from hrnet_tf.lowlevel import fused_norm, fused_training
from hrnet_tf.lowlevel.half_precision import use_float32_kernels
from hrnet_tf.lowlevel.recompute import recomputed_call

AMOUNTS = ("none", "light", "full")
# What can be computed again: among the first layers, whose activations are the largest,
# and after them.
_LARGE = ("stem_", "stage1_")
_UNITS = (ConvNorm, BasicBlock, Bottleneck, HighResolutionModule)
_LATER = (Bottleneck, HighResolutionModule)
_KINDS = (BatchNorm, *_UNITS)


def accelerate(
    model: keras.Model | keras.layers.Layer, recompute: str | None = None
) -> None:
    """Makes the training of a model take less time and memory, with TensorFlow.

    Convolutions and normalisations get gradients that are written out, normalisations
    TensorFlow's fused kernel, and convolutions in half precision the kernels of float32
    on processors that have no others. Results differ from those of the layers' own
    code by rounding. Replaced is the `call` of single layers; what a model saves,
    exports and is cloned to is the same. Calling this again changes the amount.

    Args:
        model: `keras.Model` or layer, built, before its first step. Layers of this
            package are accelerated in it, at any depth; those of subclasses with a
            `call` of their own are left alone.
        recompute: "none", "light", "full" or None. What trades time for memory. With
            "light" only the outputs of the stem's convolutions and of the first stage's
            residual units are kept; what is inside is computed again in the backward
            pass. With "full" the same goes for all high-resolution modules. None means
            "light" where that is possible, else "none".
    Raises:
        ValueError: if the amount is unknown, or activations cannot be recomputed: Keras
            runs on another backend than TensorFlow, or the model has no such layers.
    """
    layers = [model, *sublayers(model)]
    repeated = _repeated(model, layers, recompute)
    if keras.backend.backend() != "tensorflow":
        return
    use_float32_kernels(model)
    for layer in layers:
        if not isinstance(layer, _KINDS):
            continue
        plain = types.MethodType(type(layer).call, layer)
        call = _fused_call(layer, plain)
        layer.call = recomputed_call(call) if layer in repeated else call  # type: ignore[method-assign]


def _repeated(model, layers, amount):
    """The layers whose activations are to be computed again, checked."""
    if amount not in (None, *AMOUNTS):
        raise ValueError(
            f"recompute must be one of {', '.join(AMOUNTS)}, or None."
            f" Received: {amount!r}."
        )
    able = keras.backend.backend() == "tensorflow"
    large = [x for x in layers if isinstance(x, _UNITS) and x.name.startswith(_LARGE)]
    rest = [x for x in layers if isinstance(x, _LATER) and x not in large]
    if amount in ("light", "full"):
        if not able:
            raise ValueError(
                "Activations are recomputed with the TensorFlow backend alone."
                f" Received: recompute={amount!r} with {keras.backend.backend()}. Leave"
                " it out, or set KERAS_BACKEND=tensorflow."
            )
        if not large + rest:
            raise ValueError(
                f"The model {model.name!r} has no layer that can recompute. Received:"
                f" recompute={amount!r}. Leave it out."
            )
    if amount == "none" or not able:
        return set()
    return {*large, *(rest if amount == "full" else ())}


def _fused_call(layer, plain):
    """A layer's call with the gradients that are written out; else `plain`."""
    # A subclass may compute something else.
    if type(layer).call is BatchNorm.call:
        return fused_norm.fused_call(layer, plain)
    if type(layer).call is ConvNorm.call:
        return fused_training.fused_call(lambda: ([layer], None, False), plain)
    if type(layer).call is BasicBlock.call:
        return fused_training.fused_call(
            lambda: (layer.units(), layer.projection, True), plain
        )
    return plain
