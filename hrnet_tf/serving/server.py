"""Requests on their way to a model and back."""

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from hrnet_tf.serving import tensors
from hrnet_tf.serving.batching import Batcher
from hrnet_tf.serving.bodies import Bodies, disconnected
from hrnet_tf.serving.limits import Limits, Refused
from hrnet_tf.serving.metrics import Metrics

if TYPE_CHECKING:
    from hrnet_tf.serving.engine import Engine

# Of batches that go from image files to results, in place of a signature's name.
_RESULTS = "results"


class Server:
    """Requests on their way to a model and back.

    Args:
        engine: `Engine`.
        limits: `Limits`.
        max_batch_size, wait_seconds: see `Batcher`.
    Attributes:
        ready: bool. Whether the model has run once, and the server is not stopping.
    """

    batcher: Batcher

    def __init__(
        self,
        engine: "Engine",
        limits: Limits,
        max_batch_size: int = 8,
        wait_seconds: float = 0.002,
    ) -> None:
        self.engine, self.limits = engine, limits
        self.metrics = Metrics(lambda: self.batcher.num_waiting)
        self.batcher = Batcher(
            self._run,
            max_batch_size,
            wait_seconds,
            limits.max_waiting,
            self.metrics.batch,
        )
        self.bodies = Bodies(limits)
        self.ready = False

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Any) -> Any:
        """Warms the model up before the first request, and ends with the last."""
        await asyncio.to_thread(self.engine.warm_up)
        self.ready = True
        try:
            yield
        finally:
            self.ready = False
            await asyncio.to_thread(self.batcher.close)

    async def predict(self, request: Any) -> Any:
        """Answers a request of TensorFlow Serving's kind."""
        async with self.bodies.read(request) as body:
            asked, key, rows = await asyncio.to_thread(self._read, body)
            found = await self._wait(request, key, asked.arrays, rows)
        return await asyncio.to_thread(tensors.write_answer, found, asked.in_rows)

    async def results(self, request: Any) -> Any:
        """Answers an image file with what the task finds in it."""
        known = _known(request.query_params, self.engine.task)
        self.limits.check_boxes(len(known.get("boxes", ())))
        async with self.bodies.read(request) as body:
            sizes = await asyncio.to_thread(self.limits.check_images, [body])
            count = max(1, len(known.get("boxes", ())))
            key = (_RESULTS, *sizes)
            row = await self._wait(request, key, (body, known), count)
        return await asyncio.to_thread(_encoded, {"model": self.engine.name, **row})

    def _read(self, body):
        """A request, what it may run together with, and its rows."""
        asked = tensors.read_request(body, self.engine.signatures, self.engine.default)
        key = self.engine.check(asked.signature, asked.arrays, self.limits)
        rows = len(next(iter(asked.arrays.values())))
        if rows > self.limits.max_images:
            raise Refused(
                413,
                f"The request has {rows} rows. Expected at most"
                f" {self.limits.max_images}: send the others in further requests.",
                reason="rows",
            )
        return asked, ("signature", *key), rows

    async def _wait(self, request, key, payload, rows):
        """The result of a request, unless its client goes away before."""
        waiting = asyncio.wrap_future(self.batcher.submit(key, payload, rows))
        gone = asyncio.create_task(disconnected(request))
        try:
            await asyncio.wait({waiting, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                raise Refused(499, "The client went away.", reason="abandoned")
            return await waiting
        except (ValueError, NotImplementedError) as error:
            raise Refused(400, str(error), reason="inputs") from error
        finally:
            gone.cancel()
            waiting.cancel()

    def _run(self, key, payloads):
        """Runs what waits together; see `Batcher`."""
        if key[0] == _RESULTS:
            return self.engine.find_in_files(payloads)
        return self.engine.predict(key[1], payloads)


def _known(query, task):
    """What a request's address says of its image."""
    known: dict[str, Any] = {}
    if unknown := sorted(set(query) - {"boxes"}):
        raise Refused(
            400,
            "Expected no other parameter than boxes. Received:"
            f" {', '.join(unknown)[:200]}.",
            reason="request",
        )
    if query.get("boxes"):
        if task.parts.check_known is None:
            raise Refused(
                400,
                f"boxes are not for {task.title}. Leave them out.",
                reason="request",
            )
        known["boxes"] = _boxes(query["boxes"])
    return known


def _boxes(text):
    """Boxes of a text such as "10,20,50,80;70,20,50,80"."""
    try:
        boxes = [list(map(float, part.split(","))) for part in text.split(";")]
        if any(len(box) != 4 for box in boxes):
            raise ValueError("a box has four numbers")
    except ValueError as error:
        raise Refused(
            400,
            "Expected boxes=x,y,width,height in pixels, several of them with ';'"
            f" between. Received: {text[:100]!r} ({error}).",
            reason="request",
        ) from error
    return boxes


def _encoded(row):
    import msgspec

    return msgspec.json.encode(row)
