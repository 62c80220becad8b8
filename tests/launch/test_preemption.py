"""SIGTERM, held back and put back."""

import functools
import os
import signal
import subprocess
import sys
import threading

import pytest

from hrnet_tf.launch.preemption import Preempted, Preemption


def terminate():
    os.kill(os.getpid(), signal.SIGTERM)


def alone(test):
    """Runs a test in a process of its own, which a signal may end."""

    @functools.wraps(test)
    def run():
        code = f"import test_preemption as t; t.{test.__name__}.__wrapped__()"
        path = os.pathsep.join([os.path.dirname(__file__), *sys.path])
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr

    return run


@alone
def test_sigterm_is_held_back_until_asked_for():
    before = signal.getsignal(signal.SIGTERM)
    with Preemption() as preemption:
        assert not preemption.requested
        terminate()
        assert preemption.requested
    assert signal.getsignal(signal.SIGTERM) is before


@alone
def test_it_interrupts_once():
    calls = []
    with Preemption(lambda: calls.append(1)) as preemption:
        terminate()
        terminate()
    assert calls == [1] and preemption.interrupt is None


def test_the_handler_is_put_back_after_an_error():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyError), Preemption():
        raise KeyError
    assert signal.getsignal(signal.SIGTERM) is before


def test_other_threads_leave_signals_alone():
    before = signal.getsignal(signal.SIGTERM)
    found = []

    def use():
        with Preemption() as preemption:
            found.append(signal.getsignal(signal.SIGTERM))
        found.append(preemption.requested)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert found == [before, False]


def test_an_uncaught_preemption_is_the_exit_code():
    assert str(Preempted("saved")) == "saved"
    # `except Exception`, as in libraries, does not swallow it.
    assert not isinstance(Preempted("saved"), Exception)
    code = "from hrnet_tf.launch.preemption import Preempted; raise Preempted('saved')"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run([sys.executable, "-c", code], env=environment)
    assert ended.returncode == 75
