"""Requests that arrive together run together."""

import collections
import dataclasses
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any

from hrnet_tf.serving.limits import Refused


@dataclasses.dataclass(eq=False)
class _Job:
    key: Hashable
    count: int
    payload: Any
    future: Future
    since: float


class Batcher:
    """Runs what waits in batches, in a thread of its own.

    Where a batch fails, its parts run alone, so that one bad request spoils no other.

    Args:
        run: function `(key, list of payloads) -> list of results`, in their order; a
            result that is an exception is that of its request.
        max_batch_size: int. Rows of a batch; a larger request runs alone.
        wait_seconds: float. How long a batch waits to be filled. While one runs, others
            gather anyway.
        max_waiting: int. Requests that wait or run.
        observe: function `(key, number of requests, rows, seconds)`, called after each
            batch; or None.
    """

    def __init__(
        self,
        run: Callable[[Any, list], list],
        max_batch_size: int = 8,
        wait_seconds: float = 0.002,
        max_waiting: int = 64,
        observe: Callable[[Any, int, int, float], Any] | None = None,
    ) -> None:
        self.run, self.observe = run, observe or (lambda *_: None)
        self.max_batch_size, self.wait_seconds = max_batch_size, wait_seconds
        self.max_waiting = max_waiting
        self._queue: collections.deque[_Job] = collections.deque()
        self._changed = threading.Condition()
        self._num_running = 0
        self._closed = False
        self._seconds_each = 0.1
        self._thread = threading.Thread(target=self._work, daemon=True, name="batches")
        self._thread.start()

    @property
    def num_waiting(self) -> int:
        """int: requests that wait or run."""
        return len(self._queue) + self._num_running

    def submit(self, key: Hashable, payload: Any, count: int = 1) -> Future:
        """Adds a request.

        Args:
            key: hashable. Only what has equal keys runs together.
            payload: what `run` takes.
            count: int. Its rows.
        Returns:
            `Future` of its result; cancelled before it runs, it costs nothing.
        Raises:
            Refused: 429 if too many wait, 503 if the server is closed.
        """
        job = _Job(key, count, payload, Future(), time.perf_counter())
        with self._changed:
            if self._closed:
                raise Refused(503, "The server is being stopped.", 1, "stopping")
            if self.num_waiting >= self.max_waiting:
                raise self._full()
            self._queue.append(job)
            self._changed.notify()
        return job.future

    def close(self) -> None:
        """Runs what waits, and then ends the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _full(self):
        seconds = max(1, round(self.num_waiting * self._seconds_each))
        return Refused(
            429,
            f"{self.num_waiting} requests wait, which is all that the server holds. Try"
            f" again in {seconds} s.",
            min(seconds, 60),
            "full",
        )

    def _work(self):
        while batch := self._next():
            started = time.perf_counter()
            self._run_together(batch)
            seconds = time.perf_counter() - started
            self._num_running = 0
            self._seconds_each += 0.1 * (seconds / len(batch) - self._seconds_each)
            self.observe(batch[0].key, len(batch), sum(j.count for j in batch), seconds)

    def _next(self):
        """The next batch; an empty list at the end."""
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._queue or self._closed)
                if not self._queue:
                    return []
                first = self._queue[0]
                if not self._closed and self._rows(first) < self.max_batch_size:
                    until = first.since + self.wait_seconds - time.perf_counter()
                    if until > 0:
                        self._changed.wait(until)
                        continue
                if batch := self._take(first):
                    self._num_running = len(batch)
                    return batch

    def _rows(self, first):
        return sum(job.count for job in self._queue if job.key == first.key)

    def _take(self, first):
        """Takes what runs together with the first out of the queue."""
        batch, rows, rest = [], 0, collections.deque()
        for job in self._queue:
            fits = job.key == first.key and (
                not batch or rows + job.count <= self.max_batch_size
            )
            if not fits:
                rest.append(job)
            elif job.future.set_running_or_notify_cancel():
                batch.append(job)
                rows += job.count
        self._queue = rest
        return batch

    def _run_together(self, batch):
        try:
            results = self.run(batch[0].key, [job.payload for job in batch])
            assert len(results) == len(batch)
        except Exception as error:
            if len(batch) == 1:
                batch[0].future.set_exception(error)
                return
            for job in batch:
                self._run_together([job])
            return
        for job, result in zip(batch, results, strict=True):
            if isinstance(result, Exception):
                job.future.set_exception(result)
            else:
                job.future.set_result(result)
