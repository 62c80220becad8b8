"""`hrnet demo`."""

from pathlib import Path
from typing import Annotated

import typer

from hrnet_tf.cli import common
from hrnet_tf.cli.options import Debug, flag

OutOption = Annotated[
    Path,
    typer.Option(metavar="DIR", help="Folder for all that is made."),
]
OverwriteOption = Annotated[
    bool, flag("--overwrite", "Train anew, also where a stopped demo would go on.")
]


@common.command(
    interrupted="Stopped. Run the same command again to go on after the last saved"
    " state of its trainings."
)
def demo(
    out: OutOption = Path("demo"),
    overwrite: OverwriteOption = False,
    debug: Debug = False,
) -> None:
    """Show everything at work on drawn people; no data set is needed.

    Draws a labelled data set, trains a small network on it, tests it on held-out
    pictures, exports it, and predicts with the exported model. Takes minutes on a CPU.

    A stopped demo goes on when it is run again; after a finished one all is trained
    anew.

    Example:
      hrnet demo --out demo
    """
    from hrnet_tf.demo import run_demo

    run_demo(out, common.console(), overwrite=overwrite)
