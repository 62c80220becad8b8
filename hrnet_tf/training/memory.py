"""The memory of this process."""

import sys


def peak_memory() -> float | None:
    """Returns the most memory that this process ever held, bytes; None if unknown."""
    try:
        # Systems like Windows have no such module.
        import resource
    except ImportError:
        return _windows_peak() if sys.platform == "win32" else None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # The kernel counts kilobytes, macOS bytes.
    return float(peak if sys.platform == "darwin" else 1000 * peak)


def _windows_peak():
    """The peak of the working set, as Windows' task manager shows it; or None."""
    import ctypes
    from ctypes import wintypes

    sizes = (
        "PeakWorkingSetSize",
        "WorkingSetSize",
        "QuotaPeakPagedPoolUsage",
        "QuotaPagedPoolUsage",
        "QuotaPeakNonPagedPoolUsage",
        "QuotaNonPagedPoolUsage",
        "PagefileUsage",
        "PeakPagefileUsage",
    )

    class Counters(ctypes.Structure):
        _fields_ = [
            ("cb", ctypes.c_uint32),
            ("PageFaultCount", ctypes.c_uint32),
            *((name, ctypes.c_size_t) for name in sizes),
        ]

    counters = Counters(cb=ctypes.sizeof(Counters))
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel.GetCurrentProcess.restype = wintypes.HANDLE
    # In the kernel's own library since Windows 7.
    query = kernel.K32GetProcessMemoryInfo
    query.argtypes = (wintypes.HANDLE, ctypes.POINTER(Counters), ctypes.c_uint32)
    if not query(kernel.GetCurrentProcess(), ctypes.byref(counters), counters.cb):
        return None
    return float(counters.PeakWorkingSetSize)
