"""What the commands make of the library's texts."""

import enum
import io
import warnings
from typing import Annotated

import pytest
import typer
from rich.console import Console

from hrnet_tf.cli import common
from hrnet_tf.cli.options import flag
from hrnet_tf.tasks.base import Table


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


def table_text(width, names, parts):
    columns = ["keypoint", *(f"{p}: {h}" for p in parts for h in ("seen", "hidden"))]
    rows = [(name, *["1234"] * (len(columns) - 1)) for name in names]
    output = Console(width=width, file=io.StringIO())
    common.show_table(Table(tuple(columns), tuple(rows)), "Points", output)
    return output.file.getvalue()


@pytest.mark.parametrize("width", range(60, 101))
def test_tables_are_not_cut_off_at_the_right(width):
    text = table_text(width, ("left_shoulder", "nose"), ("train", "val"))
    for line in text.splitlines():
        assert line.rstrip()[-1] in "┓┃┩│┘┤s", line


@pytest.mark.parametrize("width", [60, 80, 140])
@pytest.mark.parametrize("parts", [("train",), ("train", "val", "test")])
def test_names_in_tables_are_whole_whatever_the_width(width, parts):
    names = ("nose", "left_front_paw_outer_tip", "right_hind_paw_inner_tip_of_toe")
    text = table_text(width, names, parts)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text and text.count("Points") == 1
    pieces = text.count("nose")
    for name in names:
        assert text.count(name) == pieces
    assert text.count("1234") == 2 * len(names) * len(parts)


def test_titles_and_heads_of_tables_are_whole():
    path = "runs/a_rather_long_name/best.keras"
    output = Console(file=io.StringIO(), width=40)
    common.show_table(Table(("longer side, px", "n"), (("train", "1"),)), path, output)
    text = output.file.getvalue()
    assert text.startswith(f"{path}\n") and "longer side, px" in text
