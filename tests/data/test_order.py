"""Orders depend on (seed, epoch) alone."""

import tensorflow as tf

from hrnet_tf.data import order


def positions(seed, epochs):
    data = tf.data.Dataset.range(*epochs)
    data = data.flat_map(lambda epoch: order.permutation(50, seed, epoch))
    return list(data.as_numpy_iterator())


def shuffled(seed, epochs, global_seed):
    tf.random.set_seed(global_seed)
    data = tf.data.Dataset.range(*epochs).flat_map(
        lambda epoch: order.shuffle(tf.data.Dataset.range(50), 20, seed, epoch)
    )
    return list(data.as_numpy_iterator())


def test_permutations_are_whole_and_differ():
    found = positions(3, (0, 2))
    assert sorted(found[:50]) == sorted(found[50:]) == list(range(50))
    assert found[:50] != found[50:] != list(range(50))
    assert found != positions(4, (0, 2))


def test_a_later_start_sees_the_same():
    assert positions(3, (1, 3)) == positions(3, (0, 3))[50:]
    assert shuffled(3, (1, 3), 0) == shuffled(3, (0, 3), 7)[50:]


def test_shuffle_is_whole():
    found = shuffled(0, (0, 1), 0)
    assert sorted(found) == list(range(50)) and found != list(range(50))
