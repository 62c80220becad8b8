"""tf.data services: other machines decode and augment the examples of training.

Each machine runs `hrnet data-service` (a dispatcher with one worker) and sees the data
under the same paths. It goes through the whole cheap order of the examples and makes
every n-th of them; the batches are put together here, in the order, and with the bits,
that one process would give. That is checked for each example: a service which lost its
place, as after a restart, ends the training, which goes on from its saved state when
it is started again.
"""

import contextlib
import contextvars
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import tensorflow as tf

_SERVICES = contextvars.ContextVar("services", default=())
_TIMEOUT = 5.0
# Seconds between looks at the services, and without an answer before it is said.
_WATCH_EVERY = 5.0
_PATIENCE = 20.0


@contextlib.contextmanager
def reading_from(*addresses: Any) -> Iterator[None]:
    """Lets the batches of training that are made inside come from data services.

    Args:
        *addresses: str, such as "grpc://host:5050"; none leaves all to this process.
    Yields:
        None. While a service does not answer, the training waits; a warning says so.
    Raises:
        ValueError: naming the address, if it is no such, or nobody answers there.
    """
    for address in addresses:
        if not _answers(address):
            raise ValueError(
                f"No data service answers at {address}. Start one there with"
                f" `hrnet data-service --port {_parts(address)[1]}`, or leave it out."
            )
    stop = threading.Event()
    watch = threading.Thread(target=_watch, args=(addresses, stop), daemon=True)
    token = _SERVICES.set(addresses)
    try:
        if addresses:
            watch.start()
        yield
    finally:
        _SERVICES.reset(token)
        stop.set()


def map_examples(
    examples: tf.data.Dataset, function: Callable[..., Any]
) -> tf.data.Dataset:
    """Maps a function over examples, here or where `reading_from` says.

    Args:
        examples: `tf.data.Dataset` in an order that every process repeats.
        function: graph code from an example to tensors, a function of its arguments
            alone.
    Returns:
        A `tf.data.Dataset` in the same order.
    """
    addresses = _SERVICES.get()
    if addresses:
        return distribute(examples, function, addresses)
    return examples.map(function, num_parallel_calls=tf.data.AUTOTUNE)


def distribute(
    examples: Any, function: Callable[..., Any], addresses: Sequence[str]
) -> tf.data.Dataset:
    """Maps a function over examples at data services, each a share of them.

    Args:
        examples, function: see `map_examples`. What they read must be at the same
            paths there.
        addresses: sequence of str.
    Returns:
        A `tf.data.Dataset` in the same order. An example that arrives out of place
        raises `tf.errors.InvalidArgumentError`.
    """
    count = len(addresses)

    def make(position, example):
        given = example if isinstance(example, tuple) else (example,)
        return position, function(*given)

    shares = [
        examples.enumerate()
        .shard(count, index)
        .map(make, num_parallel_calls=tf.data.AUTOTUNE)
        .apply(
            tf.data.experimental.service.distribute(
                # The one worker gives all of its share, in order.
                tf.data.experimental.service.ShardingPolicy.OFF,
                address,
                # Crops of photographs hardly get smaller.
                compression=None,
            )
        )
        for index, address in enumerate(addresses)
    ]
    turns = tf.data.Dataset.range(count).repeat()
    return (
        tf.data.Dataset.choose_from_datasets(shares, turns, stop_on_empty_dataset=True)
        .enumerate()
        .map(_in_place, num_parallel_calls=1)
    )


class DataService:
    """A dispatcher with one worker, in this process.

    Args:
        port: int. Where the training connects to; 0 takes any.
        host: str. The name by which the machines of the training reach this one.
        worker_port: int. Where they fetch the examples; 0 takes any.
    Attributes:
        address: str, for `reading_from`.
    Raises:
        ValueError: if a port is in use.
    """

    def __init__(
        self, port: int = 0, host: str = "localhost", worker_port: int = 0
    ) -> None:
        for used in filter(None, (port, worker_port)):
            # Two processes may listen at the same port, and each gets some calls.
            if _answers(f"grpc://localhost:{used}"):
                raise ValueError(
                    f"Port {used} of this machine is in use, perhaps by another data"
                    " service. Choose another one."
                )
        service = tf.data.experimental.service
        self._dispatcher = service.DispatchServer(service.DispatcherConfig(port))
        port = int(self._dispatcher.target.rpartition(":")[2])
        self._worker = service.WorkerServer(
            service.WorkerConfig(
                dispatcher_address=f"localhost:{port}",
                worker_address=f"{host}:%port%",
                port=worker_port,
            )
        )
        self.address = f"grpc://{host}:{port}"

    def stop(self) -> None:
        """Ends the service."""
        self._worker._stop()
        self._dispatcher._stop()


def _in_place(index, found):
    position, example = found
    check = tf.debugging.assert_equal(
        position,
        index,
        "A data service lost its place: it was restarted, or has more workers than one."
        " Start the training again, which goes on from its saved state.",
    )
    with tf.control_dependencies([check]):
        return tf.nest.map_structure(tf.identity, example)


def _parts(address):
    """The host and port of an address."""
    protocol, slashes, rest = address.partition("://")
    host, _, port = rest.rpartition(":")
    if protocol != "grpc" or not slashes or not host or not port.isdecimal():
        raise ValueError(
            "Expected the address of a data service, such as grpc://host:5050."
            f" Received: {address!r}."
        )
    return host, int(port)


def _answers(address):
    try:
        socket.create_connection(_parts(address), timeout=_TIMEOUT).close()
    except OSError:
        return False
    return True


def _watch(addresses, stop):
    """Warns once of each service that stops answering."""
    heard = dict.fromkeys(addresses, time.monotonic())
    while not stop.wait(_WATCH_EVERY):
        for address in list(heard):
            if _answers(address):
                heard[address] = time.monotonic()
            elif time.monotonic() - heard[address] > _PATIENCE:
                del heard[address]
                warnings.warn(
                    f"The data service {address} does not answer; the training waits"
                    " for it. Start it again at the same port, then the training.",
                    stacklevel=1,
                )
