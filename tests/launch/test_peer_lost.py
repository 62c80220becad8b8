"""The loss of another worker, told from a run's own errors."""

from types import SimpleNamespace

import pytest
import tensorflow as tf
from small_recipe import small_recipe

from hrnet_tf.launch.peer_lost import PeerLost, is_peer_lost
from hrnet_tf.training.run import explained


def strategy(replicas, here):
    """What is looked at of a strategy of so many replicas, some in this process."""
    extended = SimpleNamespace(worker_devices=["/cpu:0"] * here)
    return SimpleNamespace(num_replicas_in_sync=replicas, extended=extended)


TWO_WORKERS = strategy(2, here=1)
GONE = tf.errors.UnavailableError(None, None, "failed to connect to:\nall")
ABORTED = tf.errors.InternalError(None, None, "Collective ops is aborted by: x")
OWN = tf.errors.InvalidArgumentError(None, None, "shapes differ")


@pytest.mark.parametrize(
    ("error", "strategy", "lost"),
    [
        (GONE, TWO_WORKERS, True),
        (ABORTED, TWO_WORKERS, True),
        (OWN, TWO_WORKERS, False),
        # There are no others.
        (GONE, None, False),
        (GONE, strategy(2, here=2), False),
    ],
)
def test_is_one_of_several_workers_only(error, strategy, lost):
    assert is_peer_lost(error, strategy) == lost


def test_is_said_with_where_to_go_on(tmp_path):
    recipe = small_recipe(find_damaged=lambda: pytest.fail("which may take minutes"))
    text = r"worker is gone.*same command.*from the beginning.*\(failed to connect to\)"
    with pytest.raises(PeerLost, match=text), explained(recipe, tmp_path, TWO_WORKERS):
        raise GONE
    (tmp_path / "state" / "epoch-0002").mkdir(parents=True)
    with pytest.raises(PeerLost, match=r"they go on from .*epoch-0002\. "):
        with explained(recipe, tmp_path, TWO_WORKERS):
            raise GONE


def test_leaves_other_errors_as_they_were(tmp_path):
    with pytest.raises(ValueError, match="shapes differ") as caught:
        with explained(small_recipe(), tmp_path, TWO_WORKERS):
            raise OWN
    assert not isinstance(caught.value, PeerLost)
