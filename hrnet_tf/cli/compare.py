"""`hrnet compare`."""

from pathlib import Path
from typing import Annotated

import typer

from hrnet_tf import tasks
from hrnet_tf.cli import common
from hrnet_tf.cli.options import Debug, flag
from hrnet_tf.cli.train_settings import set_arguments

TaskOption = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        show_default=False,
        help="What the networks are for: pose or segmentation.",
    ),
]
SystemOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PRESET",
        show_default="some of both sides",
        help="A network, again for each: an architecture of the task, which --list"
        " lists; arguments of the network may follow, as in"
        " hrnet_w32:exchanges=final.",
    ),
]
EpochsOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        show_default=False,
        help="Train each for so many epochs.",
    ),
]
MinutesOption = Annotated[
    float | None,
    typer.Option(
        metavar="M",
        show_default=False,
        help="Train each for the epochs that so many minutes hold on this machine,"
        " instead of --epochs; its speed is measured first.",
    ),
]
RecipeOption = Annotated[
    str | None,
    typer.Option(
        metavar="RECIPE",
        show_default="the task's",
        help="Recipe that all are trained by, see `hrnet recipes`.",
    ),
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        show_default="a drawn data set",
        help="Folder of the recipe's data.",
    ),
]
BatchOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        show_default="the recipe's",
        help="Images of a training step.",
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        show_default=False,
        help="Another argument of the recipe's function.",
    ),
]
SeedOption = Annotated[
    int, typer.Option(metavar="N", help="Seed of the weights and of the order.")
]
OutOption = Annotated[
    Path,
    typer.Option(metavar="DIR", help="Folder of the runs, the table and the plot."),
]
ListOption = Annotated[
    bool, flag("--list", "List the networks of the task, and train nothing.")
]


@common.command(
    interrupted="Stopped. Run the same command again to go on with the comparison."
)
def compare(
    task: TaskOption,
    system: SystemOption = None,
    epochs: EpochsOption = None,
    minutes: MinutesOption = None,
    recipe: RecipeOption = None,
    data_dir: DataOption = None,
    batch_size: BatchOption = None,
    settings: SetOption = None,
    seed: SeedOption = 0,
    out: OutOption = Path("comparison"),
    list_systems: ListOption = False,
    debug: Debug = False,
) -> None:
    """Train several networks by one recipe under one budget, and compare them.

    HRNet, its ablations, and the systems that its papers compare it with, on your own
    machine: each network is trained in a process of its own, with the same data, seed,
    loss and optimizer. Written are a run for each network, and comparison.md, .csv,
    .json and .png: score, parameters, multiply-adds, time and memory. The same command
    goes on with a comparison that was stopped.

    Examples:
      hrnet compare --task pose --epochs 2
      hrnet compare --task pose --minutes 60 --system hrnet_w18 --system resnet50
      hrnet compare --task segmentation --recipe camvid --data-dir DIR --minutes 60
    """
    chosen = _task(task)
    if list_systems:
        _print_systems(chosen)
        return
    from hrnet_tf.comparison.report import table_of
    from hrnet_tf.comparison.run import Budget, compare

    budget = Budget(epochs, minutes)
    if recipe is not None or chosen.comparison.draw is None:
        _check_data_dir(recipe or chosen.comparison.recipe, data_dir)
    elif data_dir is None:
        data_dir = out / "data"
        with common.progress("drawing a data set", "pictures") as tick:
            chosen.comparison.draw(data_dir, tick)
    folder = None if data_dir is None else str(data_dir)
    arguments = {"data_dir": folder, "batch_size": batch_size}
    arguments = {key: value for key, value in arguments.items() if value is not None}
    members = compare(
        recipe or chosen.comparison.recipe,
        tuple(system or chosen.comparison.systems),
        out,
        budget,
        common.console(),
        {**arguments, **set_arguments(settings or ())},
        seed=seed,
        title=f"{chosen.title}, {budget} each",
    )
    common.show_table(table_of(members, str(budget)))
    common.print_facts({"table": out / "comparison.md", "plot": out / "comparison.png"})


def _check_data_dir(recipe, data_dir):
    """Raises ValueError unless the data are told, or the recipe says where they are."""
    from hrnet_tf.training.recipe_files import find_recipe, read_recipe_file

    path, _ = find_recipe(recipe)
    if data_dir is None and "data_dir" in read_recipe_file(path).arguments:
        raise ValueError(
            "Which data? Pass --data-dir, the folder of the data of the recipe"
            f" {recipe}."
        )


def _task(name):
    """The task of a name, if its networks can be compared."""
    found = {task.name: task for task in tasks.TASKS if task.comparison is not None}
    if name not in found:
        raise ValueError(
            f"Networks are compared for these tasks: {', '.join(found)}. Received:"
            f" --task {name!r}."
        )
    return found[name]


def _print_systems(task):
    """Prints the classes of a task and their architectures."""
    from hrnet_tf.tasks.base import Table

    with common.spinner("loading TensorFlow"):
        classes = task.parts.models
    rows = []
    for kind in classes:
        for name in kind.architectures:
            mark = "yes" if name in task.comparison.systems else ""
            rows.append((name, kind.__name__, mark))
    common.show_table(
        Table(("preset", "class", "compared by default"), tuple(rows), texts=(0, 1, 2))
    )
