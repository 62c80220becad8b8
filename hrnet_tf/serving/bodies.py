"""The bodies of requests, within bounds of size and time."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from hrnet_tf.serving.limits import Limits, Refused

# How long a body that is refused is still taken, so that its client reads the answer.
_DRAIN_SECONDS = 2.0


class Bodies:
    """Reads the bodies of requests.

    Args:
        limits: `Limits`.
    Attributes:
        num_open: int. Bodies that arrive at present.
        num_held: int, bytes of the bodies of all requests that are not yet answered.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.num_open = self.num_held = 0

    @contextlib.asynccontextmanager
    async def read(self, request: Any) -> AsyncIterator[bytes]:
        """Reads the body of a request, which counts as held within the context.

        Args:
            request: Starlette's.
        Yields:
            bytes.
        Raises:
            Refused: 413 if it is too large, 408 if too slow, 429 if too many arrive at
                once, 499 if the client goes away.
        """
        held = _Held(self)
        try:
            yield await self._read(request, held)
        finally:
            held.release()

    async def _read(self, request, held):
        try:
            return await self._whole(request, held)
        except Refused as refusal:
            if refusal.status in (413, 429):
                await self._drain(request)
            raise

    async def _whole(self, request, held):
        import anyio
        from starlette.requests import ClientDisconnect

        if self.num_open >= self.limits.max_uploads:
            raise _busy("requests arrive")
        declared = request.headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > self.limits.max_body:
            raise self._too_large(f"{int(declared):,}")
        self.num_open += 1
        try:
            with anyio.fail_after(self.limits.body_seconds):
                return await self._parts(request, held)
        except TimeoutError as error:
            raise Refused(
                408,
                f"The body did not arrive within {self.limits.body_seconds:g} s.",
                reason="slow",
            ) from error
        except ClientDisconnect as error:
            raise Refused(499, "The client went away.", reason="abandoned") from error
        finally:
            self.num_open -= 1

    async def _parts(self, request, held):
        parts = []
        async for part in request.stream():
            parts.append(part)
            held.add(len(part))
            if held.count > self.limits.max_body:
                raise self._too_large("more")
            if self.num_held > self.limits.max_held:
                raise _busy("bytes are held")
        return b"".join(parts)

    def _too_large(self, size):
        return Refused(
            413,
            f"The body has {size} bytes. Expected at most {self.limits.max_body:,}.",
            reason="body",
        )

    async def _drain(self, request):
        """Takes some of what a refused request sends, or its client would not listen.

        Connections that are closed while they send lose the answer.
        """
        import anyio

        count = 0
        with anyio.move_on_after(_DRAIN_SECONDS):
            while count <= self.limits.max_body:
                message = await request.receive()
                if not message.get("more_body", False):
                    return
                count += len(message["body"])


class _Held:
    """The bytes of one body among those of all."""

    def __init__(self, bodies):
        self._bodies, self.count = bodies, 0

    def add(self, count):
        self.count += count
        self._bodies.num_held += count

    def release(self):
        self._bodies.num_held -= self.count


async def disconnected(request: Any) -> None:
    """Ends when the client of a request, whose body was read, goes away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _busy(what):
    return Refused(429, f"Too many {what} at once. Try again.", 1, "busy")
