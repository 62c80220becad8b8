"""Puts the commands together; each imports what is heavy only when it runs."""

import inspect
from typing import Annotated

import typer

from hrnet_tf import __version__
from hrnet_tf.cli.benchmark import benchmark
from hrnet_tf.cli.compare import compare
from hrnet_tf.cli.convert import convert
from hrnet_tf.cli.data import make_data_app
from hrnet_tf.cli.data_service import data_service
from hrnet_tf.cli.demo import demo
from hrnet_tf.cli.evaluate import evaluate
from hrnet_tf.cli.export import export
from hrnet_tf.cli.help_flag import Command, Group
from hrnet_tf.cli.inspect import inspect as inspect_command
from hrnet_tf.cli.predict import predict
from hrnet_tf.cli.presets import presets
from hrnet_tf.cli.recipes import recipes
from hrnet_tf.cli.records import records
from hrnet_tf.cli.serve import serve
from hrnet_tf.cli.serve_check import serve_check
from hrnet_tf.cli.serving_kit import serving_kit
from hrnet_tf.cli.task_options import with_task_options
from hrnet_tf.cli.train import train

_COMMANDS = (
    train,
    evaluate,
    predict,
    export,
    benchmark,
    compare,
    convert,
    inspect_command,
    records,
    data_service,
    serve,
    serving_kit,
    serve_check,
    presets,
    recipes,
    demo,
)


def _print_version(wanted: bool):
    if wanted:
        typer.echo(f"hrnet_tf {__version__}")
        raise typer.Exit


def main(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            metavar="",
            help="Print the version and exit.",
            callback=_print_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """HRNet, the High-Resolution Network, for Keras 3 and TensorFlow.

    Each command explains itself: hrnet COMMAND --help.
    """


def _help(docstring):
    """Joins the lines of paragraphs, for terminals of any width; examples stay."""
    paragraphs = inspect.cleandoc(docstring).split("\n\n")
    return "\n\n".join(
        text if "\n " in text else text.replace("\n", " ") for text in paragraphs
    )


def make_app() -> typer.Typer:
    """Returns the console command, a `typer.Typer` with the options of all tasks."""
    made = typer.Typer(
        name="hrnet",
        cls=Group,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        # Unexpected errors are for a bug report: Python's own traceback copies best.
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    made.callback()(main)
    for command in _COMMANDS:
        takes = hasattr(command, "task_command")
        function = with_task_options(command) if takes else command
        made.command(cls=Command, help=_help(command.__doc__))(function)
    made.add_typer(make_data_app())
    return made


app = make_app()
