"""Writes the recipe file of a run on data of the user's own."""

import pprint
import textwrap
from collections.abc import Sequence
from typing import Any

from hrnet_tf.io import write_bytes
from hrnet_tf.own.choices import Choice
from hrnet_tf.typing import PathLike


def write_recipe(
    path: PathLike, task: Any, where: dict[str, Any], choices: "Sequence[Choice]"
) -> None:
    """Writes a Python file that trains to the same as the command did.

    Args:
        path: path of the file.
        task: `Task`.
        where: dict of the arguments that tell where the data are.
        choices: sequence of `Choice`.
    """
    write_bytes(path, recipe_text(task, where, choices))


def recipe_text(task: Any, where: dict[str, Any], choices: "Sequence[Choice]") -> str:
    """Returns the text of the file; arguments as `write_recipe`."""
    function = task.parts.own_data.recipe
    title = f"{task.title[0].upper()}{task.title[1:]} of {where['data']}"
    lines = [
        f'"""{title}.',
        "",
        f"Chosen by `hrnet train {task.name} --data {where['data']}`.",
        "Each setting is an argument, which `--set` changes, too.",
        "Run: hrnet train THIS_FILE.py --out DIR",
        '"""',
        "",
        f"from {function.__module__} import {function.__qualname__} as own_recipe",
        "",
        "",
        "def recipe(",
    ]
    for name, value in where.items():
        lines.append(_argument(name, value))
    for choice in choices:
        reason = textwrap.wrap(choice.reason, 80)
        lines += [f"    # {line}" for line in reason]
        lines.append(_argument(choice.name, choice.value))
    names = [*where, *(choice.name for choice in choices)]
    lines += ["):", "    return own_recipe("]
    lines += [f"        {name}={name}," for name in names]
    lines += ["    )", ""]
    return "\n".join(lines)


def _argument(name, value):
    text = pprint.pformat(value, width=80, sort_dicts=False, compact=True)
    first, *others = text.split("\n")
    hanging = "\n".join([first, *(f"    {line}" for line in others)])
    return f"    {name}={hanging},"
