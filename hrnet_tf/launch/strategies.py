"""Which devices and processes a run trains on, by name."""

import contextlib
import dataclasses
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import keras

from hrnet_tf.launch import exit_codes
from hrnet_tf.launch.clusters import find_cluster, read_cluster

if TYPE_CHECKING:
    import tensorflow as tf


STRATEGIES = ("one", "mirrored", "multiworker", "tpu")
# Time for all workers of a cluster to appear, seconds.
PEER_TIMEOUT = 300.0
# Not on Windows, for which TensorFlow has no clusters either.
_CAN_SHARE_PORTS = hasattr(socket, "SO_REUSEPORT")
# Seconds before it is said that they are waited for: all start at about the same time.
_PATIENCE = 3.0


class PortTaken(ValueError):
    """A worker cannot listen on its port; with another one it may."""

    exit_code = exit_codes.PORT_TAKEN


@dataclasses.dataclass(frozen=True)
class Devices:
    """The devices of a run.

    Attributes:
        strategy: `tf.distribute.Strategy`, or None where there is none.
        num_replicas: int. Devices that a global batch is divided among.
    """

    strategy: Any = None
    num_replicas: int = 1

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """The context in which the model is built and compiled."""
        with self.strategy.scope() if self.strategy else contextlib.nullcontext():
            with shared_variable_kernels():
                yield

    def share(self, batches: "tf.data.Dataset") -> "tf.data.Dataset":
        """Marks batches of all replicas as such: each worker takes its part of each.

        Args:
            batches: `tf.data.Dataset` of global batches, the same in each process.
        """
        if self.strategy is None:
            return batches
        import tensorflow as tf

        options = tf.data.Options()
        options.experimental_distribute.auto_shard_policy = (
            tf.data.experimental.AutoShardPolicy.DATA
        )
        return batches.with_options(options)

    def check_batch(self, batch_size: int) -> None:
        """Raises ValueError unless a batch can be divided among the replicas."""
        if batch_size % self.num_replicas:
            below = batch_size // self.num_replicas * self.num_replicas
            raise ValueError(
                f"The global batch cannot be divided among {self.num_replicas}"
                f" replicas. Received: batch_size={batch_size}. Pass"
                f" {below + self.num_replicas}{f' or {below}' if below else ''} as"
                " `batch_size`."
            )


@contextlib.contextmanager
def shared_variable_kernels() -> Iterator[None]:
    """Makes TensorFlow's variables of one name, whatever Keras calls them.

    For each name that it has not met, TensorFlow makes a kernel of 37 kB and keeps it:
    118 MB and two seconds for HRNet-W32 and Adam. Keras' names and paths stay.
    """
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    def create(next_creator, **kwargs):
        # With the stroke, the names of layers do not come before it.
        return next_creator(**{**kwargs, "name": "variable/"})

    with tf.variable_creator_scope(create):
        yield


def make_devices(
    name: str | None = None,
    peer_timeout: float = PEER_TIMEOUT,
    say: Callable[..., Any] | None = None,
) -> Devices:
    """Prepares the devices of a run; before anything else is done with TensorFlow.

    Args:
        name: "one" or None: a single device. "mirrored": all GPUs of this machine, or
            its logical CPUs if it has no GPU. "multiworker": the processes that
            TF_CONFIG, Slurm (its tasks) or Kubernetes (the pods of an indexed job)
            name. "tpu": the TPU of this machine (or whatever devices JAX has), with the
            JAX backend by `keras.distribution`, with TensorFlow by `TPUStrategy`.
        peer_timeout: float. Seconds that the other workers have to appear.
        say: function of a str, told what is waited for, or None.
    Returns:
        `Devices`.
    Raises:
        ValueError: if the name is none of these, the cluster's description is wrong, or
            the devices are absent.
    """
    if name is None or name == "one":
        return Devices()
    if name not in STRATEGIES:
        raise ValueError(
            f"strategy must be one of {', '.join(STRATEGIES)}."
            f" Received: strategy={name!r}."
        )
    backend = keras.backend.backend()
    if name == "tpu" and backend == "jax":
        return _jax_devices()
    if backend != "tensorflow":
        raise ValueError(
            f"The strategy {name!r} needs the TensorFlow backend, and Keras runs on"
            f" {backend}. Set KERAS_BACKEND=tensorflow, or use the strategy 'tpu',"
            " which on JAX takes all devices."
        )
    makers = {"mirrored": _mirrored, "tpu": _tpu}
    if name == "multiworker":
        strategy = _multiworker(peer_timeout, say)
    else:
        strategy = makers[name]()
    return Devices(strategy, strategy.num_replicas_in_sync)


def is_chief() -> bool:
    """Returns True unless TF_CONFIG says that another worker writes the files."""
    task = read_cluster(os.environ.get("TF_CONFIG", "{}")).get("task", {})
    return task.get("index", 0) == 0


def _mirrored():
    import tensorflow as tf

    devices = tf.config.list_logical_devices("GPU")
    devices = devices or tf.config.list_logical_devices("CPU")
    return tf.distribute.MirroredStrategy([device.name for device in devices])


def _tpu():
    import tensorflow as tf

    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect(tpu="")
    except (ValueError, tf.errors.OpError) as error:
        raise ValueError(
            "TensorFlow finds no TPU here"
            f" ({str(error).splitlines()[0] if str(error) else type(error).__name__})."
            " On a TPU machine the JAX backend is the better choice: set"
            " KERAS_BACKEND=jax."
        ) from error
    return tf.distribute.TPUStrategy(resolver)


def _jax_devices():
    import jax

    if jax.process_count() > 1:
        raise ValueError(
            "On JAX the strategy 'tpu' takes the devices of one machine. Received:"
            f" {jax.process_count()} processes."
        )
    keras.distribution.set_distribution(
        keras.distribution.DataParallel(devices=keras.distribution.list_devices())
    )
    return Devices(None, jax.device_count())


def _multiworker(peer_timeout, say):
    import tensorflow as tf

    cluster = read_cluster(os.environ.get("TF_CONFIG", "{}"))
    cluster = cluster or find_cluster(peer_timeout)
    # What follows, in TensorFlow too, reads it from here.
    os.environ["TF_CONFIG"] = json.dumps(cluster)
    _wait_for_peers(cluster, peer_timeout, say)
    return tf.distribute.MultiWorkerMirroredStrategy()


def _wait_for_peers(cluster, timeout, say=None):
    """Waits until all workers of a cluster answer; ValueError names those that do not.

    TensorFlow waits for them in one call, for an hour, and names none.
    """
    workers, me = cluster["cluster"]["worker"], cluster["task"]["index"]
    port = int(workers[me].rpartition(":")[2])
    silent = {i: address for i, address in enumerate(workers) if i != me}
    began = time.monotonic()
    try:
        # Only listened on: the system itself answers. TensorFlow's server follows on
        # the same port, and is as good an answer to those that are late.
        listener = socket.create_server(("", port), reuse_port=_CAN_SHARE_PORTS)
    except OSError as error:
        raise PortTaken(
            f"Worker {me} cannot listen on port {port} of TF_CONFIG's"
            f" {workers[me]}: {error}. Choose another port, or end what uses it."
        ) from error
    with listener:
        while silent:
            silent = {i: peer for i, peer in silent.items() if not _answers(peer)}
            named = ", ".join(f"worker {i} ({a})" for i, a in silent.items())
            waited = time.monotonic() - began
            if silent and say is not None and waited > _PATIENCE:
                say(f"waiting for {named}, at most {timeout:.0f} s")
                say = None
            if silent and waited > timeout:
                raise ValueError(
                    f"After {timeout:.0f} s there is no answer from {named}. Check that"
                    " it runs the same command with its own task index, and that its"
                    f" port can be reached from here (worker {me})."
                )
            time.sleep(0.2)


def _answers(address):
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=3):
            return True
    except OSError:
        return False
