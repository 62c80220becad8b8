"""Runs the server: uvicorn, with an end to connections that say nothing."""

import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

from hrnet_tf.extras import import_extra
from hrnet_tf.serving.limits import Limits

# Connections that are open at once; those above are told to come again.
_MAX_CONNECTIONS = 500
_KEEP_ALIVE_SECONDS = 10
# How long requests that were taken may go on after a stop is asked for.
_SHUTDOWN_SECONDS = 30


def make_server(
    app: Any,
    limits: Limits,
    host: str = "127.0.0.1",
    port: int = 8501,
    on_start: Callable[[], Any] | None = None,
) -> Any:
    """Makes a `uvicorn.Server`; its `run()` ends with SIGTERM or Ctrl-C.

    It takes no new requests then, answers those that it has taken, and ends.

    Args:
        app: ASGI application.
        limits: `Limits`.
        host: str. The address to listen at.
        port: int; 0 takes a free one.
        on_start: function that is called once requests are taken; or None.
    Raises:
        MissingExtra: if uvicorn is absent.
    """
    uvicorn = import_extra("uvicorn", "The server")
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=_protocol(limits.header_seconds),
        ws="none",
        lifespan="on",
        log_level="error",
        access_log=False,
        server_header=False,
        limit_concurrency=_MAX_CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )

    base: Any = uvicorn.Server

    class Server(base):
        """Says when it is there."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if on_start is not None and not self.should_exit:
                on_start()

    return Server(config)


def run_server(server: Any, opened: socket.socket) -> None:
    """Runs a server of `make_server` in the main thread until SIGTERM or Ctrl-C.

    After SIGTERM it returns, as after any work that is done: who asks a server to end
    is not told of a failure. Ctrl-C is raised again.

    Args:
        server: what `make_server` returned.
        opened: the socket of `listening`.
    """
    # uvicorn answers what it has taken, and sends the signal to this process again.
    before = signal.signal(signal.SIGTERM, lambda number, frame: None)
    try:
        server.run(sockets=[opened])
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Opens the socket that a server listens at.

    Args:
        host: str.
        port: int; 0 takes a free one.
    Yields:
        socket.
    Raises:
        ValueError: if it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            opened.bind((host, port))
        except OSError as error:
            raise ValueError(
                f"The server cannot listen at {host}, port {port}: {error.strerror}."
                " Pass another `port`, or `port=0` for a free one."
            ) from error
        yield opened


def _protocol(header_seconds):
    """Connections whose requests' headers arrive within some seconds, or that end."""
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Protocol(H11Protocol):
        """HTTP/1.1 with a bound on how long a request's headers may take."""

        timer: Any = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.cycle is not None and not self.cycle.response_complete:
                self._stop()
            else:
                self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop()
            super().connection_lost(exc)

        def _wait(self):
            if self.timer is None:
                self.timer = self.loop.call_later(header_seconds, self._end)

        def _stop(self):
            if self.timer is not None:
                self.timer.cancel()
                self.timer = None

        def _end(self):
            if not self.transport.is_closing():
                self.transport.close()

    return Protocol
