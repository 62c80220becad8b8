"""`hrnet recipes`."""

from typing import Annotated

import typer

from hrnet_tf.cli import common
from hrnet_tf.cli.options import Debug

NameArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME",
        show_default="all",
        help="Show what one recipe does, and its variants.",
    ),
]

_LEGEND = """
* is taken where no variant is named. `hrnet recipes RECIPE` tells more of one;
`hrnet train RECIPE/VARIANT --data-dir DATA --out RUN` trains it."""


@common.command()
def recipes(name: NameArgument = None, debug: Debug = False) -> None:
    """List the recipes that come with the package, for `hrnet train`.

    Each trains on one data set, and has variants: network, size of the input (of
    segmentation the training's crop) and result. Train one by the names of both, such
    as coco_pose/w48_384x288; a star marks the variant that is taken where none is
    named. The results are those published with the official code, whose protocol the
    recipes follow; those reached here are this project's own, from random weights.

    Examples:
      hrnet recipes
      hrnet recipes coco_pose
      hrnet train coco_pose/w48_384x288 --data-dir data/coco --out runs/w48
    """
    from hrnet_tf.training.recipe_files import (
        find_recipe,
        package_recipes,
        read_recipe_file,
    )

    if name is None:
        for file in package_recipes().values():
            _print_variants(file)
        common.console().print(_LEGEND, markup=False, soft_wrap=True)
        return
    path, _ = find_recipe(name)
    file = read_recipe_file(path)
    common.console().print(file.docstring, markup=False, soft_wrap=True)
    common.console().print()
    if file.variants:
        _print_variants(file, notes=True)
    common.print_facts({"file": path})


def _print_variants(file, notes=False):
    """Prints a recipe's name, its data set, and a line for each variant."""
    from rich.table import Table

    common.console().print(f"[bold]{file.name}[/]  {file.summary}", soft_wrap=True)
    table = Table.grid(padding=(0, 2, 0, 0))
    # The widths are those of the longest names, so that recipes stand in line.
    for width in (19, 18, 8):
        table.add_column(min_width=width, no_wrap=True)
    table.add_column(overflow="fold")
    for variant, own in file.variants.items():
        mark = "*" if variant == file.default and len(file.variants) > 1 else ""
        size = own.get("image_size") or own.get("crop_size") or ()
        table.add_row(
            f"  {variant}{mark}",
            own.get("preset", "") + (" + OCR" if own.get("ocr") else ""),
            "x".join(map(str, size)),
            _result(own, notes),
        )
    common.console().print(table)


def _result(own, notes):
    """What was published of a variant, or else reached here, if anything was."""
    parts = [own.get("published")]
    if "reached" in own:
        parts.append(f"{own['reached']}, reached here")
    elif "published" not in own:
        parts.append("not yet measured")
    if notes:
        parts.append(own.get("notes"))
    return "; ".join(filter(None, parts))
