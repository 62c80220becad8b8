"""Devices by name, and peers that do not answer."""

import json
import os
import socket

import keras
import pytest

from hrnet_tf.launch import strategies
from hrnet_tf.launch.supervisor import free_ports

CLUSTER = {
    "cluster": {"worker": ["a:2222", "b:2223"]},
    "task": {"type": "worker", "index": 1},
}


def test_one_device():
    devices = strategies.make_devices()
    assert devices == strategies.make_devices("one") == strategies.Devices(None, 1)
    batches = object()
    assert devices.share(batches) is batches
    devices.check_batch(7)


def test_unknown_name():
    with pytest.raises(ValueError, match="one of one, mirrored.* strategy='ps'"):
        strategies.make_devices("ps")


def test_a_batch_that_cannot_be_divided():
    devices = strategies.Devices(None, 3)
    devices.check_batch(6)
    with pytest.raises(ValueError, match=r"3 replicas.*batch_size=8.*9 or 6"):
        devices.check_batch(8)
    with pytest.raises(ValueError, match=r"batch_size=2. Pass 3 as `batch_size`\."):
        devices.check_batch(2)


def test_the_chief(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert strategies.is_chief()
    monkeypatch.setenv("TF_CONFIG", json.dumps(CLUSTER))
    assert not strategies.is_chief()


def test_no_cluster(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("SLURM_", "KUBERNETES_")) or name == "TF_CONFIG":
            monkeypatch.delenv(name)
    with pytest.raises(ValueError, match="neither TF_CONFIG nor.*--workers N"):
        strategies.make_devices("multiworker")


def cluster(*ports):
    workers = [f"localhost:{port}" for port in ports]
    return {"cluster": {"worker": workers}, "task": {"type": "worker", "index": 0}}


def test_a_peer_that_does_not_answer_is_named(monkeypatch):
    mine, absent = free_ports(2)
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster(mine, absent)))
    with pytest.raises(
        ValueError, match=rf"After 0 s .* from worker 1 \(localhost:{absent}\)"
    ):
        strategies.make_devices("multiworker", peer_timeout=0.1)


def test_peers_that_answer():
    mine, other = free_ports(2)
    with socket.create_server(("localhost", other)):
        strategies._wait_for_peers(cluster(mine, other), timeout=5.0)
        # The port is free again, for TensorFlow.
        socket.create_server(("", mine)).close()


def test_says_whom_it_waits_for(monkeypatch):
    mine, absent = free_ports(2)
    monkeypatch.setattr(strategies, "_PATIENCE", 0.1)
    said = []
    with pytest.raises(ValueError, match="After 1 s"):
        strategies._wait_for_peers(cluster(mine, absent), 1.0, said.append)
    assert said == [f"waiting for worker 1 (localhost:{absent}), at most 1 s"]


def test_a_port_in_use():
    mine, other = free_ports(2)
    with (
        socket.create_server(("", mine)),
        pytest.raises(
            strategies.PortTaken, match=rf"cannot listen on port {mine}"
        ) as caught,
    ):
        strategies._wait_for_peers(cluster(mine, other), timeout=5.0)
    assert caught.value.exit_code == 71


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="TensorFlow's variables"
)
def test_variables_share_kernels_and_keep_their_paths():
    import tensorflow as tf

    devices = strategies.Devices(tf.distribute.MirroredStrategy(["CPU:0"]))
    for scope in (strategies.Devices().scope(), devices.scope()):
        with scope:
            layer = keras.layers.Dense(2, name="first")
            layer.build((None, 3))
            optimizer = keras.optimizers.Adam(name="adam")
            optimizer.build(layer.trainable_variables)
        assert layer.kernel.path == "first/kernel"
        assert "adam/first_kernel_velocity" in [v.path for v in optimizer.variables]
        names = {v.value.name for v in (*layer.variables, *optimizer.variables)}
        assert names == {"variable:0"}
    assert tf.Variable(1.0, name="after").name == "after:0"
