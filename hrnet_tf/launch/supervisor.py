"""Starts the local processes of a run, and all of them again when one dies."""

import glob
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from hrnet_tf.launch import exit_codes
from hrnet_tf.launch.preemption import Preemption

# After these another try would end the same way.
_FINAL = (exit_codes.EXPLAINED, exit_codes.USAGE, exit_codes.PORT_TAKEN)
# These may have been caused by the end of another worker: TensorFlow aborts some
# processes that are left alone.
_CONSEQUENCES = (exit_codes.PEER_LOST, -signal.SIGABRT)
# Windows cannot send the other one to a single process.
_INTERRUPT = signal.SIGINT if os.name == "posix" else signal.SIGTERM
# Time to save a state in, before a process is killed.
GRACE_SECONDS = 30.0
# How often ports are chosen anew that others took before the workers did.
_PORT_CHOICES = 5
_POLL_SECONDS = 0.1
_TAIL_LINES = 15


class Supervisor:
    """Runs a training command as the workers of a cluster on this machine.

    All workers depend on each other: when one is killed or fails, the others are
    stopped, and all are started again and go on from the saved state; not so after
    errors that were explained to the user (exit codes 1 and 2), which all would meet
    again. A cluster whose ports were taken meanwhile gets others, which counts as no
    restart. The first worker, which is the chief, writes to this process' output; what
    the others say goes to `logs/worker-I.log` of the run's folder.

    Args:
        command: list of str, the same for all workers.
        output_dir: Path. Folder of the run.
        num_workers: int. A single one gets no `TF_CONFIG`: it is a plain process.
        max_restarts: int.
        say: function of a str, told what happens.
        first_only: collection of str. Arguments of the command that are left out when
            it is started again, such as "--overwrite".
        grace_seconds: float. Time that processes get to save their state, or to show
            that it was they for whose loss another one failed.
    Raises:
        ValueError: if this process is a worker of a cluster itself, or several workers
            are to share fewer GPUs.
    """

    def __init__(
        self,
        command: Sequence[str],
        output_dir: Path,
        num_workers: int = 1,
        max_restarts: int = 0,
        say: Callable[..., Any] = print,
        first_only: Collection[str] = (),
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        if num_workers > 1 and os.environ.get("TF_CONFIG"):
            raise ValueError(
                "TF_CONFIG is set: this process is a worker of a cluster already, and"
                f" cannot start one of {num_workers} workers. Unset it, or leave out"
                " `num_workers`."
            )
        self.command = list(command)
        self.logs = Path(output_dir) / "logs"
        self.num_workers = num_workers
        self.max_restarts = max_restarts
        self.say = say
        self.first_only = first_only
        self.grace_seconds = grace_seconds
        self._gpus = _shared_gpus(num_workers)
        self._workers: list[Any] = []

    def run(self) -> int:
        """Runs until the workers are done, or fail for good.

        Returns:
            int, the exit code: 0; that of the worker that failed (128 + N after the
            signal N); 75 after SIGTERM and 130 after Ctrl-C, which are passed on to
            the workers.
        """
        with Preemption() as preemption:
            try:
                return self._run(preemption)
            except KeyboardInterrupt:
                self._stop(_INTERRUPT)
                return exit_codes.INTERRUPTED
            finally:
                self._kill()

    def _run(self, preemption):
        restarts, choices = 0, 1
        while True:
            if restarts:
                self.command = [a for a in self.command if a not in self.first_only]
            self._start()
            failed = self._wait(preemption)
            if preemption.requested:
                return self._preempted()
            if failed is None:
                return 0
            self._stop(signal.SIGTERM)
            if preemption.requested:
                return exit_codes.PREEMPTED
            code = self._workers[failed].returncode
            chosen_here = code == exit_codes.PORT_TAKEN and self.num_workers > 1
            if chosen_here and choices < _PORT_CHOICES:
                # No fault of the run's, and no restart of it.
                choices += 1
                self.say(
                    f"Worker {failed} found its port in use. All workers start again,"
                    " with other ports."
                )
                continue
            text = f"Worker {failed} {_ending(code)}."
            if code in _FINAL or restarts == self.max_restarts:
                self.say(text + self._why_no_more(code, restarts))
                return 128 - code if code < 0 else code
            restarts += 1
            whose = "All workers start" if self.num_workers > 1 else "It starts"
            self.say(
                f"{text} {whose} again (restart {restarts} of {self.max_restarts})."
            )

    def _why_no_more(self, code, restarts):
        if code in _FINAL and restarts < self.max_restarts:
            return " A restart would not mend that."
        return f" All {restarts} restarts are used up." if restarts else ""

    def _start(self):
        ports = free_ports(self.num_workers)
        addresses = [f"localhost:{port}" for port in ports]
        self._workers = []
        for i in range(self.num_workers):
            environment = dict(os.environ)
            if self.num_workers > 1:
                task = {"type": "worker", "index": i}
                cluster = {"cluster": {"worker": addresses}, "task": task}
                environment["TF_CONFIG"] = json.dumps(cluster)
            if self._gpus:
                environment["CUDA_VISIBLE_DEVICES"] = self._gpus[i]
            self._workers.append(self._open(i, environment))

    def _open(self, index, environment):
        arguments = {
            "env": environment,
            # Nobody can answer several workers.
            "stdin": subprocess.DEVNULL,
            # In a session of its own a worker gets Ctrl-C from here alone, once.
            "start_new_session": True,
        }
        if index == 0:
            return subprocess.Popen(self.command, **arguments)
        self.logs.mkdir(parents=True, exist_ok=True)
        with open(self._log(index), "ab") as log:
            return subprocess.Popen(
                self.command, stdout=log, stderr=subprocess.STDOUT, **arguments
            )

    def _wait(self, preemption):
        """Waits until all workers have ended well, or one has not: its index."""
        deadline = None
        while not preemption.requested:
            codes = [worker.poll() for worker in self._workers]
            failed = [i for i, code in enumerate(codes) if code]
            causes = [i for i in failed if codes[i] not in _CONSEQUENCES]
            now = time.monotonic()
            if failed and deadline is None:
                deadline = now + self.grace_seconds
            if causes or failed and (None not in codes or now > deadline):
                for i in causes or failed:
                    self._show_tail(i)
                # What was killed comes before what failed for want of it.
                return min(causes or failed, key=lambda i: codes[i])
            if None not in codes:
                return None
            time.sleep(_POLL_SECONDS)
        return None

    def _preempted(self):
        """Passes SIGTERM on; the exit code is 0 if the run had just ended."""
        self._stop(signal.SIGTERM)
        codes = {worker.returncode for worker in self._workers}
        return 0 if codes == {0} else exit_codes.PREEMPTED

    def _kill(self):
        """Ends at once what is left."""
        for worker in self._workers:
            # Does nothing to one that has ended.
            worker.kill()
        for worker in self._workers:
            worker.wait()

    def _stop(self, number):
        """Sends a signal to the workers that are left, and SIGKILL after a while."""
        left = [worker for worker in self._workers if worker.poll() is None]
        for worker in left:
            worker.send_signal(number)
        deadline = time.monotonic() + self.grace_seconds
        for worker in left:
            try:
                worker.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()

    def _log(self, index):
        return self.logs / f"worker-{index}.log"

    def _show_tail(self, index):
        """Says what a worker said last, unless that was on the console anyway."""
        if index:
            text = self._log(index).read_text("utf-8", errors="replace")
            lines = text.splitlines()[-_TAIL_LINES:]
            tail = "\n".join(f"  {line}" for line in lines)
            self.say(f"The last lines of {self._log(index)}:\n{tail}")


def _ending(code):
    """How a process ended, such as "was killed by SIGKILL"."""
    if code == exit_codes.PEER_LOST:
        return "lost another worker"
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was killed by {signal.Signals(-code).name}"


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for opened in sockets:
            opened.bind(("localhost", 0))
        return [opened.getsockname()[1] for opened in sockets]
    finally:
        for opened in sockets:
            opened.close()


def _shared_gpus(num_workers):
    """What each worker gets as CUDA_VISIBLE_DEVICES; empty if there are no GPUs."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        gpus = [str(i) for i in range(len(glob.glob("/dev/nvidia[0-9]*")))]
    else:
        gpus = [name for name in visible.split(",") if name]
    if num_workers == 1 or not gpus:
        return []
    if len(gpus) < num_workers:
        raise ValueError(
            f"{num_workers} workers cannot share {len(gpus)} GPUs. Pass"
            f" `num_workers={len(gpus)}`, or set CUDA_VISIBLE_DEVICES to nothing to"
            " train on CPUs."
        )
    bounds = [len(gpus) * i // num_workers for i in range(num_workers + 1)]
    return [",".join(gpus[a:b]) for a, b in zip(bounds, bounds[1:], strict=False)]
