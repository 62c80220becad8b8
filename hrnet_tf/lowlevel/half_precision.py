"""Convolutions in half precision, for processors without such arithmetic."""

import functools
import re

import keras

from hrnet_tf.layers.convolution import Conv2D
from hrnet_tf.layers.deconv_norm import DeconvNorm
from hrnet_tf.layers.normalized import sublayers
from hrnet_tf.lowlevel.recompute import recomputed

# What oneDNN's convolutions need, of x86 and of Arm, as Linux lists them. With AVX-512
# alone it has kernels for bfloat16 too, which take longer than those of float32.
INSTRUCTIONS = {
    "bfloat16": {"avx512_bf16", "amx_bf16", "avx_ne_convert", "bf16"},
    "float16": {"avx512_fp16", "amx_fp16"},
}


@functools.cache
def is_emulated(dtype: str) -> bool:
    """Whether TensorFlow's convolutions of that type are slow on this machine.

    Without a processor's instructions for half precision (and without an accelerator)
    TensorFlow's convolution takes 2 to 30 times as long as that of float32.

    Args:
        dtype: str, for instance "bfloat16".
    """
    if dtype not in INSTRUCTIONS or keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU"):
        return False
    return not has_instructions(dtype)


def has_instructions(dtype: str) -> bool:
    """Whether this processor has instructions for half precision of that type.

    Args:
        dtype: "bfloat16" or "float16".
    """
    return bool(INSTRUCTIONS[dtype] & _processor_flags())


def _processor_flags():
    """The instruction sets of this processor; none where the system has no list."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            lines = re.findall(r"^(?:flags|Features)\s*:(.*)$", file.read(), re.M)
    except OSError:
        return set()
    return set(lines[0].split()) if lines else set()


def use_float32_kernels(model: keras.Model | keras.layers.Layer) -> None:
    """Lets a model's convolutions compute in float32 where half precision is emulated.

    Inputs, kernel and outputs are rounded to the compute dtype all the same, so that
    results are those of a machine that multiplies in half precision and sums in
    float32. Nothing changes where the processor has such arithmetic.

    Args:
        model: `keras.Model` or layer. `Conv2D` and `DeconvNorm` of this package are
            changed in it, at any depth.
    """
    for layer in (model, *sublayers(model)):
        if not is_emulated(getattr(layer, "compute_dtype", None)):
            continue
        if isinstance(layer, Conv2D):
            layer.convolution_op = functools.partial(_convolve, layer)  # type: ignore[method-assign]
        elif isinstance(layer, DeconvNorm):
            layer.conv.call = functools.partial(_convolve_transposed, layer.conv)


def _convolve(layer, inputs, kernel):
    return _in_float32(layer.convolve, inputs, kernel, layer.compute_dtype)


def _convolve_transposed(layer, inputs):
    convolve = functools.partial(
        keras.ops.conv_transpose,
        strides=layer.strides,
        padding=layer.padding,
    )
    return _in_float32(convolve, inputs, layer.kernel, layer.compute_dtype)


def _in_float32(function, inputs, kernel, dtype):
    """Calls a convolution in float32 and rounds its result to a type.

    What is kept for the gradient is of that type.

    Args:
        function: from a tensor and a kernel in float32 to a tensor.
        inputs: tensor.
        kernel: tensor or variable.
        dtype: str.
    """

    def widened(tensors):
        x = function(*(keras.ops.cast(tensor, "float32") for tensor in tensors))
        return [keras.ops.cast(x, dtype)]

    return recomputed(widened, [inputs, keras.ops.cast(kernel, dtype)])[0]
