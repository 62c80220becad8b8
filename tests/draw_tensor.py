"""Helpers for tests of this package and of code built on it."""

import zlib

import numpy as np


def draw_tensor(name, shape):
    """Draws the tensor that the reference numbers in tests/golden were made with.

    Every tensor of a PyTorch state dict comes from its own generator, seeded by its
    name, so that weights need not be stored.

    Args:
        name: str, the tensor's name in the official state dict.
        shape: sequence of int.
    Returns:
        A float32 array (int64 zeros for `num_batches_tracked`).
    """
    generator = np.random.default_rng(zlib.crc32(name.encode()))
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    if name.endswith("running_mean") or name.endswith(".bias"):
        values = generator.normal(0, 0.1, shape)
    elif name.endswith("running_var"):
        values = generator.uniform(0.5, 1.5, shape)
    elif len(shape) == 1:
        values = generator.uniform(0.4, 0.8, shape)
    else:
        values = generator.normal(0, (1 / np.prod(shape[1:])) ** 0.5, shape)
    return values.astype(np.float32)
