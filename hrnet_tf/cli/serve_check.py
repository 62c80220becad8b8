"""`hrnet serve-check`."""

from pathlib import Path
from typing import Annotated

import typer

from hrnet_tf.cli import common
from hrnet_tf.cli.options import Debug

UrlArgument = Annotated[
    str,
    typer.Argument(
        metavar="URL",
        show_default=False,
        help="The server: http://HOST:PORT, https, grpc, or grpcs for gRPC over TLS.",
    ),
]
NameOption = Annotated[
    str,
    typer.Option(
        metavar="NAME", show_default=False, help="What the server calls the model."
    ),
]
ImageOption = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        show_default="a drawn one",
        help="Image that is sent. Can be given several times.",
    ),
]
ModelOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        show_default=False,
        help="The exported model that is served, whose own answers are compared.",
    ),
]
TimeoutOption = Annotated[
    float, typer.Option(metavar="S", min=0.1, help="Seconds that an answer may take.")
]
TokenOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        show_default=False,
        help="Text file with the token that the server wants.",
    ),
]
CaOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.pem",
        show_default="the system's",
        help="Certificates to trust, for https and grpcs.",
    ),
]


@common.command()
def serve_check(
    url: UrlArgument,
    name: NameOption,
    image: ImageOption = None,
    model: ModelOption = None,
    timeout: TimeoutOption = 30.0,
    token_file: TokenOption = None,
    ca_file: CaOption = None,
    debug: Debug = False,
) -> None:
    """Say whether a running server answers rightly.

    It asks TensorFlow Serving or `hrnet serve` whether the model is there, sends images
    twice, looks at shapes and numbers, compares them with those of the exported model
    if that is given, sends half a file, which must be refused, and times the answers.
    The exit code is 1 if anything is wrong.

    Examples:
      hrnet serve-check http://localhost:8501 --name coco --image photo.jpg
      hrnet serve-check grpc://localhost:8500 --name coco --image photo.jpg \\
          --model saved_models/coco
    """
    from hrnet_tf.serving.check import check_server
    from hrnet_tf.serving.client import Client

    for path in image or ():
        if not path.is_file():
            raise ValueError(f"There is no image file {path}.")
    exported = None
    if model is not None:
        with common.spinner("loading the model"):
            from hrnet_tf.serving.signatures import load_functions

            exported = load_functions(model)
    token = None if token_file is None else token_file.read_text("utf-8").strip()
    with (
        Client(url, name, timeout=timeout, token=token, ca_file=ca_file) as client,
        common.spinner("asking the server"),
    ):
        found = check_server(client, image or (), exported)
    marks = {True: "ok   ", False: "WRONG"}
    common.print_facts({one.name: f"{marks[one.is_good]} {one.text}" for one in found})
    if not all(one.is_good for one in found):
        raise typer.Exit(1)
