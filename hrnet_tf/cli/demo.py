"""`hrnet demo`."""

from pathlib import Path
from typing import Annotated

import typer

from hrnet_tf.cli import common
from hrnet_tf.cli.options import Debug

OutOption = Annotated[
    Path,
    typer.Option(metavar="DIR", help="Folder for all that is made."),
]


@common.command()
def demo(
    out: OutOption = Path("demo"),
    debug: Debug = False,
) -> None:
    """Show everything at work on drawn people; no data set is needed.

    Draws a labelled data set, trains a small network on it, tests it on held-out
    pictures, exports it, and predicts with the exported model. Takes minutes on a CPU.

    Example:
      hrnet demo --out demo
    """
    from hrnet_tf.demo import run_demo

    run_demo(out, common.console())
