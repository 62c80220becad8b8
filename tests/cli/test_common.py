"""What the commands make of the library's texts."""

import enum
import warnings
from typing import Annotated

import pytest
import typer

from hrnet_tf.cli import common
from hrnet_tf.cli.options import flag


class Runner(str, enum.Enum):
    here = "here"


def command_that(function):
    @common.command()
    def run(
        recipe: Annotated[str, typer.Argument()],
        batch_size: Annotated[int, typer.Option(min=1)] = 1,
        overwrite: Annotated[bool, flag("--overwrite", "Help.")] = False,
        workers: Annotated[int, typer.Option("-w", "--workers")] = 1,
        runner: Annotated[Runner | None, typer.Option()] = None,
        debug: bool = False,
    ):
        function()

    return lambda: run(recipe="x", debug=False)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Pass a smaller `batch_size`.", "Pass a smaller --batch-size."),
        ("Pass `batch_size=3` or 4.", "Pass --batch-size 3 or 4."),
        ("begin with `overwrite=True`.", "begin with --overwrite."),
        ("leave out `num_workers`", "leave out --workers"),
        ("`runner='Moon'`: unknown", "--runner Moon: unknown"),
        # Neither an argument's value, nor what is no option of this command.
        ("Received: batch_size=3.", "Received: batch_size=3."),
        ("no function `recipe`", "no function `recipe`"),
        ("use `hrnet train --workers 2`", "use `hrnet train --workers 2`"),
        ("see `warmup_epochs=2`", "see `warmup_epochs=2`"),
        ("`overwrite=False`", "`overwrite=False`"),
    ],
)
def test_arguments_are_shown_as_options(capsys, text, shown):
    def fail():
        warnings.warn(text, stacklevel=1)
        raise ValueError(text)

    with pytest.raises(typer.Exit):
        command_that(fail)()
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" (Pass --debug")[0] for line in lines] == [
        f"warning: {shown}",
        f"error: {shown}",
    ]
