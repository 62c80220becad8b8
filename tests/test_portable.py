"""No module needs at its import what Windows has not."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
# Imports everything, so that other packages are loaded; then once more without.
SCRIPT = """
import builtins, importlib, os, pkgutil, signal, socket, sys
import hrnet_tf

MODULES = ("fcntl", "grp", "pwd", "resource", "termios", "tty", "pty", "syslog")
ATTRIBUTES = {
    os: ("fork", "getuid", "geteuid", "getpgid", "killpg", "setsid", "O_NONBLOCK",
         "O_DIRECTORY", "sched_getaffinity", "register_at_fork", "uname"),
    signal: ("SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGQUIT", "SIGUSR1",
             "SIGUSR2", "pthread_sigmask", "setitimer"),
    socket: ("AF_UNIX", "SO_REUSEPORT"),
}

def import_all():
    names = []
    for module in pkgutil.walk_packages(hrnet_tf.__path__, "hrnet_tf."):
        try:
            importlib.import_module(module.name)
        except ImportError as error:
            # Beam is optional.
            assert module.name.startswith("hrnet_tf.beam") and "beam" in str(error)
        else:
            names.append(module.name)
    return names

def guarded(name, globals=None, *rest):
    importer = (globals or {}).get("__name__", "")
    if importer.startswith("hrnet_tf") and name.split(".")[0] in MODULES:
        raise ImportError(f"{importer} imports {name}")
    return real(name, globals, *rest)

first = import_all()
for name in [n for n in sys.modules if n.split(".")[0] == "hrnet_tf"]:
    del sys.modules[name]
real, builtins.__import__ = builtins.__import__, guarded
for module, names in ATTRIBUTES.items():
    for name in names:
        delattr(module, name)
import hrnet_tf
assert import_all() == first
from hrnet_tf.training.memory import peak_memory
assert peak_memory() is None
print(len(first))
"""


def test_every_module_can_be_imported_without_posix():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) > 100
