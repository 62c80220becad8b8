"""What the machine can do at most, and what else it did meanwhile."""

import os
import time
from pathlib import Path

# A share of the processor that other programs may take without being told.
QUIET = 0.1
_STAT = Path("/proc/stat")


def matrix_limit(size: int = 1536, seconds: float = 1.0) -> float:
    """Measures how fast this machine multiplies matrices of float32.

    Networks are convolutions, which are products of matrices: nothing computes them
    faster in the same precision.

    Args:
        size: int. Rows and columns.
        seconds: float. How long to try; the best time counts.
    Returns:
        float, floating point operations a second, two for each multiply-add.
    """
    import tensorflow as tf

    left, right = (tf.random.uniform((size, size)) for _ in range(2))
    product = tf.function(tf.matmul)
    product(left, right).numpy()
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        started = time.perf_counter()
        # Only what was read is certainly done.
        product(left, right)[0, 0].numpy()
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best


class Watch:
    """The share of the processor that other programs took since it was made.

    What child processes took counts as this program's own when they have ended.
    """

    def __init__(self) -> None:
        self._own, self._all = _own_seconds(), _busy_seconds()
        self._started = _now()

    def others(self) -> float | None:
        """float in 0..1; None where the system does not tell (it is no Linux)."""
        now = _busy_seconds()
        if now is None or self._all is None:
            return None
        cores = os.cpu_count() or 1
        total = cores * max(_now() - self._started, 1e-9)
        taken = now - self._all - (_own_seconds() - self._own)
        return min(max(taken / total, 0.0), 1.0)


_now = time.perf_counter


def _own_seconds():
    """CPU seconds of this process and of its children that have ended."""
    return sum(os.times()[:4])


def _busy_seconds():
    """CPU seconds of all programs; None where nothing tells."""
    try:
        fields = _STAT.read_text().split("\n", 1)[0].split()[1:]
        idle = int(fields[3]) + int(fields[4])
        # The first eight; guests are counted in them already.
        return (sum(map(int, fields[:8])) - idle) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None
