"""SIGTERM, as schedulers send it before they take a machine away."""

import signal
import threading
from collections.abc import Callable
from typing import Any

from hrnet_tf.launch import exit_codes


class Preempted(SystemExit):
    """A run stopped for SIGTERM, after it had saved its state.

    Being a `SystemExit` it ends a process that does not catch it, with the exit code
    75, and passes through `except Exception`.

    Args:
        message: str. Says where the run can go on.
    """

    def __init__(self, message: str) -> None:
        super().__init__(exit_codes.PREEMPTED)
        self.message = message

    def __str__(self):
        return self.message


class Preemption:
    """Holds SIGTERM back until a run can stop without losing anything.

    A context manager. Outside of the main thread, where Python cannot handle signals,
    it does nothing.

    Attributes:
        requested: bool. True once SIGTERM has come.
        interrupt: function that is called when it comes, from the signal handler, or
            None to go on until somebody looks at `requested`. It is called once.
    """

    def __init__(self, interrupt: Callable[..., Any] | None = None) -> None:
        self.requested = False
        self.interrupt = interrupt
        self._before = None

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGTERM, self._handle)
        return self

    def __exit__(self, *_):
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)
            self._before = None

    def _handle(self, *_):
        self.requested = True
        interrupt, self.interrupt = self.interrupt, None
        if interrupt is not None:
            interrupt()
