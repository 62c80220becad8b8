"""What a server counts, for Prometheus."""

from typing import Any

from hrnet_tf.extras import import_extra

_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_ROWS = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """Counters of one server, apart from those of others in the process.

    Args:
        waiting: function that returns how many requests wait or run.
    """

    def __init__(self, waiting: Any) -> None:
        client = import_extra("prometheus_client", "The server")
        self._client = client
        self.registry = client.CollectorRegistry()
        client.ProcessCollector(registry=self.registry)
        made = {"registry": self.registry}
        self._requests = client.Counter(
            "hrnet_requests", "Answered requests", ("kind", "status"), **made
        )
        self._seconds = client.Histogram(
            "hrnet_request_seconds",
            "From a request's headers to its answer",
            ("kind",),
            buckets=_SECONDS,
            **made,
        )
        self._refused = client.Counter(
            "hrnet_refused", "Requests without a result", ("reason",), **made
        )
        self._rows = client.Histogram(
            "hrnet_batch_rows", "Rows that ran together", buckets=_ROWS, **made
        )
        self._run = client.Histogram(
            "hrnet_batch_seconds", "Seconds of a batch", buckets=_SECONDS, **made
        )
        gauge = client.Gauge("hrnet_waiting", "Requests that wait or run", **made)
        gauge.set_function(waiting)

    def answered(self, kind: str, status: int, seconds: float) -> None:
        """Counts an answer.

        Args:
            kind: str, such as "predict".
            status: int, of HTTP.
            seconds: float.
        """
        self._requests.labels(kind, str(status)).inc()
        self._seconds.labels(kind).observe(seconds)

    def refused(self, reason: str) -> None:
        """Counts a request without a result, by a word for the reason."""
        self._refused.labels(reason).inc()

    def batch(self, key: Any, requests: int, rows: int, seconds: float) -> None:
        """Counts a batch; the arguments are those of `Batcher.observe`."""
        self._rows.observe(rows)
        self._run.observe(seconds)

    def text(self) -> tuple[bytes, str]:
        """Returns what Prometheus reads, and its content type."""
        content = self._client.generate_latest(self.registry)
        return content, self._client.CONTENT_TYPE_LATEST
