"""`hrnet train`."""

import enum
from pathlib import Path
from typing import Annotated

import typer

from hrnet_tf.cli import common
from hrnet_tf.cli.options import Debug, SkipBad, flag


class Loss(str, enum.Enum):
    mse = "mse"
    cross_entropy = "cross_entropy"


RecipeArgument = Annotated[
    Path,
    typer.Argument(
        metavar="RECIPE.py",
        show_default=False,
        help="Python file with a function recipe(...), such as those of recipes/.",
    ),
]
OutOption = Annotated[
    Path,
    typer.Option(
        metavar="DIR",
        show_default=False,
        help="Folder of the run; made if absent. If it holds this very run, the"
        " run goes on after its last whole epoch.",
    ),
]
DataDirOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Folder of the data set.", show_default="the recipe's"
    ),
]
PresetOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Architecture, see `hrnet presets`.",
        show_default="the recipe's",
    ),
]
BatchSizeOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="People or images in a step.",
        min=1,
        show_default="the recipe's",
    ),
]
EpochsOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Passes over the data; the schedule of the learning rate is made for"
        " this length.",
        min=1,
        show_default="the recipe's",
    ),
]
LossOption = Annotated[
    Loss | None,
    typer.Option(
        help="mse: squared error of the heatmaps, as published. cross_entropy:"
        " over the softmax of all cells, which learns faster from little data.",
        show_default="the recipe's",
    ),
]
WeightsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="CHECKPOINT",
        help="PyTorch checkpoint to start from (ImageNet's, or of the same task).",
        show_default="random weights",
    ),
]
DtypeOption = Annotated[
    str | None,
    typer.Option(
        metavar="POLICY",
        help="Keras dtype policy: float32, mixed_bfloat16 or mixed_float16.",
        show_default="the recipe's",
    ),
]
KeypointsOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|FILE",
        help="Keypoint set of the data: coco, mpii, lsp, 300w, wflw, cofw, aflw, or a"
        " descriptor (.json or .py).",
        show_default="the recipe's",
    ),
]
LabelsOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|FILE",
        help="Label set of a segmentation: camvid, cityscapes, ..., or a descriptor"
        " (.json or .py).",
        show_default="the recipe's",
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        show_default=False,
        help="Any other argument of the recipe's function, such as codec=udp or"
        " learning_rate=1e-3; may be repeated.",
    ),
]
SeedOption = Annotated[
    int,
    typer.Option(metavar="N", help="Seed of weights, order and augmentation.", min=0),
]
OverwriteOption = Annotated[
    bool, flag("--overwrite", "Remove the run that the folder holds first.")
]


@common.command(
    interrupted="Stopped. Run the same command again to go on after the last whole"
    " epoch."
)
def train(
    recipe: RecipeArgument,
    out: OutOption,
    data_dir: DataDirOption = None,
    preset: PresetOption = None,
    batch_size: BatchSizeOption = None,
    epochs: EpochsOption = None,
    loss: LossOption = None,
    weights: WeightsOption = None,
    dtype: DtypeOption = None,
    keypoints: KeypointsOption = None,
    labels: LabelsOption = None,
    skip_bad: SkipBad = False,
    settings: SetOption = None,
    seed: SeedOption = 0,
    overwrite: OverwriteOption = False,
    debug: Debug = False,
):
    """Train a model as a recipe says, or go on with a stopped run.

    A run may be stopped at any time: the same command goes on with it, and gives the
    same model as an undisturbed run. Written are best.keras and last.keras (for
    `hrnet evaluate`, `predict` and `export`), history.csv, curves.png and events for
    TensorBoard (tensorboard --logdir OUT).

    Example:
      hrnet train recipes/lspet_pose_w18_small.py --data-dir data/lspet \\
          --out runs/lspet
    """
    with common.spinner("loading TensorFlow"):
        from hrnet_tf.training.recipe import load_recipe
        from hrnet_tf.training.run import train as run

    arguments = {
        "data_dir": data_dir and str(data_dir),
        "preset": preset,
        "batch_size": batch_size,
        "epochs": epochs,
        "loss": loss and loss.value,
        "weights": weights and str(weights),
        "dtype": dtype,
        "keypoints": keypoints,
        "labels": labels,
        "skip_bad": skip_bad or None,
    }
    loaded = load_recipe(recipe, **{**arguments, **_arguments(settings or ())})
    console = common.console()
    result = run(loaded, out, seed=seed, overwrite=overwrite, console=console)
    scored = [row for row in result.history if "score" in row]
    best = max(scored, key=lambda row: row["score"])
    folder = result.output_dir
    common.print_facts(
        {
            "best score": f"{result.best:.4f} (epoch {best['epoch']})",
            "best model": folder / "best.keras",
            "history": folder / "history.csv",
            "curves": folder / "curves.png",
        }
    )


def _arguments(texts):
    """The dict of texts such as "codec=udp"; numbers and the like are read as such."""
    import ast

    arguments = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise ValueError(
                f"--set takes NAME=VALUE, such as codec=udp. Received: {text!r}."
            )
        try:
            arguments[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            arguments[name] = value
    return arguments
