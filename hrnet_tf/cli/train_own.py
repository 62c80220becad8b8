"""`hrnet train TASK --data DATA`: data of the user's own, without a recipe."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hrnet_tf import tasks
from hrnet_tf.cli import common
from hrnet_tf.cli.task_options import arguments_for
from hrnet_tf.words import count_text

if TYPE_CHECKING:
    from hrnet_tf.own.choices import Choice
    from hrnet_tf.own.reading import UserData


_PANEL = "Data of your own"
DataOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE|DIR",
        show_default=False,
        help="Data of your own, with a task's name in place of RECIPE: a description"
        " (data.yaml), a folder, or an annotation file. Settings are chosen, and told.",
        rich_help_panel=_PANEL,
    ),
]
ImagesOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        show_default=False,
        help="Folder of the pictures, where an annotation file does not tell.",
        rich_help_panel=_PANEL,
    ),
]
FormatOption = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="NAME",
        show_default="found out",
        help="Format of the annotations.",
        rich_help_panel=_PANEL,
    ),
]
RecipeOutOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.py",
        show_default=False,
        help="Write the recipe file of what was chosen, to go on from.",
        rich_help_panel=_PANEL,
    ),
]


def check_words(
    recipe: str, data: Path | None, own: dict[str, Any], data_dir: Path | None
) -> None:
    """Checks that a recipe, or a task and data, are named.

    Args:
        recipe: str, what is named.
        data: Path or None.
        own: dict of the options that belong to data of one's own, by their flags.
        data_dir: Path or None.
    Raises:
        ValueError: if options contradict each other.
    """
    names = [task.name for task in tasks.TASKS]
    if data is None:
        given = next((flag for flag, value in own.items() if value is not None), None)
        if given is not None:
            raise ValueError(
                f"{given} belongs to --data. Pass --data, or leave it out."
            )
        if recipe in names:
            raise ValueError(
                f"{recipe} is a task, which trains on data of your own: pass them as"
                " --data (a data.yaml, a folder, or an annotation file). Or name a"
                " recipe; `hrnet recipes` lists them."
            )
        return
    if recipe not in names:
        raise ValueError(
            f"--data goes with the name of a task: {', '.join(names)}. Received:"
            f" {recipe}. A recipe reads the folder --data-dir."
        )
    if data_dir is not None:
        raise ValueError("--data says where the data are. Leave out --data-dir.")


def own_recipe(
    name: str,
    where: dict[str, Any],
    out: Path,
    arguments: dict[str, Any],
    given: dict[str, Any],
    console: Any,
    recipe_out: Path | None = None,
    overwrite: bool = False,
) -> Any:
    """Reads data of the user's own, chooses the settings, and tells them.

    Args:
        name: str, of the task.
        where: dict of data, images and format.
        out: Path of the run's folder.
        arguments: dict of the settings that the user gave.
        given: dict of the tasks' options that the user gave.
        console: rich console.
        recipe_out: Path or None, where to write the recipe file.
        overwrite: bool. Whether another division of data in `out` may go.
    Returns:
        `Recipe`, whose data are checked.
    """
    from hrnet_tf.data.findings import stop_on_errors
    from hrnet_tf.launch.strategies import is_chief
    from hrnet_tf.own.choices import Machine, settings_of
    from hrnet_tf.own.recipe_file import write_recipe
    from hrnet_tf.own.split import SPLIT_FILE, write_split

    task = tasks.task_named(name)
    options = arguments_for(task, "train", given, f"{name} --data")
    skip_bad = options.pop("skip_bad", False) or arguments.pop("skip_bad", False)
    where = {key: value and str(value) for key, value in where.items()}
    where = {**where, "split": str(out / SPLIT_FILE), "work": str(out / "label_maps")}
    where["skip_bad"] = bool(skip_bad)
    data, content = read_own(task, where, overwrite)
    own: Any = task.parts.own_data
    asked = {**arguments, **options}
    choices = own.choose(data, Machine.here(), asked)
    tell(data, choices, console)
    if not data.split_text:
        where["split"] = None
    recipe = own.recipe(**where, loaded=data, **settings_of(choices))
    if recipe.check is not None:
        stop_on_errors(recipe.check())
    if is_chief():
        if content is not None:
            write_split(out / SPLIT_FILE, content)
        if recipe_out is not None:
            write_recipe(recipe_out, task, where, choices)
    return dataclasses.replace(recipe, check=None)


def read_own(
    task: Any, where: dict[str, Any], overwrite: bool = False
) -> "tuple[UserData, dict[str, Any] | None]":
    """Reads data of the user's own, with a part for validation.

    Args:
        task: `Task`.
        where: dict of data, images, format, split, work and skip_bad.
        overwrite: bool, see `with_validation`.
    Returns:
        `UserData`, and what is to be written to the file `split` or None.
    Raises:
        ValueError: if the task takes no such data, or they are bad.
    """
    from hrnet_tf.own.reading import read_data
    from hrnet_tf.own.split import with_validation

    own = task.parts.own_data
    if own is None:
        able = [t.name for t in tasks.TASKS if t.parts.own_data is not None]
        raise ValueError(
            f"{task.title} is trained by recipes alone. --data goes with:"
            f" {', '.join(able)}."
        )
    with common.progress("reading the data", "images") as tick:
        data = read_data(
            where["data"],
            own.reads,
            where["images"],
            where["format"],
            where["skip_bad"],
            tick,
            task.name,
            where["work"],
        )
    return with_validation(data, where["split"], overwrite=overwrite)


def tell(data: "UserData", choices: "Sequence[Choice]", console: Any) -> None:
    """Prints what data there are, and each setting with its reason."""
    from rich.text import Text

    for line in facts(data):
        console.print(line, markup=False, soft_wrap=True)
    names, values = zip(*((c.name, _short(c.value)) for c in choices), strict=True)
    widths = max(map(len, names)), min(24, max(map(len, values)))
    for choice, value in zip(choices, values, strict=True):
        start = f"{choice.name:<{widths[0]}}  {value:<{widths[1]}}  {choice.reason}"
        shown = Text.assemble(start, (f"  [{choice.option}]", "dim"))
        console.print(shown, soft_wrap=True)


def facts(data: "UserData", short: bool = False) -> list[str]:
    """Returns lines (str) on how many pictures there are, and what was left out.

    Args:
        data: `UserData`.
        short: bool. Whether to count the pictures alone.
    """
    lines = []
    for split, labelled in data.splits.items():
        count = count_text(len(labelled.examples), "picture", "pictures")
        told = split in ("val", "all") and data.split_text
        how = f" ({data.split_text})" if told else ""
        lines.append(f"{split}: {count} of {labelled.source}, {labelled.format}{how}")
        counts = [_num_objects(example) for example in labelled.examples]
        if None not in counts:
            lines[-1] += (
                f", {count_text(sum(counts), 'labelled object', 'labelled objects')}"
            )
        if short:
            continue
        if labelled.left_out:
            lines.append(f"left out of {split}: {labelled.left_out.describe()}")
        lines += labelled.notes
    if data.left_out and not short:
        lines.append(f"left out of the data: {data.left_out.describe()}")
    return lines


def _num_objects(example):
    """The people or objects of a picture; None where whole pictures are labelled."""
    found = (getattr(example, name, None) for name in ("num_people", "num_objects"))
    return next((count for count in found if count is not None), None)


def _short(value):
    """A value as it is shown in a table."""
    if isinstance(value, dict):
        return str(value.get("name", "..."))
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) < 40 else f"{text[:37]}..."
