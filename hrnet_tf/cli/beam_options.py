"""The arguments of the commands that run as pipelines of Apache Beam."""

import importlib
from types import ModuleType
from typing import Annotated, Any

import typer

_PANEL = "Apache Beam"
_LOCAL = "DirectRunner"

Beam = Annotated[
    bool,
    typer.Option(
        "--beam",
        metavar="",
        rich_help_panel=_PANEL,
        help="Run as a pipeline of Apache Beam: many workers, on this machine or a"
        " cluster. Needs: pip install 'hrnet_tf\\[beam]'",
    ),
]
Runner = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        rich_help_panel=_PANEL,
        help="Where to run it: DirectRunner (here), DataflowRunner, FlinkRunner,"
        " SparkRunner, ... The workers need hrnet_tf, and see the files under the same"
        " paths.",
        show_default=_LOCAL,
    ),
]
BeamOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--beam-option",
        metavar="NAME=VALUE",
        rich_help_panel=_PANEL,
        show_default=False,
        help="An option of the runner, such as direct_num_workers=4; may be repeated.",
    ),
]


def load_beam(
    name: str, beam: bool, runner: str | None, options: list[str] | None
) -> tuple[ModuleType | None, dict[str, Any]]:
    """Loads a module of `hrnet_tf.beam`, and checks its arguments.

    Args:
        name: str, the module's.
        beam: bool, whether --beam was given.
        runner: str or None.
        options: list of str or None.
    Returns:
        The module and the arguments `runner` and `options` (dict); (None, {}) without
        `beam`.
    Raises:
        ValueError: if Beam is not installed, or its options are given without --beam.
    """
    if not beam:
        if runner or options:
            option = "--runner" if runner else "--beam-option"
            raise ValueError(f"{option} belongs to --beam. Pass that too.")
        return None, {}
    try:
        module = importlib.import_module(f"hrnet_tf.beam.{name}")
    except ImportError as error:
        raise ValueError(str(error)) from error
    return module, {"runner": runner or _LOCAL, "options": tuple(options or ())}
