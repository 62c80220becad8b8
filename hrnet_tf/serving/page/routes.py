"""The files of the page, and what it has to know of the model."""

import base64
import dataclasses
import hashlib
import json
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hrnet_tf.serving.limits import Limits
from hrnet_tf.typing import PathLike

if TYPE_CHECKING:
    from hrnet_tf.serving.engine import Engine

_FOLDER = Path(__file__).parent
_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
# What `npm install @litertjs/core` makes, and where it keeps the compiled runtime.
_PACKAGES = ("core", "wasm-utils")
# What exports append to a LiteRT file.
_DESCRIPTION = "hrnet.json"


@dataclasses.dataclass(frozen=True)
class LocalModel:
    """What the page needs to run a model itself.

    Attributes:
        file: `Path` of a LiteRT file.
        description: dict, of the file's inference.
        scripts: `Path` of the folder "@litertjs" that npm installed.
    """

    file: Path
    description: dict[str, Any]
    scripts: Path

    @classmethod
    def load(cls, file: PathLike, scripts: PathLike) -> "LocalModel":
        """Reads what a LiteRT file says of itself.

        Args:
            file: str or path.
            scripts: str or path, see `find_scripts`.
        Raises:
            ValueError: if it is none, says nothing, or the scripts are absent.
        """
        file = Path(file)
        if file.suffix != ".tflite" or not file.is_file():
            raise ValueError(
                f"The page runs LiteRT files, and {file} is none. Export the model with"
                " --format litert, and pass the file as `local_model`."
            )
        try:
            with zipfile.ZipFile(file) as archive:
                description = json.loads(archive.read(_DESCRIPTION))
        except (zipfile.BadZipFile, KeyError, ValueError) as error:
            raise ValueError(
                f"{file} does not say what it holds ({error}). Export the model again."
            ) from error
        return cls(file, description, find_scripts(scripts))


def find_scripts(folder: PathLike) -> Path:
    """Returns the folder of LiteRT's packages for browsers.

    Args:
        folder: str or path. Where `npm install @litertjs/core` was run, its
            node_modules, or the folder @litertjs in that.
    Raises:
        ValueError: if they are not there.
    """
    folder = Path(folder)
    for place in (
        folder / "node_modules" / "@litertjs",
        folder / "@litertjs",
        folder,
    ):
        if all((place / name / "package.json").is_file() for name in _PACKAGES):
            return place
    raise ValueError(
        f"{folder} holds no @litertjs/core. Run `npm install @litertjs/core` in a"
        " folder of your own, and pass that."
    )


def add_routes(
    app: Any, engine: "Engine", limits: Limits, local: LocalModel | None
) -> None:
    """Adds the page to an application.

    Args:
        app: FastAPI application.
        engine: `Engine`.
        limits: `Limits`, of which the page tells.
        local: `LocalModel` or None.
    """
    from fastapi.responses import FileResponse, JSONResponse, Response
    from fastapi.staticfiles import StaticFiles

    files = {
        path.name: path.read_bytes()
        for path in _FOLDER.iterdir()
        if path.suffix in _KINDS
    }
    headers = _headers(files["index.html"].decode())

    def answer(name):
        kind = _KINDS[Path(name).suffix]
        return Response(files[name], media_type=kind, headers=headers)

    @app.get("/", include_in_schema=False)
    async def page() -> Any:
        return answer("index.html")

    @app.get("/page/{name}", include_in_schema=False)
    async def file(name: str) -> Any:
        if name not in files:
            return JSONResponse({"error": "There is no such file."}, 404)
        return answer(name)

    @app.get("/favicon.ico", include_in_schema=False)
    async def icon() -> Any:
        return Response(status_code=204)

    @app.get("/model")
    async def model() -> Any:
        """Tells pages what the model finds, and which images are taken."""
        return JSONResponse(
            {
                "name": engine.name,
                "version": engine.version,
                "format": engine.format,
                "title": engine.task.title,
                "task": engine.task.name,
                "noun": engine.task.noun,
                "takes_boxes": engine.task.parts.check_known is not None,
                "finds_boxes": bool(getattr(engine.inference, "finds_boxes", False)),
                "max_body": limits.max_body,
                "max_pixels": limits.max_pixels,
                "local": None if local is None else local.description,
            }
        )

    if local is not None:
        # Files of others are not looked through: those that are asked for are sent.
        app.mount("/litert", StaticFiles(directory=local.scripts))

        @app.get("/local/model.tflite")
        async def local_file() -> Any:
            """The LiteRT file that the page runs itself."""
            return FileResponse(local.file, media_type="application/octet-stream")


def _headers(html):
    """What the page may do: fetch from this server alone."""
    # The only script that stands in the page: the names of LiteRT's packages.
    found = re.search(r'<script type="importmap">(.*?)</script>', html, re.S)
    assert found is not None
    digest = hashlib.sha256(found[1].encode()).digest()
    scripts = f"'self' 'wasm-unsafe-eval' 'sha256-{base64.b64encode(digest).decode()}'"
    rules = {
        "default-src": "'none'",
        "script-src": scripts,
        "style-src": "'self'",
        "img-src": "'self' blob: data:",
        "media-src": "'self' blob:",
        "connect-src": "'self'",
        "worker-src": "'self' blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    policy = "; ".join(f"{name} {value}" for name, value in rules.items())
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }
