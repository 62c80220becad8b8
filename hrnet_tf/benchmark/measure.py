"""Measures models one after the other, in rounds, each in a process of its own."""

import dataclasses
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hrnet_tf.benchmark.machine import Watch, matrix_limit

_WORKER = "hrnet_tf.benchmark.worker"


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A file to measure.

    Attributes:
        name: str, such as "litert int8".
        path: `Path`.
        num_bytes: int. The size of it.
        difference: float or None. The largest difference of an output from the Keras
            model's, as a share of the model's largest value; of classes, the share
            that is another. None for the model itself, or where there is none.
        score: float or None. What the task's test gave.
    """

    name: str
    path: Path
    num_bytes: int
    difference: float | None = None
    score: float | None = None


@dataclasses.dataclass(frozen=True)
class Measured:
    """What was measured of a candidate.

    Attributes:
        candidate: `Candidate`.
        start_seconds: float. From the start of Python to the first result, the median.
        memory: float or None. The most bytes that the process held.
        latencies: dict of batch size to float array, seconds.
        error: str or None. Why nothing was measured.
    """

    candidate: Candidate
    start_seconds: float = float("nan")
    memory: float | None = None
    latencies: dict[int, np.ndarray] = dataclasses.field(default_factory=dict)
    error: str | None = None

    def percentile(self, batch_size: int, percent: float) -> float:
        """Returns the latency (seconds) that so many of the calls kept."""
        return float(np.percentile(self.latencies[batch_size], percent))

    def images_per_second(self, batch_size: int) -> float:
        """Returns the images a second at the median latency."""
        return batch_size / self.percentile(batch_size, 50)


@dataclasses.dataclass(frozen=True)
class Conditions:
    """What the machine was like.

    Attributes:
        limit: float. The best of the measured rates of `matrix_limit`.
        slowest: float. The worst of them: the same work at another moment.
        others: float or None. The share of the processor that others took.
    """

    limit: float
    slowest: float
    others: float | None


def measure_all(
    candidates: Sequence[Candidate],
    batch_sizes: Sequence[int],
    seconds: float,
    options: dict[str, Any],
    image_size: tuple[int, int],
    rounds: int = 2,
    progress: Callable[[int, int], Any] | None = None,
) -> tuple[list[Measured], Conditions]:
    """Measures candidates in rounds, so that a busy moment does not hit one alone.

    Args:
        candidates: sequence of `Candidate`.
        batch_sizes: sequence of int.
        seconds: float. How long each is measured at a batch size, in all rounds.
        options: dict, of the inference of `.keras` files.
        image_size: (height, width), where a file takes any.
        rounds: int.
        progress: callable (done, total) or None.
    Returns:
        list of `Measured`, and `Conditions`.
    """
    results: list[list[dict]] = [[] for _ in candidates]
    limits, watch = [], Watch()
    for number in range(rounds):
        limits.append(matrix_limit())
        for place, candidate in enumerate(candidates):
            results[place].append(
                _run(candidate, batch_sizes, seconds / rounds, options, image_size)
            )
            if progress is not None:
                done = number * len(candidates) + place + 1
                progress(done, rounds * len(candidates))
    limits.append(matrix_limit())
    conditions = Conditions(max(limits), min(limits), watch.others())
    return list(map(_joined, candidates, results)), conditions


def _run(candidate, batch_sizes, seconds, options, image_size):
    """What a worker measured, or {"error": text}."""
    job = {
        "path": str(candidate.path),
        "options": options,
        "batch_sizes": list(batch_sizes),
        "seconds": seconds,
        "image_size": list(image_size),
        "started": time.time(),
    }
    done = subprocess.run(
        [sys.executable, "-m", _WORKER],
        input=json.dumps(job),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return {"error": lines[-1]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def _joined(candidate, results):
    """The results of all rounds as one `Measured`."""
    errors = [result["error"] for result in results if "error" in result]
    if errors:
        return Measured(candidate, error=errors[0])
    sizes = results[0]["latencies"]
    memory = [r["memory"] for r in results if r["memory"] is not None]
    return Measured(
        candidate,
        float(np.median([result["start_seconds"] for result in results])),
        max(memory, default=None),
        {int(n): np.concatenate([r["latencies"][n] for r in results]) for n in sizes},
    )
