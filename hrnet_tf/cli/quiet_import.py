"""Keeps TensorFlow's notes about itself off the terminal while it is imported.

TensorFlow 2.20 and later write them before anything can be set, whatever
TF_CPP_MIN_LOG_LEVEL says: which libraries it uses, and that there is no GPU.
"""

import contextlib
import importlib.abc
import importlib.util
import os
import re
import sys
import threading
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from typing import Any

_LEVELS = "IWE"
# Absl says once that all goes to stderr, whose lines begin so.
_FIRST = r"WARNING: All log messages before absl::InitializeLog\(\)"
_LINE = _FIRST + r"|[{levels}]0000 [\d:.]+ "


def quiet_tensorflow() -> None:
    """Leaves out of stderr what TensorFlow writes while it is first imported.

    Of its own lines those stay that TF_CPP_MIN_LOG_LEVEL lets through, as for all that
    it writes later: of 1 warnings, of 2 errors, of 3 what ends the program. What others
    write, and Python's own errors, is not touched.
    """
    level = os.environ.get("TF_CPP_MIN_LOG_LEVEL", "0")
    hidden = _LEVELS[: int(level)] if level.isdecimal() else ""
    waits = any(isinstance(finder, _Finder) for finder in sys.meta_path)
    if hidden and "tensorflow" not in sys.modules and not waits:
        sys.meta_path.insert(0, _Finder(hidden))


class _Finder(importlib.abc.MetaPathFinder):
    """Finds TensorFlow where it is found anyway, and imports it quietly, once."""

    def __init__(self, hidden: str):
        self._hidden = hidden

    def find_spec(
        self, fullname: str, path: Any = None, target: Any = None
    ) -> ModuleSpec | None:
        if fullname != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is None or spec.loader is None:
            return spec
        execute, hidden = spec.loader.exec_module, self._hidden

        def exec_module(module):
            with filtered_stderr(hidden):
                execute(module)

        # Of this one module: each has a loader of its own.
        setattr(spec.loader, "exec_module", exec_module)  # noqa: B010
        return spec


@contextlib.contextmanager
def filtered_stderr(hidden: str) -> Iterator[None]:
    """Leaves lines of absl's log out of what is written to the descriptor of stderr.

    Python's own `sys.stderr` writes past it, so that bars and spinners go on.

    Args:
        hidden: str, the letters of the levels that are left out, such as "IW".
    """
    try:
        real = os.dup(2)
    except OSError:  # Nobody reads what is written there.
        yield
        return
    shown = sys.stderr
    if _is_descriptor(shown, 2):
        shown.flush()
        sys.stderr = os.fdopen(os.dup(real), "w", buffering=1)
    read, write = os.pipe()
    os.dup2(write, 2)
    os.close(write)
    thread = threading.Thread(target=_copy, args=(read, real, hidden), daemon=True)
    thread.start()
    try:
        yield
    finally:
        os.dup2(real, 2)
        # A process that was started meanwhile may hold the other end for longer.
        thread.join(1.0)
        if sys.stderr is not shown:
            sys.stderr.close()
            sys.stderr = shown


def _is_descriptor(stream, number):
    try:
        return stream is not None and stream.fileno() == number
    except (OSError, ValueError, AttributeError):  # One in memory.
        return False


def _copy(read, real, hidden):
    """Copies all lines but the hidden ones, until nobody writes any more."""
    pattern = re.compile(_LINE.format(levels=hidden).encode())
    with os.fdopen(read, "rb") as lines, os.fdopen(real, "wb", buffering=0) as out:
        for line in lines:
            if not pattern.match(line):
                out.write(line)
