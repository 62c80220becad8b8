"""Puts the commands together; each imports what is heavy only when it runs."""

from typing import Annotated

import typer

from hrnet_tf import __version__
from hrnet_tf.cli.train import train

app = typer.Typer(
    name="hrnet",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    # Unexpected errors are for a bug report: Python's own traceback copies best.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool):
    if wanted:
        typer.echo(f"hrnet_tf {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            help="Print the version and exit.",
            callback=_print_version,
            is_eager=True,
        ),
    ] = False,
):
    """HRNet, the High-Resolution Network, for Keras 3 and TensorFlow.

    Each command explains itself: hrnet COMMAND --help.
    """


app.command()(train)
