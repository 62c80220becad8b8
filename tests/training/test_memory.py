"""The peak of a process' memory, on each system."""

import ctypes
import struct
import sys
from types import SimpleNamespace

import numpy as np

from hrnet_tf.training import memory


def test_grows_with_what_is_held():
    before = memory.peak_memory()
    held = np.ones(50_000_000, np.uint8)
    assert 50e6 < before < memory.peak_memory() + held[0] < 1e12


def test_is_unknown_on_other_systems(monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)
    assert memory.peak_memory() is None


def test_windows_is_asked(monkeypatch):
    def query(process, pointer, size):
        # PROCESS_MEMORY_COUNTERS of 64 bits.
        content = struct.pack("<IIQQQQQQQQ", size, 7, 123_000_000, *range(7))
        ctypes.memmove(pointer, content, size)
        return process == 99 and size == 72

    class Query:
        def __call__(self, *arguments):
            return query(*arguments)

    class Process:
        def __call__(self):
            return 99

    kernel = SimpleNamespace(
        GetCurrentProcess=Process(), K32GetProcessMemoryInfo=Query()
    )
    monkeypatch.setattr(ctypes, "WinDLL", lambda *_, **__: kernel, raising=False)
    monkeypatch.setitem(sys.modules, "resource", None)
    monkeypatch.setattr(sys, "platform", "win32")
    assert memory.peak_memory() == 123e6
    kernel.K32GetProcessMemoryInfo = type("Fails", (), {"__call__": lambda *_: 0})()
    assert memory.peak_memory() is None
