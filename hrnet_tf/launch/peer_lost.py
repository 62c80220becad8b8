"""The loss of another worker, told from other errors of TensorFlow."""

from typing import TYPE_CHECKING

from hrnet_tf.launch import exit_codes
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    import tensorflow as tf


# What TensorFlow puts around the message that matters.
_NOISE = (
    "Graph execution error",
    "Detected at node",
    "<stack traces",
    "File ",
    "[[",
    "Original stack",
)


class PeerLost(ValueError):
    """A run cannot go on for want of another worker; it can where all start again."""

    exit_code = exit_codes.PEER_LOST


def is_peer_lost(
    error: "tf.errors.OpError", strategy: "tf.distribute.Strategy | None"
) -> bool:
    """Whether an error tells that another worker is gone, or failed.

    Args:
        error: `tf.errors.OpError`.
        strategy: `tf.distribute.Strategy`, or None.
    """
    import tensorflow as tf

    if strategy is None:
        return False
    if strategy.num_replicas_in_sync == len(strategy.extended.worker_devices):
        return False
    lost = (
        tf.errors.AbortedError,
        tf.errors.CancelledError,
        tf.errors.DeadlineExceededError,
        tf.errors.UnavailableError,
    )
    # What ended another worker comes with its own code.
    return isinstance(error, lost) or "Collective ops is aborted" in error.message


def peer_lost_text(newest: PathLike | None, error: "tf.errors.OpError") -> str:
    """Says what to do about the loss of another worker.

    Args:
        newest: path of the run's newest saved state, or None.
        error: `tf.errors.OpError`.
    """
    begin = f"from {newest}" if newest else "from the beginning, for want of a state"
    return (
        "Another worker is gone, so that this one cannot go on either. Start all"
        f" workers again with the same command: they go on {begin}."
        f" ({first_line(error)})"
    )


def first_line(error: "tf.errors.OpError") -> str:
    """The line of a TensorFlow error that matters."""
    lines = [line.strip() for line in str(error.message).splitlines()]
    lines = [line for line in lines if line and not line.startswith(_NOISE)]
    return (lines[0] if lines else str(error)).rstrip(": ")
