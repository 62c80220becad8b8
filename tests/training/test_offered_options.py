"""Every shipped recipe takes what `hrnet train` offers for its task."""

import ast

import pytest

from hrnet_tf.tasks import TASKS
from hrnet_tf.training.recipe_files import package_recipes

# Of the command itself.
OWN = {"data_dir", "preset", "batch_size", "epochs", "weights", "dtype"}


def task_and_arguments(file):
    """The task whose builder a recipe file imports, and its function's arguments."""
    tree = ast.parse(file.path.read_text(encoding="utf-8"))
    modules = [n.module for n in tree.body if isinstance(n, ast.ImportFrom)]
    (name,) = {
        module.split(".")[2]
        for module in modules
        if module.startswith("hrnet_tf.tasks.") and module.endswith(".recipe")
    }
    (function,) = [
        n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "recipe"
    ]
    (task,) = [task for task in TASKS if task.name == name]
    return task, {argument.arg for argument in function.args.args}


@pytest.mark.parametrize("file", package_recipes().values(), ids=lambda f: f.name)
def test_recipes_take_what_the_command_offers(file):
    task, arguments = task_and_arguments(file)
    offered = OWN | {option.name for option in task.options["train"]}
    assert offered <= arguments
