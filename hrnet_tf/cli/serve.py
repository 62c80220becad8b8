"""`hrnet serve`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from hrnet_tf.cli import common
from hrnet_tf.cli.find_model import model_or_starter
from hrnet_tf.cli.options import Debug
from hrnet_tf.starters import starter

_LOCAL = ("localhost", "127.0.0.1", "::1")
_TOKEN = "HRNET_SERVE_TOKEN"
_COMES_WITH = ", which comes with the package, as none was named"
ModelArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="MODEL",
        show_default="the model of poses that comes with the package",
        help="A .keras file, or what `hrnet export` wrote, in any format.",
    ),
]
NameOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        show_default="that of the folder or file",
        help="What the model is called in addresses: /v1/models/NAME:predict.",
    ),
]
HostOption = Annotated[
    str,
    typer.Option(
        metavar="ADDRESS",
        help="Address to listen at. The usual one is reached from this machine alone;"
        " 0.0.0.0 listens at all of its addresses.",
    ),
]
PortOption = Annotated[
    int,
    typer.Option(
        metavar="N", min=0, max=65535, help="Port to listen at; 0 takes a free one."
    ),
]
TokenOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        show_default=f"the variable {_TOKEN}; else none",
        help="Text file with a token that requests must bring: `Authorization: Bearer"
        " TOKEN`.",
    ),
]
OriginOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ORIGIN",
        show_default=False,
        help="Another web site whose pages may ask, such as https://example.org. Can be"
        " given several times.",
    ),
]
BatchOption = Annotated[
    int, typer.Option(metavar="N", min=1, help="Most images that run together.")
]
WaitOption = Annotated[
    float,
    typer.Option(
        metavar="MS", min=0, help="Milliseconds that a batch waits to be filled."
    ),
]
BodyOption = Annotated[
    float, typer.Option(metavar="MB", min=0.001, help="Largest request, in megabytes.")
]
PixelsOption = Annotated[
    float | None,
    typer.Option(
        metavar="MP",
        min=0.001,
        show_default="25; fewer for segmenters of many classes",
        help="Most pixels of the images of a request, in millions.",
    ),
]
WaitingOption = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=1,
        help="Most requests that wait or run; others are answered with 429, and when to"
        " come again.",
    ),
]
LocalOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.tflite",
        show_default="MODEL, if it is one",
        help="LiteRT file that the page runs itself, in the browser, with --litert-js.",
    ),
]
ScriptsOption = Annotated[
    Path | None,
    typer.Option(
        "--litert-js",
        metavar="DIR",
        show_default=False,
        help="Folder where `npm install @litertjs/core` was run; the page then runs"
        " models itself at /?local.",
    ),
]


@common.command(interrupted="Stopped.")
def serve(
    model: ModelArgument = None,
    name: NameOption = None,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8501,
    token_file: TokenOption = None,
    allow_origin: OriginOption = None,
    max_batch_size: BatchOption = 8,
    batch_wait: WaitOption = 2.0,
    max_body: BodyOption = 16.0,
    max_pixels: PixelsOption = None,
    max_waiting: WaitingOption = 64,
    local_model: LocalOption = None,
    litert_js: ScriptsOption = None,
    debug: Debug = False,
) -> None:
    """Serve a model over HTTP, with a page to try it.

    Open the address that it prints: drop a photo there, or use the camera. Programs ask
    as they ask TensorFlow Serving, at /v1/models/NAME:predict, or send an image file to
    /v1/models/NAME:results and get what `hrnet predict` writes. Requests that come
    together run together. /healthz, /readyz and /metrics are for those who watch over
    it. Nothing that is sent is written to disk. Ctrl-C or SIGTERM ends it, after the
    requests that it has taken.

    Examples:
      hrnet serve
      hrnet serve runs/lspet/best.keras
      hrnet serve saved_models/coco --port 8600 --max-pixels 12
      hrnet serve exported/faces.tflite --litert-js web --host 0.0.0.0 \\
          --token-file token.txt
    """
    token, is_starter = _token(token_file), model is None
    model = starter() if model is None else model_or_starter(model, "serve")
    with common.spinner("loading the model"):
        from hrnet_tf.predict import read_model
        from hrnet_tf.serving.app import make_app
        from hrnet_tf.serving.engine import Engine
        from hrnet_tf.serving.limits import Limits, default_max_pixels
        from hrnet_tf.serving.serve import listening, make_server, run_server

        local = _local(local_model, litert_js, model)
        engine = Engine(read_model(model), model, name)
    most = default_max_pixels(engine.description)
    limits = Limits(
        max_body=int(max_body * 1e6),
        max_pixels=most if max_pixels is None else int(max_pixels * 1e6),
        max_waiting=max_waiting,
    )
    is_local = host in _LOCAL
    app = make_app(
        engine,
        limits,
        token=token,
        # By any name that this machine may have where it is reached from others.
        hosts=_LOCAL if is_local else (),
        origins=allow_origin or (),
        max_batch_size=max_batch_size,
        wait_seconds=batch_wait / 1e3,
        local=local,
    )
    with listening(host, port) as opened:
        address = f"http://{_shown(host)}:{opened.getsockname()[1]}"
        facts = {
            "model": f"{engine.name}, version {engine.version} ({engine.task.title},"
            f" {engine.format}){_COMES_WITH if is_starter else ''}",
            "page": f"{address}/",
            "predict": f"{address}/v1/models/{engine.name}:predict",
            "results": f"{address}/v1/models/{engine.name}:results",
            "open to": _open_to(is_local, token),
        }
        if local is not None:
            facts["in the browser"] = f"{address}/?local"
        server = make_server(app, limits, host, port, lambda: common.print_facts(facts))
        run_server(server, opened)


def _shown(host):
    """A host as addresses have it."""
    return f"[{host}]" if ":" in host else host


def _token(path):
    """The token that requests must bring, or None."""
    given = os.environ.get(_TOKEN) if path is None else path.read_text("utf-8")
    if given is None:
        return None
    given = given.strip()
    if not given or not given.isascii() or any(c.isspace() for c in given):
        source = _TOKEN if path is None else path
        raise ValueError(
            f"{source} holds no token. Expected ASCII characters without blanks, such"
            " as those of `python -c 'import secrets; print(secrets.token_urlsafe())'`."
        )
    return given


def _local(local_model, litert_js, model):
    """What the page runs itself, or None."""
    if litert_js is None:
        if local_model is not None:
            raise ValueError(
                "--local-model is run by the page with LiteRT's scripts. Pass their"
                " folder as --litert-js."
            )
        return None
    from hrnet_tf.serving.page import LocalModel

    return LocalModel.load(local_model or model, litert_js)


def _open_to(is_local, token):
    who = "this machine" if is_local else "all who reach this machine"
    return f"{who}, with the token" if token else who
