"""Two sides of a comparison, each in a process of its own.

Each waits while the other one works: rounds alternate, and only ratios are to be
trusted.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

OURS, PEER = "hrnet_tf", "PyTorch"


def work(make_steps, side, settings):
    """The worker: answers each line "number of steps" with a line of measurements.

    Args:
        make_steps: `(side, settings)` to the number of parameters; a function that
            takes a number of steps and returns the last loss, or a dict with it; and
            one that returns the peak of the tensors' memory in MB, or None.
        side: str.
        settings: dict.
    """
    # Libraries may print; the answers go through a channel of their own.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    started = time.perf_counter()
    parameters, run, tensors_mb = make_steps(side, settings)
    run(1)
    ready = {"parameters": parameters, "first_step": time.perf_counter() - started}
    # Some things are made in the second step, and for each number of steps.
    run(2)
    print(json.dumps(ready), file=answers, flush=True)
    for line in sys.stdin:
        steps = int(line)
        wall, cpu = time.perf_counter(), time.process_time()
        loss = run(steps)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        answer = {"wall": wall / steps, "cpu": cpu / steps}
        answer |= loss if isinstance(loss, dict) else {"loss": loss}
        answer |= {"peak_mb": peak_memory(), "tensors_mb": tensors_mb()}
        print(json.dumps(answer), file=answers, flush=True)


def peak_memory():
    """This process's peak of resident memory in MB, or None where unknown."""
    try:
        # What resource tells counts the parent's, from before this program began.
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6
    except (OSError, IndexError, ValueError):
        pass
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def kept_files(folder, script, kinds, settings):
    """Lets a script of ours write files in a process of its own.

    Those that an earlier run has left in the folder, of the same settings, are kept.

    Args:
        folder: str or Path.
        script: Path. Called with a json of `folder`, `kinds` and the settings, it
            prints the number of parameters and a dict of kinds to paths, as json.
        kinds: list of str.
        settings: dict.
    Returns:
        The number of parameters, and the dict of all kinds to paths.
    """
    known = Path(folder, "files.json")
    found = json.loads(known.read_text()) if known.exists() else {}
    kept = found["paths"] if found.get("settings") == settings else {}
    missing = [kind for kind in kinds if kind not in kept]
    if missing:
        job = {"folder": str(folder), "kinds": missing, **settings}
        done = subprocess.run(
            [sys.executable, str(script), json.dumps(job)],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        parameters, paths = json.loads(done.stdout)
        paths = {**kept, **paths}
        found = {"settings": settings, "parameters": parameters, "paths": paths}
        known.write_text(json.dumps(found))
    return found["parameters"], found["paths"]


class Worker:
    """A side in a process of its own."""

    def __init__(self, side, python, script, settings):
        self.side = side
        self.process = subprocess.Popen(
            [python, script, "--worker", json.dumps([side, settings])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "KERAS_BACKEND": settings.get("backend", "tensorflow"),
                **settings.get("environment", {}),
            },
        )

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(
                f"The process of {self.side} ended; see its error above. If there is"
                " none, the system may have ended it for lack of memory."
            )
        return json.loads(line)

    def measure(self, steps):
        if self.process.poll() is None:
            print(steps, file=self.process.stdin, flush=True)
        return self.read()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def in_turns(script, sides, rounds, steps, expected=None):
    """Starts a worker for each side, and has them work in turns.

    Args:
        script: str, the path of a benchmark that answers to --worker.
        sides: {side: (path of an interpreter, settings)}, see `work`.
        rounds: int.
        steps: function of a `Worker` to the steps of a round.
        expected: int or None. The parameters that all networks have.
    Returns:
        {side: {"ready": dict, "rounds": list of measurements}}.
    """
    workers, found = [], {}
    try:
        for side, (python, settings) in sides.items():
            workers.append(Worker(side, python, script, settings))
            found[side] = {"ready": workers[-1].read(), "rounds": []}
        counts = {entry["ready"]["parameters"] for entry in found.values()}
        counts = (counts | {expected}) - {None}
        if len(counts) > 1:
            raise SystemExit(f"The networks differ in parameters: {counts}.")
        wanted = {worker.side: steps(worker) for worker in workers}
        for _ in range(rounds):
            for worker in workers:
                row = worker.measure(wanted[worker.side])
                found[worker.side]["rounds"].append(row)
    finally:
        for worker in workers:
            worker.close()
    return found


def median(found, side, key):
    """The median of a side's measurements."""
    return statistics.median(row[key] for row in found[side]["rounds"])


def ratio(found, side, reference, key="wall"):
    """How many times as fast a side is as another, each round by itself.

    None if the other one was not measured.
    """
    if reference not in found:
        return None
    pairs = zip(found[side]["rounds"], found[reference]["rounds"], strict=True)
    return statistics.median(other[key] / own[key] for own, other in pairs)


def check_torch(python):
    """Exits with advice if the interpreter has no PyTorch."""
    try:
        found = subprocess.run([python, "-c", "import torch"], capture_output=True)
        missing = found.returncode != 0
    except OSError:
        missing = True
    if missing:
        raise SystemExit(
            f"{python} has no PyTorch to compare with. Run `pip install torch` there"
            " (or hrnet_tf's extra: pip install '.[bench]'),"
            " name another interpreter with --torch-python, or pass --ours-only."
        )
