"""The server's addresses: TensorFlow Serving's, results of images, health, the page."""

import functools
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hrnet_tf.extras import import_extra
from hrnet_tf.serving import page
from hrnet_tf.serving.guard import Guard
from hrnet_tf.serving.limits import Limits, Refused
from hrnet_tf.serving.server import Server
from hrnet_tf.serving.status import model_metadata, model_status

if TYPE_CHECKING:
    from hrnet_tf.serving.engine import Engine
    from hrnet_tf.serving.page import LocalModel

_JSON = "application/json"


def make_app(
    engine: "Engine",
    limits: Limits | None = None,
    token: str | None = None,
    hosts: Sequence[str] = (),
    origins: Sequence[str] = (),
    max_batch_size: int = 8,
    wait_seconds: float = 0.002,
    local: "LocalModel | None" = None,
) -> Any:
    """Makes the ASGI application that serves a model.

    Args:
        engine: `Engine`.
        limits: `Limits`, or None for the usual ones.
        token: str or None, see `Guard`.
        hosts, origins: sequences of str, see `Guard`; the origins' pages are also sent
            the headers that let browsers give them the answers.
        max_batch_size, wait_seconds: see `Batcher`.
        local: `LocalModel`, what the page runs itself, or None.
    Returns:
        An ASGI application. Its `state` holds the `server` (`Server`).
    Raises:
        MissingExtra: if FastAPI is absent.
    """
    fastapi = import_extra("fastapi", "The server")
    from fastapi.middleware.cors import CORSMiddleware

    limits = limits or Limits()
    server = Server(engine, limits, max_batch_size, wait_seconds)
    app = fastapi.FastAPI(
        title=f"{engine.name} ({engine.task.title})",
        # Pages of the docs would fetch scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        lifespan=server.lifespan,
    )
    app.state.server = server
    _add_model(app, server)
    _add_health(app, server)
    page.add_routes(app, engine, limits, local)
    _add_refusals(app, fastapi)
    app.add_middleware(Guard, token=token, hosts=hosts, origins=origins)
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=["Retry-After"],
        )
    return app


def _add_refusals(app, fastapi):
    """What is answered in place of a result."""
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException

    @app.exception_handler(Refused)
    async def refuse(request: Any, error: Refused) -> Any:
        return fastapi.responses.JSONResponse(
            {"error": error.text}, error.status, error.headers
        )

    @app.exception_handler(HTTPException)
    async def refuse_address(request: Any, error: HTTPException) -> Any:
        text = f"{request.method} {request.url.path[:200]}: {error.detail}"
        return fastapi.responses.JSONResponse(
            {"error": text}, error.status_code, error.headers
        )

    @app.exception_handler(RequestValidationError)
    async def refuse_values(request: Any, error: Any) -> Any:
        text = f"{request.url.path[:200]}: a version is a number."
        return fastapi.responses.JSONResponse({"error": text}, 400)

    @app.exception_handler(Exception)
    async def fail(request: Any, error: Exception) -> Any:
        # Starlette raises it again, so that the log has the traceback.
        text = "The server failed; its log says why."
        return fastapi.responses.JSONResponse({"error": text}, 500)


def _add_model(app, server):
    from fastapi import Request
    from fastapi.responses import JSONResponse, Response

    engine = server.engine
    counted = functools.partial(_counted, server.metrics)

    def check(name, version=None):
        if name != engine.name or version not in (None, engine.version):
            asked = name if version is None else f"{name}, version {version}"
            raise Refused(
                404,
                f"There is no model {asked[:200]}. This server has {engine.name},"
                f" version {engine.version}.",
                reason="model",
            )

    models = "/v1/models/{name}"

    @app.post(models + ":predict")
    @app.post(models + "/versions/{version}:predict")
    @counted("predict")
    async def predict(request: Request, name: str, version: int | None = None) -> Any:
        """Runs a signature; TensorFlow Serving's json."""
        check(name, version)
        return Response(await server.predict(request), media_type=_JSON)

    @app.post(models + ":results")
    @app.post(models + "/versions/{version}:results")
    @counted("results")
    async def results(request: Request, name: str, version: int | None = None) -> Any:
        """Takes an image file as the body; gives what the task finds in it."""
        check(name, version)
        return Response(await server.results(request), media_type=_JSON)

    @app.get(models)
    @app.get(models + "/versions/{version}")
    async def status(name: str, version: int | None = None) -> Any:
        """Says whether the model is there; TensorFlow Serving's json."""
        check(name, version)
        return JSONResponse(model_status(engine.version, server.ready))

    @app.get(models + "/metadata")
    @app.get(models + "/versions/{version}/metadata")
    async def metadata(name: str, version: int | None = None) -> Any:
        """Tells the signatures; TensorFlow Serving's json."""
        check(name, version)
        return JSONResponse(model_metadata(engine))


def _add_health(app, server):
    from fastapi.responses import JSONResponse, Response

    @app.get("/healthz")
    async def alive() -> Any:
        """Says that the process answers."""
        return JSONResponse({"status": "ok"})

    @app.get("/readyz")
    async def ready() -> Any:
        """Says whether requests are taken."""
        word = "ready" if server.ready else "not ready"
        return JSONResponse({"status": word}, 200 if server.ready else 503)

    @app.get("/metrics")
    @app.get("/monitoring/prometheus/metrics")
    async def numbers() -> Any:
        """Prometheus' text."""
        content, kind = server.metrics.text()
        return Response(content, media_type=kind)


def _counted(metrics, kind):
    """Counts the answers of an address."""

    def decorate(answer):
        @functools.wraps(answer)
        async def run(*args: Any, **kwargs: Any) -> Any:
            started, status = time.perf_counter(), 500
            try:
                response = await answer(*args, **kwargs)
                status = response.status_code
                return response
            except Refused as error:
                status = error.status
                metrics.refused(error.reason)
                raise
            finally:
                metrics.answered(kind, status, time.perf_counter() - started)

        return run

    return decorate
