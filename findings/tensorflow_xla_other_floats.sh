#!/usr/bin/env bash
# TensorFlow: random floats of a seed, in a function that XLA compiles.
#
# Expectation: tf.random.stateless_uniform with a seed and an algorithm that is named
# (alg="philox") gives in tf.function(jit_compile=True) what it gives without: the numbers
# are a function of seed, shape and algorithm alone, documented to be equal on CPU and GPU.
# Seen with TensorFlow 2.21.0 on a CPU: the bits are equal (dtype uint32, the whole range),
# and all floats of them are others. Of 32 bits TensorFlow takes the lowest 23 for a float32
# in [0, 1), XLA the highest. So dropout masks, sampled boxes and mixed pictures of a seed
# are others as soon as a step is compiled, and losses of the two steps cannot be compared.
# A seed that is a constant of the function is not seen by XLA: its floats are equal, so that
# a short trial shows nothing.
#
# Exits with 0 if that is still so, and with 1 if anything of it has changed.
set -euo pipefail
unset PYTHONPATH
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q "tensorflow==2.21.0" "numpy==2.4.6"
cat > "$folder/floats.py" <<'PYTHON'
import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf

COUNT = 2012


def drawn(compiled):
    @tf.function(jit_compile=compiled)
    def draw(seed):
        bits = tf.random.stateless_uniform(
            [COUNT], seed, None, None, tf.uint32, alg="philox"
        )
        return bits, tf.random.stateless_uniform([COUNT], seed, alg="philox")

    return [array.numpy() for array in draw(tf.constant([1, 2]))]


def as_float(fractions):
    """Floats in [0, 1) of 23 bits each."""
    return (fractions | np.uint32(0x3F800000)).view(np.float32) - np.float32(1)


(bits, plain), (same_bits, other) = drawn(False), drawn(True)
print("TensorFlow", tf.__version__)
print("  bits that are equal with and without XLA:", (bits == same_bits).mean())
print("  floats that are:", (plain == other).mean(), plain[:3], other[:3])
lowest = (plain == as_float(bits & np.uint32(0x7FFFFF))).mean()
highest = (other == as_float(bits >> np.uint32(9))).mean()
print("  of the lowest 23 bits without XLA:", lowest, "of the highest with it:", highest)
seen = (bits == same_bits).all() and not (plain == other).any()
raise SystemExit(0 if seen and lowest == highest == 1 else 1)
PYTHON
"$folder/venv/bin/python" "$folder/floats.py"
