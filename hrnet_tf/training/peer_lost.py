"""The loss of another worker, told from other errors of TensorFlow."""

from hrnet_tf.training import exit_codes


class PeerLost(ValueError):
    """A run cannot go on for want of another worker; it can where all start again."""

    exit_code = exit_codes.PEER_LOST


def is_peer_lost(error, strategy):
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
