"""Convolutions in half precision, for processors without such arithmetic."""

import functools
import re

import keras

from hrnet_tf.lowlevel.recompute import recomputed

# What oneDNN's convolutions need, of x86 and of Arm, as Linux lists them. With AVX-512
# alone it has kernels for bfloat16 too, which take longer than those of float32.
INSTRUCTIONS = {
    "bfloat16": {"avx512_bf16", "amx_bf16", "avx_ne_convert", "bf16"},
    "float16": {"avx512_fp16", "amx_fp16"},
}


@functools.cache
def is_emulated(dtype):
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
    return not INSTRUCTIONS[dtype] & _processor_flags()


def _processor_flags():
    """The instruction sets of this processor; none where the system has no list."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            lines = re.findall(r"^(?:flags|Features)\s*:(.*)$", file.read(), re.M)
    except OSError:
        return set()
    return set(lines[0].split()) if lines else set()


def in_float32(function, inputs, kernel, dtype):
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


@keras.saving.register_keras_serializable(package="hrnet_tf")
class Conv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` that computes in float32 where half precision is emulated.

    Inputs, kernel and outputs are rounded to the compute dtype all the same, so that
    results are those of a machine that multiplies in half precision and sums in
    float32.
    """

    def add_weight(self, *args, name=None, **kwargs):
        if name == "kernel":
            # Rounded where it is used, not for all layers at the step's begin.
            kwargs["autocast"] = False
        return super().add_weight(*args, name=name, **kwargs)

    def convolution_op(self, inputs, kernel):
        convolve = super().convolution_op
        kernel = keras.ops.cast(kernel, self.compute_dtype)
        if not is_emulated(self.compute_dtype):
            return convolve(inputs, kernel)
        return in_float32(convolve, inputs, kernel, self.compute_dtype)
